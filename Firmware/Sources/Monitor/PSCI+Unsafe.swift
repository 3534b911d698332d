import CArch
import GranuleLedger

/// Whether a CPU runs. The values are those of AFFINITY_INFO.
enum Power: UInt64 {
  case on = 0
  case off = 1
  case pending = 2
}

/// Power State Coordination Interface 1.1 (DEN 0022), what Linux needs of it, and SMC Calling Convention 1.2.
enum PSCI {
  private static let notSupported: Int64 = -1
  private static let invalidParameters: Int64 = -2
  private static let alreadyOn: Int64 = -4
  private static let onPending: Int64 = -5
  private static let invalidAddress: Int64 = -9

  /// - Returns: what goes into x0 of the host.
  // SAFETY: `cpu` is this CPU's.
  static func call(_ function: UInt64, _ first: UInt64, _ second: UInt64, _ third: UInt64, on cpu: CPU) -> Int64 {
    switch function {
    case 0x8000_0000: 0x10002  // SMCCC_VERSION
    case 0x8400_0000: 0x10001  // PSCI_VERSION
    case 0x8400_0002: unsafe off(cpu)
    case 0x8400_0003, 0xc400_0003: on(target: first, entry: second, argument: third)
    case 0x8400_0004, 0xc400_0004: affinityInfo(first)
    case 0x8400_0008: Board.end(pin: 0)
    case 0x8400_0009: reset()
    case 0x8400_000a: isFeature(first) ? 0 : notSupported
    default: notSupported
    }
  }

  /// Whether ``call(_:_:_:_:on:)`` knows a function; bit 30 tells its 64-bit form.
  private static func isFeature(_ function: UInt64) -> Bool {
    let index = (function & ~0x4000_0000) ^ 0x8400_0000
    return function == 0x8000_0000 || index < 16 && 0b111_0001_1101 >> index & 1 == 1
  }

  private static func index(_ target: UInt64) -> Int? {
    target < UInt64(InterruptController.cpuCount()) ? Int(target) : nil
  }

  // SAFETY: the lock guards the fields of a CPU that is off.
  private static func on(target: UInt64, entry: UInt64, argument: UInt64) -> Int64 {
    lock()
    defer { unlock() }
    guard let index = index(target) else { return invalidParameters }
    let size = unsafe UInt64(Shared.ledger.pointee.memory.count) << 12
    guard entry >= GranuleRange.start, entry < GranuleRange.start + size, entry & 3 == 0 else { return invalidAddress }
    // SAFETY: as above.
    let cpu = unsafe Shared.cpu(index)
    let power = unsafe cpu.pointee.power
    guard power == Power.off.rawValue else { return power == Power.on.rawValue ? alreadyOn : onPending }
    unsafe prepare(cpu.pointee.host, entry: entry, argument: argument)
    unsafe cpu.pointee.power = Power.pending.rawValue
    data_barrier()
    InterruptController.wake(target)
    return 0
  }

  // SAFETY: reads a field with the lock held.
  private static func affinityInfo(_ target: UInt64) -> Int64 {
    lock()
    defer { unlock() }
    guard let index = index(target) else { return invalidParameters }
    return unsafe Int64(Shared.cpu(index).pointee.power)
  }

  // SAFETY: `cpu` is this CPU's.
  private static func off(_ cpu: CPU) -> Int64 {
    lock()
    unsafe cpu.pointee.power = Power.off.rawValue
    unlock()
    unsafe park(cpu)
  }

  // SAFETY: after the reset the other CPUs have to wait again.
  private static func reset() -> Int64 {
    set_ready(0)
    Board.end(pin: 1)
  }
}

/// Waits until PSCI CPU_ON is called for this CPU, and starts the host on it.
// SAFETY: `cpu` is this CPU's; the lock guards `power`.
func park(_ cpu: CPU) -> Never {
  InterruptController.setParked(true)
  while true {
    lock()
    // SAFETY: with the lock held.
    let isPending = unsafe cpu.pointee.power == Power.pending.rawValue
    if isPending { unsafe cpu.pointee.power = Power.on.rawValue }
    unlock()
    if isPending { break }
    wait_for_interrupt()
    InterruptController.acknowledge()
  }
  unsafe startHost(cpu)
}
