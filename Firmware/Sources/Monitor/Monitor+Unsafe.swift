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
    // SAFETY: this is CPU 0; others look at the flag only after the barrier.
    let cpu = unsafe Shared.cpu(0)
    unsafe setUp(cpu)
    unsafe cpu.pointee.entry = hostEntry
    unsafe cpu.pointee.argument = DeviceTree.address
    set_ready(1)
    // The host may ask for a CPU as soon as it runs.
    while cpusPresent() < InterruptController.cpuCount() { yield_cpu() }
    unsafe startHost(cpu)
  }

  private static func cpusPresent() -> Int {
    lock()
    defer { unlock() }
    var count = 0
    // SAFETY: reads a field that the lock guards.
    for index in 0..<Int(MONITOR_CPUS) where unsafe Shared.cpu(index).pointee.present != 0 { count += 1 }
    return count
  }

  /// Where the host's Linux is loaded.
  static let hostEntry: UInt64 = 0x4020_0000
}

// SAFETY: `cpu` is this CPU's, from monitor_entry.S; nobody else uses its contexts.
func setUp(_ cpu: CPU) {
  let index = unsafe Int(cpu.pointee.index)
  // SAFETY: the linker keeps a context of CONTEXT_SIZE bytes for each CPU.
  unsafe cpu.pointee.host = Context(bitPattern: monitor_host_contexts_address() + UInt(index) * UInt(CONTEXT_SIZE))
  unsafe cpu.pointee.current = cpu.pointee.host
  InterruptController.setUpCPU(UInt(index))
  lock()
  unsafe cpu.pointee.power = index == 0 ? Power.on.rawValue : Power.off.rawValue
  unsafe cpu.pointee.present = 1
  unlock()
}

/// Enters the host at EL1 with the MMU off, at the CPU's entry.
// SAFETY: `cpu` is this CPU's; what is on its stack is needed no more.
func startHost(_ cpu: CPU) -> Never {
  let context = unsafe cpu.pointee.host.unsafelyUnwrapped
  unsafe context.initialize(to: monitor_context())
  // SAFETY: as above: the context is this CPU's.
  unsafe context.pointee.x.0 = cpu.pointee.argument
  unsafe context.pointee.elr = cpu.pointee.entry
  unsafe context.pointee.spsr = WorldRegisters.el1Masked
  unsafe context.pointee.sctlr = WorldRegisters.translationOff
  unsafe monitor_load(context)
  InterruptController.setParked(false)
  WorldRegisters.host.load(translation: Tables.stage2, protection: Tables.host)
  unsafe monitor_leave(cpu)
}

/// Every CPU but the first, once the first is ready.
// SAFETY: called by monitor_entry.S with this CPU's structure.
@c(monitor_secondary) func secondary(_ cpu: CPU) {
  WorldRegisters.setUpCPU()
  unsafe setUp(cpu)
  unsafe park(cpu)
}

/// An exception at EL3 itself: the Monitor is wrong, and goes no further.
@c(monitor_failed) func failed(_ syndrome: UInt64, _ address: UInt64, _ fault: UInt64) {
  // The console is a device that only the host's view has.
  write_gptbr_el3(Tables.host >> 12)
  forget_protection_here()
  Console.write("Monitor stopped: ")
  Console.write(syndrome)
  Console.write(" at ")
  Console.write(address)
  Console.write(" for ")
  Console.write(fault)
  Console.write("\r\n")
  Board.stop()
}
