import CGuest
import ShimABI

/// Tests of the Monitor on the machine: a guest in the place of Linux calls it like the driver, and like an
/// attacker.
@main
struct Main {
  static var passed: UInt64 { peek(0x4200_1000) }
  static var wrong: UInt64 { peek(0x4200_1008) }

  static func check(_ name: StaticString, _ condition: Bool) {
    poke(condition ? 0x4200_1000 : 0x4200_1008, (condition ? passed : wrong) + 1)
    Host.print(condition ? "ok " : "NOT OK ")
    Host.print(name)
    Host.print("\r\n")
  }

  static let block: UInt64 = 0x5000_0000
  static let otherBlock: UInt64 = 0x5020_0000
  static let exchange: UInt64 = 0x6000_0000
  static let otherExchange: UInt64 = 0x6002_0000
  static let spare: UInt64 = 0x6100_0000
  static let secret: UInt64 = 0x5ec2_e75e_c2e7

  static func main() {
    let version = Host.call(.version)
    check("version", version.x1 == ShimABI.version && version.x2 == ShimABI.magic)
    check("second CPU starts", Host.startSecond())
    arguments()
    guard let shim = Shim(block: block, exchange: exchange) else { return end("shimCreate") }
    boot(shim)
    memory(shim)
    registers(shim)
    interrupts(shim)
    secondCPU(shim)
    threads(shim)
    check("destroy", shim.destroy())
    floats()
    check("the block is scrubbed", peek(block) == 0 && peek(block + 8) == 0)
    check("the handle is gone", shim.run().failed == .noSuchShim)
    breaking()
    check("second CPU stops", Host.stopSecond())
    measureTime()
    check("second CPU starts again", Host.startSecond())
    let info = Host.call(.info)
    check("nothing is left", info.x1 == 0 && info.x2 == 0 && info.x3 == 0)
    end("all tests ran")
  }

  static func end(_ how: StaticString) {
    Host.print("selftest: ")
    Host.print(how)
    Host.print(", passed ")
    Host.print(passed)
    Host.print(", failed ")
    Host.print(wrong)
    Host.print("\r\n")
    Host.powerOff()
  }

  static func arguments() {
    check("secure memory is out of reach", Host.isHidden(0x0e00_0000))
    check("flash is out of reach", Host.isHidden(0))
    check("unknown call", Host.smc(0xc300_00ff).error == UInt64(bitPattern: -1))
    check("a con-shim's call by the host", Host.call(.claim, block, 1).failed == .unknownCall)
    check("block not aligned", Host.call(.shimCreate, block + 4096).failed == .invalid)
    check("block beyond RAM", Host.call(.shimCreate, 0x2_0000_0000).failed == .invalid)
    check("block below RAM", Host.call(.shimCreate, 0x0e00_0000).failed == .invalid)
    check("block that overflows", Host.call(.shimCreate, 0xffff_ffff_ffe0_0000).failed == .invalid)
    check("reserved block", Host.call(.shimCreate, 0x4000_0000).failed == .granuleState)
    check("no con-shim", Host.call(.run, 0, 0).failed == .noSuchShim)
    check("no con-shim 255", Host.call(.shimEnd, 255).failed == .noSuchShim)
    check("no con-shim -1", Host.call(.measure, ~0).failed == .noSuchShim)
  }

