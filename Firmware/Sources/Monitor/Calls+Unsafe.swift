import CArch
import GranuleLedger
import ShimABI

/// ``ShimCall/run``, apart from the others because it has to be quick.
// SAFETY: `cpu` is this CPU's and `context` its host's, which is the current world.
func run(_ cpu: CPU, _ context: Context) {
  lock()
  do throws(ShimError) {
    // SAFETY: the lock guards the ledger.
    let (slot, number) = try unsafe Shared.ledger.pointee.start(context.pointee.x.1, thread: context.pointee.x.2)
    unlock()
    unsafe enter(cpu, slot: slot, number: number)
  } catch {
    unlock()
    unsafe answer(context, error)
  }
}

/// Any other SMC of the host: PSCI, or a ``ShimCall`` that is the host's.
// SAFETY: as above.
@inline(never) func hostCall(_ cpu: CPU, _ context: Context) {
  let x = unsafe context.pointee.x
  guard let call = ShimCall(rawValue: x.0) else {
    unsafe context.pointee.x.0 = UInt64(bitPattern: PSCI.call(x.0, x.1, x.2, x.3, on: cpu))
    return
  }
  lock()
  // SAFETY: the lock guards the ledger.
  let ledger = unsafe Shared.ledger
  do throws(ShimError) {
    switch call {
    case .version: unsafe answer(context, .none, ShimABI.version, ShimABI.magic)
    case .info:
      unsafe answer(
        context, .none, ledger.pointee.shimsInUse, ledger.pointee.threadsInUse, ledger.pointee.granulesTaken,
        ledger.pointee.created, ledger.pointee.killed)
    case .shimCreate:
      // SAFETY: as above.
      guard MiniOSImage.size > 0 else { throw .exhausted }
      let (handle, number) = try unsafe ledger.pointee.shimCreate(block: x.1)
      let size = unsafe UInt64(ledger.pointee.memory.count) * ShimABI.granuleSize
      unsafe setUpFirst(Shared.context(number), block: x.1, ramSize: size)
      unsafe answer(context, .none, handle)
    case .shimDestroy:
      try unsafe ledger.pointee.shimDestroy(x.1)
      unsafe answer(context, .none)
    case .delegate:
      // SAFETY: as above.
      try unsafe ledger.pointee.delegate(x.1, address: x.2, count: x.3)
      unsafe answer(context, .none)
    case .undelegate:
      try unsafe ledger.pointee.undelegate(x.1, address: x.2, count: x.3)
      unsafe answer(context, .none)
    case .exchangeMap:
      // SAFETY: as above; the context is that of a thread that never ran.
      let number = try unsafe ledger.pointee.exchangeMap(x.1, thread: x.2, address: x.3, count: x.4)
      unsafe Shared.context(number).pointee.x.1 = x.3
      unsafe answer(context, .none)
    case .exchangeUnmap:
      try unsafe ledger.pointee.exchangeUnmap(x.1, thread: x.2)
      unsafe answer(context, .none)
    case .measure:
      // SAFETY: as above.
      let digest = try unsafe ledger.pointee.measure(x.1)
      unsafe answer(context, .none, digest.first, digest.second, digest.third, digest.fourth)
    case .shimEnd:
      try unsafe ledger.pointee.shimEnd(x.1)
      unsafe answer(context, .none)
    case .run, .exit, .claim, .release, .threadCreate, .entropy, .extend, .threadReap: throw .unknownCall
    }
  } catch {
    // SAFETY: as above.
    unsafe answer(context, error)
  }
  unlock()
}

/// ``ShimCall/exit``.
// SAFETY: `cpu` is this CPU's and `context` that of the thread, which is the current world.
func exit(_ cpu: CPU, _ context: Context) {
  let (first, second) = unsafe (context.pointee.x.2, context.pointee.x.3)
  guard let reason = unsafe ExitReason(rawValue: context.pointee.x.1), reason != .interrupt, reason != .killed else {
    return unsafe leave(cpu, .killed, read_esr_el3(), unsafe context.pointee.elr)
  }
  // What the thread finds when it goes on.
  // SAFETY: as above.
  unsafe answer(context, .none)
  unsafe leave(cpu, reason, first, second)
}

