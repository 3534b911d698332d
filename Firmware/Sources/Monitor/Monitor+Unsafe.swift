import CArch
import GranuleLedger
import ShimABI

typealias MonitorLedger = Ledger<RootMemory>
// SAFETY: only names; who uses them says why that is safe.
typealias CPU = UnsafeMutablePointer<monitor_cpu>
typealias Context = UnsafeMutablePointer<monitor_context>

/// State that CPUs share.
enum Shared {
  // SAFETY: to be used with the lock held.
  static var ledger: UnsafeMutablePointer<MonitorLedger> {
    // SAFETY: the linker keeps this memory for the one ledger; Main initialises it before any other CPU starts.
    unsafe UnsafeMutablePointer(bitPattern: monitor_ledger_address()).unsafelyUnwrapped
  }

  /// The context of a thread of a con-shim.
  static func context(_ number: Int) -> Context {
    // SAFETY: numbers are below ShimABI.threadLimit, and the area holds as many contexts.
    unsafe Context(bitPattern: UInt(MONITOR_CONTEXTS) + UInt(number) * UInt(CONTEXT_SIZE)).unsafelyUnwrapped
  }

  /// The CPU with an index below MONITOR_CPUS.
  static func cpu(_ index: Int) -> CPU {
    // SAFETY: the structure is at the end of the CPU's stack, as monitor_entry.S has it.
    let end = monitor_stacks_address() + UInt(index + 1) * UInt(MONITOR_STACK)
    return unsafe CPU(bitPattern: end - UInt(MONITOR_CPU_SIZE)).unsafelyUnwrapped
  }
}

/// The Monitor, at EL3: docs/cca.md says what it is for.
@main
struct Main {
  /// What the first CPU does; it starts with cleared RAM.
  static func main() {
    Console.setUp()
    Tables.setUp()
    WorldRegisters.setUpCPU()
    Tables.setUpStage2()
    InterruptController.setUpDistributor()
    guard let size = DeviceTree.reserveStart() else {
      Console.write("Monitor stopped: there is no device tree with RAM where the host's should be\r\n")
      Board.stop()
    }
    RootMemory.initializeRecords()
    // SAFETY: the other CPUs wait for monitor_ready.
    unsafe Shared.ledger.initialize(
      to: MonitorLedger(
        memory: RootMemory(count: Int(size / ShimABI.granuleSize)), imageDigest: MiniOSImage.digest(),
        reserved: Int(DeviceTree.reserved / ShimABI.granuleSize)))
    Console.write("RContainer Monitor\r\n")
    for index in 0..<Int(MONITOR_CPUS) {
      // SAFETY: as above; the linker keeps a context of CONTEXT_SIZE bytes for each CPU.
      let cpu = unsafe Shared.cpu(index)
      unsafe cpu.pointee.host = Context(bitPattern: monitor_host_contexts_address() + UInt(index) * UInt(CONTEXT_SIZE))
      unsafe cpu.pointee.current = cpu.pointee.host
      unsafe cpu.pointee.index = UInt64(index)
      // SAFETY: as above.
      unsafe cpu.pointee.power = Power.off.rawValue
    }
    // SAFETY: this is CPU 0.
    let cpu = unsafe Shared.cpu(0)
    unsafe cpu.pointee.power = Power.on.rawValue
    unsafe prepare(cpu.pointee.host, entry: hostEntry, argument: DeviceTree.address)
    InterruptController.setUpCPU(0)
    set_ready(1)
    unsafe startHost(cpu)
  }

  /// Where the host's Linux is loaded.
  static let hostEntry: UInt64 = 0x4020_0000
}

/// Enters the host, whose context was prepared.
// SAFETY: `cpu` is this CPU's; what is on its stack is needed no more.
func startHost(_ cpu: CPU) -> Never {
  unsafe cpu.pointee.floats = nil
  unsafe monitor_load(cpu.pointee.host)
  InterruptController.setParked(false)
  unsafe loadHost(cpu)
  unsafe monitor_leave(cpu)
}

/// Every CPU but the first, once the first is ready.
// SAFETY: called by monitor_entry.S with this CPU's structure.
@c(monitor_secondary) func secondary(_ cpu: CPU) {
  WorldRegisters.setUpCPU()
  InterruptController.setUpCPU(unsafe UInt(cpu.pointee.index))
  unsafe park(cpu)
}

/// An exception at EL3 itself: the Monitor is wrong, and goes no further.
@c(monitor_failed) func failed(_ syndrome: UInt64, _ address: UInt64, _ fault: UInt64) {
  // The console is a device that only the host's view has.
  write_gptbr_el3(Tables.host >> 12)
  forget_protection_here()
  Console.write("Monitor stopped; ESR_EL3, ELR_EL3 and FAR_EL3:")
  Console.write(syndrome)
  Console.write(address)
  Console.write(fault)
  Console.write("\r\n")
  Board.stop()
}