  static func boot(_ shim: Shim) {
    check("the block is hidden", Host.isHidden(block) && Host.isHidden(block + Shim.blockSize - 8))
    check("what follows is not", Host.isReachable(block + Shim.blockSize) && Host.isReachable(block - 8))
    check("handle of another generation", Host.call(.run, shim.handle + 256, 0).failed == .noSuchShim)
    check("thread that is not there", Host.call(.run, shim.handle, 30).failed == .noSuchShim)
    check("thread out of range", Host.call(.run, shim.handle, ~0).failed == .noSuchShim)
    let first = shim.run()
    check("first exit", first.failed == ShimError.none && first.reason == .forward && first.x2 == 77)
    check("nothing else comes out", first.x3 == 0 && first.x4 == 0 && first.x5 == 0)
    let refused = Host.smc(ShimCall.run.rawValue, shim.handle + 256, 0, 0, 44)
    check("no other register changes when a call fails", refused.error != 0 && refused.x4 == 44)
    check("block in x0", peek(exchange + 128) == block)
    check("size of the image in x2", peek(exchange + 136) > 0 && peek(exchange + 136) < Shim.blockSize)
    check("size of RAM in x3", peek(exchange + 144) == 0x8000_0000)
    check("MMU is off", peek(exchange + 152) & 1 == 0)
    let digest = Host.call(.measure, shim.handle)
    check("measurement", digest.failed == ShimError.none && digest.x1 != 0)
    Host.print("measurement ")
    Host.print(hexadecimal: digest.x1)
    Host.print(hexadecimal: digest.x2)
    Host.print(hexadecimal: digest.x3)
    Host.print(hexadecimal: digest.x4)
    Host.print("\r\n")
    check("extend", shim.call(.extend, 1, 2).error == ShimError.none)
    check("measurement changed", Host.call(.measure, shim.handle).x1 != digest.x1)
    let one = shim.call(.entropy)
    let two = shim.call(.entropy)
    check("entropy", one.error == ShimError.none && one.value != two.value)
    check("a host's call by a con-shim", shim.call(.shimCreate, otherBlock).error == .unknownCall)
  }

  static func memory(_ shim: Shim) {
    poke(spare, secret)
    check("claim of what was not given", shim.call(.claim, spare, 1).error == .granuleState)
    check("delegate", Host.call(.delegate, shim.handle, spare, 3).failed == ShimError.none)
    check("delegated is hidden", Host.isHidden(spare) && Host.isHidden(spare + 8192))
    check("next granule is not", Host.isReachable(spare + 12288))
    check("delegate twice", Host.call(.delegate, shim.handle, spare + 8192, 1).failed == .granuleState)
    check("delegate too many", Host.call(.delegate, shim.handle, spare, 513).failed == .invalid)
    check("delegate none", Host.call(.delegate, shim.handle, spare, 0).failed == .invalid)
    check("delegate -1", Host.call(.delegate, shim.handle, spare, ~0).failed == .invalid)
    check("claim", shim.call(.claim, spare, 2).error == ShimError.none)
    check("claim twice", shim.call(.claim, spare, 1).error == .granuleState)
    check("con-shim reads", shim.run(.read, spare).x2 == secret)
    check("con-shim writes", shim.run(.write, spare, secret + 1).reason == .forward)
    check("and reads it", shim.run(.read, spare).x2 == secret + 1)
    check("undelegate of what is used", Host.call(.undelegate, shim.handle, spare, 1).failed == .granuleState)
    check("undelegate of a range", Host.call(.undelegate, shim.handle, spare, 3).failed == .granuleState)
    check("release", shim.call(.release, spare, 1).error == ShimError.none)
    check("released is hidden", Host.isHidden(spare))
    check("undelegate", Host.call(.undelegate, shim.handle, spare, 1).failed == ShimError.none)
    check("it is scrubbed", Host.isReachable(spare) && peek(spare) == 0)
    check(
      "undelegate of what was not claimed",
      Host.call(.undelegate, shim.handle, spare + 8192, 1).failed == ShimError.none)
    check("release the rest", shim.call(.release, spare + 4096, 1).error == ShimError.none)
    check("undelegate the rest", Host.call(.undelegate, shim.handle, spare + 4096, 1).failed == ShimError.none)
    check("destroy with granules", Host.call(.shimDestroy, shim.handle).failed == .ownsGranules)
    check("exchange buffer twice", Host.call(.exchangeMap, shim.handle, 0, otherExchange, 32).failed == .busy)
    check("delegate an exchange buffer", Host.call(.delegate, shim.handle, exchange, 1).failed == .granuleState)
    check(
      "exchange buffer for no thread", Host.call(.exchangeMap, shim.handle, 40, otherExchange, 32).failed == .noSuchShim
    )
  }

