import CGuest
import ShimABI

/// What the tests of the Monitor need: calls, output and a second CPU. Memory is one to one.
enum Host {
  struct Answer {
    var error: UInt64
    var x1: UInt64
    var x2: UInt64
    var x3: UInt64
    var x4: UInt64
    var x5: UInt64

    var failed: ShimError? { ShimError(rawValue: error) }
    var reason: ExitReason? { ExitReason(rawValue: x1) }
  }

  static func smc(
    _ function: UInt64, _ x1: UInt64 = 0, _ x2: UInt64 = 0, _ x3: UInt64 = 0, _ x4: UInt64 = 0
  ) -> Answer {
    var call = CGuest.call(x0: function, x1: x1, x2: x2, x3: x3, x4: x4, x5: 0, x6: 0)
    unsafe smc_call(&call)
    return Answer(error: call.x0, x1: call.x1, x2: call.x2, x3: call.x3, x4: call.x4, x5: call.x5)
  }

  static func call(
    _ call: ShimCall, _ x1: UInt64 = 0, _ x2: UInt64 = 0, _ x3: UInt64 = 0, _ x4: UInt64 = 0
  ) -> Answer { smc(call.rawValue, x1, x2, x3, x4) }

  static func print(_ text: StaticString) {
    let bytes = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    for index in 0..<bytes.count { put(unsafe bytes[index]) }
  }

  static func print(_ number: UInt64) {
    if number >= 10 { print(number / 10) }
    put(48 + UInt8(truncatingIfNeeded: number % 10))
  }

  static func print(hexadecimal number: UInt64) {
    for digit in 0..<16 as Range<UInt64> {
      let value = UInt8(truncatingIfNeeded: number >> (60 - 4 * digit) & 15)
      put(value < 10 ? 48 + value : 87 + value)
    }
  }

  private static func put(_ byte: UInt8) { poke32(0x0900_0000, UInt32(byte)) }

  static func powerOff() -> Never {
    _ = smc(0x8400_0008)
    while true {}
  }

  // MARK: - Faults

  /// Whether reading the address is refused; and it is not answered with what is there.
  static func isHidden(_ address: UInt64) -> Bool {
    let before = read_faults().count
    let value = peek(address)
    let faults = read_faults()
    // EC 0x25, DFSC 0x21: what Linux turns into EFAULT.
    return faults.count == before + 1 && value == 0xdead && faults.syndrome == 0x9600_0021 && faults.address == address
  }

  static func isReachable(_ address: UInt64) -> Bool {
    let before = read_faults().count
    _ = peek(address)
    return read_faults().count == before
  }

  // MARK: - The second CPU

  // It takes a command from memory: 0: none, 1: read an address until it faults, 2: a call, 3: turn off.
  private static let mailbox: UInt64 = 0x4200_0000

  static func startSecond() -> Bool { smc(0xc400_0003, 1, second_entry_address(), 0).error == 0 }

  /// Makes the second CPU do a call, and does not wait for its end.
  static func onSecond(_ call: ShimCall, _ x1: UInt64, _ x2: UInt64) {
    poke(mailbox + 8, call.rawValue)
    poke(mailbox + 16, x1)
    poke(mailbox + 24, x2)
    poke(mailbox, 2)
  }

  /// Makes the second CPU read the address over and over; it ends with a fault.
  static func readOnSecond(_ address: UInt64) {
    poke(mailbox + 8, address)
    poke(mailbox + 64, 0)
    poke(mailbox, 1)
    while peek(mailbox + 64) < 100 { yield_here() }
  }

  /// Turns the second CPU off: it must not take time from what is measured.
  static func stopSecond() -> Bool {
    poke(mailbox, 3)
    let end = counter() + frequency()
    while smc(0xc400_0004, 1).error != 1 {
      if counter() > end { return false }
      yield_here()
    }
    return true
  }

  /// Waits for the second CPU, for at most a second.
  static func waitForSecond() -> Answer? {
    let end = counter() + frequency()
    while peek(mailbox) != 0 {
      yield_here()
      if counter() > end { return nil }
    }
    return Answer(
      error: peek(mailbox + 8), x1: peek(mailbox + 16), x2: peek(mailbox + 24), x3: peek(mailbox + 32), x4: 0, x5: 0)
  }

  static func second() -> Never {
    while true {
      switch peek(mailbox) {
      case 1:
        let address = peek(mailbox + 8)
        let before = read_faults().count
        var reads: UInt64 = 0
        while read_faults().count == before {
          _ = peek(address)
          reads += 1
          poke(mailbox + 64, reads)
          yield_here()
        }
        poke(mailbox, 0)
      case 2:
        let answer = smc(peek(mailbox + 8), peek(mailbox + 16), peek(mailbox + 24))
        poke(mailbox + 8, answer.error)
        poke(mailbox + 16, answer.x1)
        poke(mailbox + 24, answer.x2)
        poke(mailbox + 32, answer.x3)
        poke(mailbox, 0)
      case 3:
        poke(mailbox, 0)
        _ = smc(0x8400_0002)
      default: yield_here()
      }
    }
  }
}

@c(second_main) func secondMain() { Host.second() }
