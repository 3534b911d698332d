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

/// Any other SMC: a ``ShimCall`` of the one or the other, or PSCI of the host. A con-shim ends by what is neither.
// SAFETY: as above.
@inline(never) func call(_ cpu: CPU, _ context: Context, isHost: Bool) {
  let x = unsafe context.pointee.x
  guard let call = ShimCall(rawValue: x.0) else {
    guard isHost else { return unsafe leave(cpu, .killed, read_esr_el3(), unsafe context.pointee.elr) }
    unsafe context.pointee.x.0 = UInt64(bitPattern: PSCI.call(x.0, x.1, x.2, x.3, on: cpu))
    return
  }
  lock()
  // SAFETY: the lock guards the ledger. The slot is that of the con-shim which runs, if one does.
  let (ledger, slot) = unsafe (Shared.ledger, Int(cpu.pointee.slot))
  unsafe answer(context, .none)
  do throws(ShimError) {
    guard isHost == (call.rawValue < ShimCall.exit.rawValue) else { throw .unknownCall }
    switch call {
    case .version: unsafe answer(context, .none, ShimABI.version, ShimABI.magic)
    case .info:
      let (shims, threads, granules) = unsafe ledger.pointee.inUse
      unsafe answer(context, .none, shims, threads, granules)
      unsafe context.pointee.x.4 = ledger.pointee.created
      unsafe context.pointee.x.5 = ledger.pointee.killed
    case .shimCreate:
      // SAFETY: as above; the context is that of a thread that does not run.
      guard MiniOSImage.size > 0 else { throw .exhausted }
      let (handle, number) = try unsafe ledger.pointee.shimCreate(block: x.1)
      let first = unsafe Shared.context(number)
      unsafe prepare(first, entry: x.1, argument: x.1)
      unsafe first.pointee.x.2 = MiniOSImage.size
      // SAFETY: as above.
      unsafe first.pointee.x.3 = UInt64(ledger.pointee.memory.count) * ShimABI.granuleSize
      unsafe context.pointee.x.1 = handle
    case .shimDestroy: try unsafe ledger.pointee.shimDestroy(x.1)
    // SAFETY: as above.
    case .delegate: try unsafe ledger.pointee.delegate(x.1, address: x.2, count: x.3)
    case .undelegate: try unsafe ledger.pointee.undelegate(x.1, address: x.2, count: x.3)
    case .exchangeMap:
      // SAFETY: as above; the context is that of a thread that never ran.
      let number = try unsafe ledger.pointee.exchangeMap(x.1, thread: x.2, address: x.3, count: x.4)
      unsafe Shared.context(number).pointee.x.1 = x.3
    case .exchangeUnmap: try unsafe ledger.pointee.exchangeUnmap(x.1, thread: x.2)
    case .measure:
      // SAFETY: as above.
      let digest = try unsafe ledger.pointee.measure(x.1)
      unsafe answer(context, .none, digest[0], digest[1], digest[2])
      unsafe context.pointee.x.4 = digest[3]
    case .shimEnd: try unsafe ledger.pointee.shimEnd(x.1)
    case .claim: try unsafe ledger.pointee.claim(slot: slot, address: x.1, count: x.2)
    case .release: try unsafe ledger.pointee.release(slot: slot, address: x.1, count: x.2)
    case .threadCreate:
      // SAFETY: as above.
      let number = try unsafe ledger.pointee.threadCreate(slot: slot)
      unsafe prepareThread(Shared.context(number), of: context, entry: x.1, argument: x.2)
      unsafe context.pointee.x.1 = UInt64(number)
    case .entropy:
      let fourth = try random()
      // SAFETY: as above.
      unsafe answer(context, .none, try random(), try random(), try random())
      unsafe context.pointee.x.4 = fourth
    case .extend: unsafe ledger.pointee.extend(slot: slot, by: Digest(x.1, x.2, x.3, x.4))
    case .threadReap: try unsafe ledger.pointee.threadReap(slot: slot, thread: x.1)
    case .run, .exit: break  // answered above
    }
  } catch {
    // SAFETY: as above.
    unsafe answer(context, error)
  }
  unlock()
}

/// A world, or the first thread of one, that starts at EL1 with the MMU off.
// SAFETY: `context` is that of a thread or a CPU that does not run.
func prepare(_ context: Context, entry: UInt64, argument: UInt64) {
  unsafe context.initialize(to: monitor_context())
  unsafe context.pointee.x.0 = argument
  unsafe context.pointee.elr = entry
  // SAFETY: as above.
  unsafe context.pointee.spsr = WorldRegisters.el1Masked
  unsafe context.pointee.sctlr = WorldRegisters.translationOff
  unsafe context.pointee.mdscr = WorldRegisters.noDebug
}

/// A thread that another one made, whose registers are on this CPU: it starts with a copy of them.
// SAFETY: `context` is that of a thread that does not run, and `caller` the current world.
private func prepareThread(_ context: Context, of caller: Context, entry: UInt64, argument: UInt64) {
  unsafe monitor_switch(caller, caller)
  unsafe context.initialize(to: caller.pointee)
  unsafe context.pointee.x.0 = argument
  // SAFETY: as above.
  unsafe context.pointee.elr = entry
  unsafe context.pointee.spsr = WorldRegisters.el1Masked
  unsafe context.pointee.floats_cpu = 0
}

private func random() throws(ShimError) -> UInt64 {
  for _ in 0..<100 {
    // Zero says that there is no number now.
    let number = read_rndr()
    if number != 0 { return number }
  }
  throw .exhausted
}
