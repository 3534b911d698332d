import CArch
import GranuleLedger
import ShimABI

/// Exception classes: bits 31…26 of a syndrome register. Arm ARM (DDI 0487), ESR_ELx.
private enum ExceptionClass {
  static let floats: UInt64 = 0x07
  static let monitorCall: UInt64 = 0x17
  static let granuleProtection: UInt64 = 0x1e
  static let instructionAbort: UInt64 = 0x20
  static let dataAbort: UInt64 = 0x24
}

/// Every exception from a lower exception level; on return the CPU's current world goes on. `kind` is 0 for what the
/// world itself did, 1 for interrupts, 2 for errors.
// SAFETY: called by monitor_entry.S with this CPU's structure, which nobody else changes meanwhile.
@c(monitor_exception) func exception(_ cpu: CPU, _ kind: UInt64) {
  let context = unsafe cpu.pointee.current.unsafelyUnwrapped
  let isHost = unsafe context == cpu.pointee.host
  let syndrome = read_esr_el3()
  if kind != 0 {
    // The host takes its own interrupts and errors: one that comes here came while a con-shim ran.
    if isHost { failed(syndrome, unsafe context.pointee.elr, read_far_el3()) }
    return kind == 1 ? unsafe leave(cpu, .interrupt, 0, 0) : unsafe leave(cpu, .killed, syndrome, 0)
  }
  switch syndrome >> 26 & 0x3f {
  case ExceptionClass.monitorCall:
    // SAFETY: as above.
    switch (isHost, unsafe context.pointee.x.0) {
    case (true, ShimCall.run.rawValue): unsafe run(cpu, context)
    case (false, ShimCall.exit.rawValue): unsafe exit(cpu, context)
    case (_, _): unsafe call(cpu, context, isHost: isHost)
    }
  // SAFETY: as above.
  case ExceptionClass.granuleProtection where unsafe context.pointee.spsr >> 2 & 3 == 2: unsafe exceptionAtEL2(context)
  case ExceptionClass.granuleProtection where isHost: unsafe refuse(context, syndrome)
  case ExceptionClass.granuleProtection: unsafe leave(cpu, .killed, syndrome, read_far_el3())
  case ExceptionClass.floats: unsafe loadFloats(cpu, isHost ? .host : .shim)
  default: unsafe inject(context, syndrome: 1 << 25)
  }
}

/// The current world uses FP/SIMD registers, and the CPU has those of another: these are saved if they are the
/// host's. Those of a con-shim were when it left.
// SAFETY: `cpu` is this CPU's.
private func loadFloats(_ cpu: CPU, _ world: WorldRegisters) {
  write_cptr_el3(world.trapConfiguration)
  instruction_barrier()
  if unsafe cpu.pointee.floats == cpu.pointee.host { unsafe monitor_save_floats(cpu.pointee.host) }
  unsafe monitor_load_floats(cpu.pointee.current)
  // SAFETY: as above.
  unsafe cpu.pointee.floats = cpu.pointee.current
  unsafe cpu.pointee.current.pointee.floats_cpu = cpu.pointee.index + 1
}

/// Whether the CPU's FP/SIMD registers are those of a world: loaded here, and nowhere else since then.
// SAFETY: as above.
private func hasFloats(_ cpu: CPU, _ context: Context) -> Bool {
  unsafe cpu.pointee.floats == context && context.pointee.floats_cpu == cpu.pointee.index + 1
}

/// The host touched a granule that is not its own: it gets an abort that Linux takes for an alignment fault
/// (DFSC 0x21): EFAULT where the kernel touches memory for a program, SIGBUS for a program, an oops otherwise.
// SAFETY: `context` is that of the world on this CPU.
private func refuse(_ context: Context, _ syndrome: UInt64) {
  let isInstruction = syndrome & 1 << 20 != 0
  let sameLevel: UInt64 = unsafe context.pointee.spsr >> 2 & 3
  let number = (isInstruction ? ExceptionClass.instructionAbort : ExceptionClass.dataAbort) + sameLevel
  write_far_el1(read_far_el3())
  let write = isInstruction ? 0 : syndrome & 1 << 6
  unsafe inject(context, syndrome: number << 26 | 1 << 25 | write | 0x21)
}

