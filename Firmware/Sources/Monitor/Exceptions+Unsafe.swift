import CArch
import GranuleLedger
import ShimABI

/// Exception classes: bits 31…26 of a syndrome register. Arm ARM (DDI 0487), ESR_ELx.
private enum ExceptionClass {
  static let monitorCall: UInt64 = 0x17
  static let granuleProtection: UInt64 = 0x1e
  static let instructionAbort: UInt64 = 0x20
  static let dataAbort: UInt64 = 0x24
}

/// Which exception, as monitor_entry.S counts them.
private enum ExceptionKind {
  static let synchronous: UInt64 = 0
  static let interrupt: UInt64 = 1
}

/// Every exception from a lower exception level; on return the CPU's current world goes on.
// SAFETY: called by monitor_entry.S with this CPU's structure, which nobody else changes meanwhile.
@c(monitor_exception) func exception(_ cpu: CPU, _ kind: UInt64) {
  let context = unsafe cpu.pointee.current.unsafelyUnwrapped
  let isHost = unsafe context == cpu.pointee.host
  guard kind == ExceptionKind.synchronous else {
    // The host takes its own interrupts and errors: one that comes here came while a con-shim ran.
    if isHost { failed(read_esr_el3(), unsafe context.pointee.elr, read_far_el3()) }
    let reason = kind == ExceptionKind.interrupt ? ExitReason.interrupt : .killed
    return unsafe leave(cpu, reason, reason == .killed ? read_esr_el3() : 0, 0)
  }
  let syndrome = read_esr_el3()
  switch syndrome >> 26 & 0x3f {
  case ExceptionClass.monitorCall:
    // SAFETY: as above.
    switch (isHost, unsafe context.pointee.x.0) {
    case (true, ShimCall.run.rawValue): unsafe run(cpu, context)
    case (true, _): unsafe hostCall(cpu, context)
    case (false, ShimCall.exit.rawValue): unsafe exit(cpu, context)
    case (false, _): unsafe shimCall(cpu, context)
    }
  // SAFETY: as above.
  case ExceptionClass.granuleProtection where unsafe context.pointee.spsr >> 2 & 3 == 2: unsafe exceptionAtEL2(context)
  case ExceptionClass.granuleProtection where isHost: unsafe refuse(context, syndrome)
  case ExceptionClass.granuleProtection: unsafe leave(cpu, .killed, syndrome, read_far_el3())
  default: unsafe inject(context, syndrome: 1 << 25)
  }
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
  WorldRegisters.shim.load(translation: UInt64(slot + 1) << 48, protection: Tables.shim(slot))
  // A program was interrupted. Its mini-OS takes the interrupt now and looks whether signals came.
  if unsafe context.pointee.spsr & 0xf == 0 { unsafe inject(context, syndrome: 0, interrupt: true) }
}

/// Goes back to the host, whose `run` returns. It learns nothing but what is said here.
// SAFETY: a con-shim is the current world.
func leave(_ cpu: CPU, _ reason: ExitReason, _ first: UInt64, _ second: UInt64) {
  let host = unsafe cpu.pointee.host.unsafelyUnwrapped
  unsafe monitor_switch(cpu.pointee.current, host)
  unsafe cpu.pointee.current = host
  // SAFETY: as above.
  WorldRegisters.host.load(translation: Tables.stage2, protection: Tables.host)
  lock()
  unsafe Shared.ledger.pointee.stop(
    slot: Int(cpu.pointee.slot), context: Int(cpu.pointee.thread), reason: reason)
  unlock()
  unsafe answer(host, .none, reason.rawValue, first, second)
}

// SAFETY: `context` is that of the world that made the call.
func answer(
  _ context: Context, _ error: ShimError, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0,
  _ fourth: UInt64 = 0, _ fifth: UInt64 = 0
) {
  unsafe context.pointee.x.0 = error.rawValue
  unsafe context.pointee.x.1 = first
  // SAFETY: as above.
  unsafe context.pointee.x.2 = second
  unsafe context.pointee.x.3 = third
  unsafe context.pointee.x.4 = fourth
  unsafe context.pointee.x.5 = fifth
}