/// Any other SMC of a con-shim.
// SAFETY: as above.
@inline(never) func shimCall(_ cpu: CPU, _ context: Context) {
  let x = unsafe context.pointee.x
  let slot = unsafe Int(cpu.pointee.slot)
  guard let call = ShimCall(rawValue: x.0) else {
    return unsafe leave(cpu, .killed, read_esr_el3(), unsafe context.pointee.elr)
  }
  lock()
  // SAFETY: the lock guards the ledger.
  let ledger = unsafe Shared.ledger
  do throws(ShimError) {
    switch call {
    case .claim:
      try unsafe ledger.pointee.claim(slot: slot, address: x.1, count: x.2)
      unsafe answer(context, .none)
    case .release:
      try unsafe ledger.pointee.release(slot: slot, address: x.1, count: x.2)
      unsafe answer(context, .none)
    case .threadCreate:
      // SAFETY: as above.
      let number = try unsafe ledger.pointee.threadCreate(slot: slot)
      unsafe setUpThread(Shared.context(number), entry: x.1, argument: x.2)
      unsafe answer(context, .none, UInt64(number))
    case .entropy:
      let (first, second) = (try random(), try random())
      // SAFETY: as above.
      unsafe answer(context, .none, first, second, try random(), try random())
    case .threadReap:
      try unsafe ledger.pointee.threadReap(slot: slot, thread: x.1)
      unsafe answer(context, .none)
    case .extend:
      unsafe ledger.pointee.extend(slot: slot, by: Digest(x.1, x.2, x.3, x.4))
      unsafe answer(context, .none)
    default: throw .unknownCall
    }
  } catch {
    // SAFETY: as above.
    unsafe answer(context, error)
  }
  unlock()
}

/// Thread 0: docs/cca.md, "Boot of a con-shim".
// SAFETY: `context` is that of a thread that does not run.
private func setUpFirst(_ context: Context, block: UInt64, ramSize: UInt64) {
  unsafe context.initialize(to: monitor_context())
  unsafe context.pointee.x.0 = block
  unsafe context.pointee.x.2 = MiniOSImage.size
  // SAFETY: as above.
  unsafe context.pointee.x.3 = ramSize
  unsafe context.pointee.elr = block
  unsafe context.pointee.spsr = WorldRegisters.el1Masked
  unsafe context.pointee.sctlr = WorldRegisters.translationOff
  unsafe context.pointee.mdscr = WorldRegisters.noDebug
}

/// A thread that another one made, whose registers are on this CPU.
// SAFETY: `context` is that of a thread that does not run.
private func setUpThread(_ context: Context, entry: UInt64, argument: UInt64) {
  unsafe context.initialize(to: monitor_context())
  unsafe context.pointee.x.0 = argument
  unsafe context.pointee.elr = entry
  // SAFETY: as above.
  unsafe context.pointee.spsr = WorldRegisters.el1Masked
  unsafe context.pointee.sctlr = read_sctlr_el1()
  unsafe context.pointee.tcr = read_tcr_el1()
  unsafe context.pointee.mair = read_mair_el1()
  unsafe context.pointee.ttbr1 = read_ttbr1_el1()
  unsafe context.pointee.vbar = read_vbar_el1()
  // SAFETY: as above.
  unsafe context.pointee.cpacr = read_cpacr_el1()
  unsafe context.pointee.cntkctl = read_cntkctl_el1()
  unsafe context.pointee.mdscr = WorldRegisters.noDebug
}

private func random() throws(ShimError) -> UInt64 {
  for _ in 0..<100 {
    let number = random_number()
    if number.valid != 0 { return number.value }
  }
  throw .exhausted
}