/// Something that is trapped to EL2 is undefined for who did it. EL2 has no code: the fetch of its vector was the
/// granule protection fault that came here.
// SAFETY: as above.
private func exceptionAtEL2(_ context: Context) {
  unsafe context.pointee.elr = read_elr_el2()
  unsafe context.pointee.spsr = read_spsr_el2()
  unsafe inject(context, syndrome: 1 << 25)
}

/// Makes the world go on with an exception at EL1. Arm ARM, AArch64.TakeException.
// SAFETY: `context` is that of the world on this CPU, whose EL1 registers are in place.
private func inject(_ context: Context, syndrome: UInt64, interrupt: Bool = false) {
  let old = unsafe context.pointee.spsr
  let control = read_sctlr_el1()
  let vector: UInt64 = old & 0xf == 0 ? 0x400 : old & 1 == 0 ? 0 : 0x200
  write_elr_el1(unsafe context.pointee.elr)
  write_spsr_el1(old)
  write_esr_el1(syndrome)
  // DIT stays; PAN is set unless SCTLR_EL1.SPAN, SSBS is DSSBS.
  let kept = old & (1 << 24 | 1 << 22) | (control & 1 << 23 == 0 ? 1 << 22 : 0) | (control >> 44 & 1) << 12
  // SAFETY: as above.
  unsafe context.pointee.spsr = WorldRegisters.el1Masked | kept
  unsafe context.pointee.elr = read_vbar_el1() + vector + (interrupt ? 0x80 : 0)
}

/// Continues a thread of a con-shim, which the ledger gave to this CPU.
// SAFETY: the host is the current world, and `number` the thread's context.
func enter(_ cpu: CPU, slot: Int, number: Int) {
  let context = unsafe Shared.context(number)
  unsafe cpu.pointee.slot = UInt64(slot)
  unsafe cpu.pointee.thread = UInt64(number)
  // SAFETY: as above.
  unsafe monitor_switch(cpu.pointee.current, context)
  unsafe cpu.pointee.current = context
  WorldRegisters.shim.load(
    translation: UInt64(slot + 1) << 48, protection: Tables.shim(slot), floats: unsafe hasFloats(cpu, context))
  // A program was interrupted. Its mini-OS takes the interrupt now and looks whether signals came.
  if unsafe context.pointee.spsr & 0xf == 0 { unsafe inject(context, syndrome: 0, interrupt: true) }
}

/// Goes back to the host, whose `run` returns. It learns nothing but what is said here.
// SAFETY: a con-shim is the current world.
func leave(_ cpu: CPU, _ reason: ExitReason, _ first: UInt64, _ second: UInt64) {
  let host = unsafe cpu.pointee.host.unsafelyUnwrapped
  // It may go on elsewhere.
  if unsafe hasFloats(cpu, cpu.pointee.current) { unsafe monitor_save_floats(cpu.pointee.current) }
  unsafe monitor_switch(cpu.pointee.current, host)
  unsafe cpu.pointee.current = host
  // SAFETY: as above.
  unsafe loadHost(cpu)
  lock()
  unsafe Shared.ledger.pointee.stop(
    slot: Int(cpu.pointee.slot), context: Int(cpu.pointee.thread), reason: reason)
  unlock()
  unsafe answer(host, .none, reason.rawValue, first, second)
}

// SAFETY: `cpu` is this CPU's, with the host's EL1 registers.
func loadHost(_ cpu: CPU) {
  WorldRegisters.host.load(
    translation: Tables.stage2, protection: Tables.host, floats: unsafe cpu.pointee.floats == cpu.pointee.host)
}

/// Results of a call. All other registers stay what they were (SMC Calling Convention 1.1), or who calls would lose them.
// SAFETY: `context` is that of the world that made the call.
func answer(_ context: Context, _ error: ShimError, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0) {
  unsafe context.pointee.x.0 = error.rawValue
  unsafe context.pointee.x.1 = first
  // SAFETY: as above.
  unsafe context.pointee.x.2 = second
  unsafe context.pointee.x.3 = third
}
