import CGuest
import ShimABI

/// A con-shim with conshim.S in it.
struct Shim {
  enum Command: UInt64 {
    case next = 0
    case end = 1
    case spin = 2
    case read = 3
    case write = 4
    case call = 5
    case keep = 6
    case trap = 7
    case jump = 8
    case floats = 9
  }

  let handle: UInt64
  let block: UInt64
  var exchange: UInt64
  var thread: UInt64 = 0

  static let blockSize = ShimABI.granuleSize * ShimABI.bootBlockGranules

  /// Creates a con-shim; nil if a call fails.
  init?(block: UInt64, exchange: UInt64) {
    let created = Host.call(.shimCreate, block)
    guard created.failed == ShimError.none else { return nil }
    handle = created.x1
    self.block = block
    self.exchange = exchange
    guard Host.call(.exchangeMap, handle, 0, exchange, Exchange.granules).failed == ShimError.none else { return nil }
  }

  func run() -> Host.Answer { Host.call(.run, handle, thread) }

  func set(_ command: Command, _ first: UInt64 = 0, _ second: UInt64 = 0) {
    poke(exchange + 24, command.rawValue)
    poke(exchange + 32, first)
    poke(exchange + 40, second)
  }

  func run(_ command: Command, _ first: UInt64 = 0, _ second: UInt64 = 0) -> Host.Answer {
    set(command, first, second)
    return run()
  }

  /// A call that the con-shim makes: its error and x1.
  func call(_ call: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0) -> (error: ShimError?, value: UInt64) {
    poke(exchange + 48, second)
    let answer = run(.call, call, first)
    guard answer.reason == .forward else { return (nil, 0) }
    return (ShimError(rawValue: peek(exchange + 128)), peek(exchange + 136))
  }

  func call(_ call: ShimCall, _ first: UInt64 = 0, _ second: UInt64 = 0) -> (error: ShimError?, value: UInt64) {
    self.call(call.rawValue, first, second)
  }

  /// Ends the con-shim and takes everything back; false if anything is refused.
  func destroy() -> Bool {
    var ok = Host.call(.shimEnd, handle).failed == ShimError.none
    ok = Host.call(.exchangeUnmap, handle, 0).failed == ShimError.none && ok
    ok = Host.call(.undelegate, handle, block, ShimABI.bootBlockGranules).failed == ShimError.none && ok
    return Host.call(.shimDestroy, handle).failed == ShimError.none && ok
  }
}