  static func registers(_ shim: Shim) {
    set_registers(0x1234_5678_9abc_def0)
    check("con-shim sets registers", shim.run(.keep, secret).reason == .forward)
    check("the host has its own", changed_registers(0x1234_5678_9abc_def0) == 0)
    let kept = shim.run(.next)
    check("the con-shim kept its own", kept.reason == .forward && kept.x2 == 0)
    check("the host still has its own", changed_registers(0x1234_5678_9abc_def0) == 0)
    start_timer(1 << 40)
    let trapped = shim.run(.trap)
    check("what is the host's is undefined", trapped.reason == .forward && trapped.x3 == 8)
    if trapped.x3 != 8 { Host.print(trapped.x3) }
    check("the timer still runs", timer_control() & 1 == 1)
    stop_timer()
  }

  static func interrupts(_ shim: Shim) {
    poke32(0x080b_0100, 1 << 27)
    set_up_interrupts()
    shim.set(.spin)
    poke(exchange + 16, 0)
    check("interrupt", isInterrupted(shim, until: 1))
    check("it goes on", isInterrupted(shim, until: peek(exchange + 16) + 1))
    check("and leaves", shim.run(.next).reason == .forward)
  }

  /// Runs the con-shim, which counts, with interrupts after a millisecond; for that to be after it was reached the
  /// emulator may need some.
  static func isInterrupted(_ shim: Shim, until count: UInt64) -> Bool {
    for _ in 0..<1000 {
      start_timer(frequency() / 1000)
      let answer = shim.run()
      let interrupt = acknowledge()
      stop_timer()
      guard answer.reason == .interrupt, answer.x2 == 0, answer.x3 == 0, interrupt == 27 else { return false }
      if peek(exchange + 16) >= count { return true }
    }
    return false
  }

  static func secondCPU(_ shim: Shim) {
    shim.set(.spin)
    poke(exchange + 16, 0)
    Host.onSecond(.run, shim.handle, 0)
    while peek(exchange + 16) == 0 { yield_here() }
    check("run twice", shim.run().failed == .busy)
    check("exchange buffer in use", Host.call(.exchangeUnmap, shim.handle, 0).failed == .busy)
    check("destroy while it runs", Host.call(.shimDestroy, shim.handle).failed == .busy)
    shim.set(.next)
    check("the second CPU returns", Host.waitForSecond()?.reason == .forward)
    check("it runs here too", shim.run(.read, block).reason == .forward)
    // This CPU had older ones of the thread.
    shim.set(.keep, ~secret)
    Host.onSecond(.run, shim.handle, 0)
    check("it sets registers on the second CPU", Host.waitForSecond()?.reason == .forward)
    let kept = shim.run(.next)
    check("it finds them here", kept.reason == .forward && kept.x2 == 0)
    Host.readOnSecond(spare)
    check("delegate what the other CPU reads", Host.call(.delegate, shim.handle, spare, 1).failed == ShimError.none)
    check("the other CPU is stopped by a fault", Host.waitForSecond() != nil)
    Host.readOnSecond(spare + 0x20_0000)
    check("delegate 2 MiB of it", Host.call(.delegate, shim.handle, spare + 0x20_0000, 512).failed == ShimError.none)
    check("the other CPU is stopped again", Host.waitForSecond() != nil)
    check("undelegate it", Host.call(.undelegate, shim.handle, spare + 0x20_0000, 512).failed == ShimError.none)
    check("and the granule", Host.call(.undelegate, shim.handle, spare, 1).failed == ShimError.none)
  }

  static func threads(_ shim: Shim) {
    let made = shim.call(.threadCreate, block, 99)
    check("threadCreate", made.error == ShimError.none && made.value >= ShimABI.shimLimit)
    let other = shim.call(.threadCreate, block, 98)
    check("one that never ran is reaped", shim.call(.threadReap, other.value, 0).error == ShimError.none)
    check("once", shim.call(.threadReap, other.value, 0).error == ShimError.noSuchShim)
    var thread = shim
    thread.thread = made.value
    thread.exchange = otherExchange
    check("no exchange buffer yet", thread.run().failed == .noExchange)
    let mapped = Host.call(.exchangeMap, shim.handle, made.value, otherExchange, 32)
    check("exchange buffer for it", mapped.failed == ShimError.none)
    check("it is not reaped now", shim.call(.threadReap, made.value, 0).error == ShimError.busy)
    check("it runs", thread.run().reason == .forward && peek(otherExchange + 128) == 99)
    check("so does the first", shim.run(.next).reason == .forward)
    let ended = thread.run(.end)
    check("it ends", ended.reason == .ended && ended.x2 == 42)
    check("once", thread.run().failed == .ended)
    check("its buffer is taken", Host.call(.exchangeUnmap, shim.handle, made.value).failed == ShimError.none)
    check("it is no more", thread.run().failed == .noSuchShim)
  }

