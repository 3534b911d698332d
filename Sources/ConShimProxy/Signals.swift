import CConShim

/// What the program wants to be done on signals, in its own terms. The kernel has the same, with the proxy's handler in
/// the place of the program's.
struct SignalTable {
  /// handler, flags, restorer and mask of the kernel's sigaction, by signal.
  private var actions = [UInt64](repeating: 0, count: 65 * 4)

  /// With what this process ignores now.
  init() {
    for signal in 1...64 where cs_action(Int32(signal)) == 1 { actions[signal * 4] = 1 }
  }

  /// Those that are ignored: bit n-1 for signal n.
  var ignored: UInt64 {
    var bits: UInt64 = 0
    for signal in 1...64 where actions[signal * 4] == 1 { bits |= 1 << UInt64(signal - 1) }
    return bits
  }

  /// rt_sigaction(2).
  mutating func change(_ request: Request, in buffer: ExchangeBuffer, isThreaded: Bool = false) -> Int64 {
    let (signal, new, old) = (request.arguments[0], request.arguments[1], request.arguments[2])
    guard signal >= 1, signal <= 64, request.arguments[3] == 8 else { return Refusal.invalid.rawValue }
    let bothAreOffsets: UInt64 = (new == 0 ? 0 : 0b010) | (old == 0 ? 0 : 0b100)
    guard request.pointers == bothAreOffsets else { return Refusal.invalid.rawValue }
    let first = Int(signal) * 4
    let previous = Array(actions[first..<first + 4])
    if new != 0 {
      guard let words = buffer.words(new, 4) else { return Refusal.badAddress.rawValue }
      // The handler of this one stays: the mini-OS knows what the program wants.
      if !isThreaded || signal != UInt64(CS_KICK) {
        let result = cs_set_action(Int32(signal), Int32(min(words[0], 2)), words[1])
        if result < 0 { return Int64(result) }
      }
      for index in 0..<4 { actions[first + index] = words[index] }
    }
    if old != 0 {
      guard buffer.address(old, count: 32) != nil else { return Refusal.badAddress.rawValue }
      for index in 0..<4 { buffer.store(Int(old) + 8 * index, previous[index]) }
    }
    return 0
  }

  /// As execve(2) does it: what was handled is default again, what was ignored stays so.
  mutating func resetHandlers() {
    for signal in 1...64 where actions[signal * 4] > 1 {
      _ = cs_set_action(Int32(signal), 0, 0)
      for index in 0..<4 { actions[signal * 4 + index] = 0 }
    }
  }

  /// The disposition of a signal becomes what the program wants. False if it can't be.
  func restore(_ signal: Int32) -> Bool {
    let first = Int(signal) * 4
    return cs_set_action(signal, Int32(min(actions[first], 2)), actions[first + 1]) == 0
  }
}