  /// FP/SIMD registers of a con-shim are neither those of another at the same time, nor of the next in its place.
  static func floats() {
    guard let first = Shim(block: block, exchange: exchange),
      let other = Shim(block: otherBlock, exchange: otherExchange)
    else { return check("shimCreate for registers", false) }
    set_registers(0x1234_5678_9abc_def0)
    _ = first.run()
    _ = other.run()
    check("a con-shim computes", first.run(.keep, secret).reason == .forward)
    check("another has nothing of it", other.run(.floats).x2 == 0)
    check("and sets its own", other.run(.keep, ~secret).reason == .forward)
    check("the host has nothing of either", changed_registers(0x1234_5678_9abc_def0) == 0)
    check("the first kept its own", first.run(.next).x2 == 0)
    check("so did the other", other.run(.next).x2 == 0)
    check("the last registers are the first's", first.run(.keep, secret).reason == .forward)
    check("it ends", first.destroy())
    guard let next = Shim(block: block, exchange: exchange) else { return check("shimCreate in its place", false) }
    _ = next.run()
    check("the next has nothing of it", next.run(.floats).x2 == 0)
    check("both end", next.destroy() && other.destroy())
  }

  /// Whether a command makes the Monitor end the con-shim, and only it.
  static func isKilled(by command: Shim.Command, _ first: UInt64, _ second: UInt64 = 0) -> Bool {
    guard let good = Shim(block: otherBlock, exchange: otherExchange),
      let bad = Shim(block: block, exchange: exchange)
    else { return false }
    _ = bad.run()
    poke(exchange + 48, second)
    let killed = bad.run(command, first)
    let over = bad.run()
    let other = good.run()
    var ok = killed.failed == ShimError.none && killed.reason == .killed && over.failed == .ended
    ok = other.reason == .forward && bad.destroy() && ok
    return good.destroy() && ok
  }

  static func breaking() {
    poke(spare, secret)
    check("con-shim reads the host's memory", isKilled(by: .read, spare))
    check("con-shim writes to it", isKilled(by: .write, spare) && peek(spare) == secret)
    check("con-shim reads another's", isKilled(by: .read, otherBlock))
    check("con-shim reads another's exchange buffer", isKilled(by: .read, otherExchange))
    check("con-shim reads the Monitor's memory", isKilled(by: .read, 0x0e00_0000))
    check("con-shim reads flash", isKilled(by: .read, 0x1000))
    check("con-shim reads a device", isKilled(by: .read, 0x0900_0018))
    check("con-shim jumps to the host", isKilled(by: .jump, 0x4020_0000))
    check("con-shim makes an unknown call", isKilled(by: .call, 0xc300_0fff))
    check("con-shim turns the machine off", isKilled(by: .call, 0x8400_0008))
    check("con-shim leaves for a made-up reason", isKilled(by: .call, ShimCall.exit.rawValue))
  }

  /// The price of one forwarded call's two world switches, on a machine where an instruction is a nanosecond.
  static func measureTime() {
    guard let shim = Shim(block: block, exchange: exchange) else { return check("shimCreate for time", false) }
    _ = shim.run(.next)
    let rounds: UInt64 = 1000
    let start = counter()
    for _ in 0..<rounds { _ = shim.run() }
    let middle = counter()
    for _ in 0..<rounds { _ = Host.call(.version) }
    let end = counter()
    Host.print("time of a round trip ")
    Host.print((middle - start) / rounds)
    Host.print(", of a call ")
    Host.print((end - middle) / rounds)
    Host.print(" ns\r\n")
    check("destroy it", shim.destroy())
  }
}
