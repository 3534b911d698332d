import CLinux

// Watching threads of other processes: ptrace(2), by PTRACE_SEIZE only, so that nothing stops that was not asked to.

/// What a thread that is watched stops at besides signals.
public struct TraceOptions: OptionSet, Sendable {
  public let rawValue: UInt
  public init(rawValue: UInt) { self.rawValue = rawValue }
  /// Stops at system calls can be told from signals (PTRACE_O_TRACESYSGOOD).
  public static let marksCalls = TraceOptions(rawValue: 0x01)
  /// New processes and threads are watched from their first instruction (PTRACE_O_TRACEFORK, VFORK, CLONE).
  public static let follows = TraceOptions(rawValue: 0x0e)
  /// A new program is loaded, and none of its instructions has run (PTRACE_O_TRACEEXEC).
  public static let stopsAtExecute = TraceOptions(rawValue: 0x10)
  /// It is killed if we end (PTRACE_O_EXITKILL).
  public static let endsWithUs = TraceOptions(rawValue: 0x10_0000)
}

/// What became of a thread that is watched (ptrace(2), "Stopped states").
public enum TraceEvent: Equatable, Sendable {
  case ended(ExitStatus)
  /// It would now be given a signal, unless whoever watches says otherwise.
  case signal(Int32)
  case call
  /// A new program is loaded; the thread had the number `former`, and now has that of its process.
  case executed(former: Int32)
  /// It made a process or thread.
  case born(Int32)
  /// It stopped because it was asked to, or all of its process was (SIGSTOP and its like).
  case stopped(Int32)
}

/// Begins to watch a thread, which runs on (PTRACE_SEIZE).
public func watch(_ thread: Int32, _ options: TraceOptions) throws(Errno) {
  try check(rc_trace(0x4206, thread, options.rawValue))
}

/// Asks a thread to stop before it runs code of its own again (PTRACE_INTERRUPT).
public func interrupt(_ thread: Int32) throws(Errno) { try check(rc_trace(0x4207, thread, 0)) }

/// Lets a stopped thread go, watched no more, with a signal or 0 (PTRACE_DETACH).
public func release(_ thread: Int32, signal: Int32 = 0) throws(Errno) {
  try check(rc_trace(17, thread, UInt(signal)))
}

/// How a stopped thread goes on: to its next event, its next system call, or not at all until its process does
/// (PTRACE_CONT, PTRACE_SYSCALL, PTRACE_LISTEN).
public enum TraceStep: Sendable { case event, call, wait }

/// Lets a stopped thread go on, with a signal or 0.
public func resume(_ thread: Int32, _ step: TraceStep, signal: Int32 = 0) throws(Errno) {
  let request: Int32
  switch step {
  case .event: request = 7
  case .call: request = 24
  case .wait: request = 0x4208
  }
  try check(rc_trace(request, thread, UInt(signal)))
}

/// The next thing that happened to a thread that is watched, or to a child; nil if there is nothing now.
/// - Throws: ECHILD if there is nobody that something could happen to.
public func nextTraceEvent() throws(Errno) -> (thread: Int32, event: TraceEvent)? {
  var raw: Int32 = 0
  // SAFETY: the kernel writes the status into `raw`. __WALL, as threads are no ordinary children.
  let found = try retrying { unsafe rc_wait4(-1, &raw, WNOHANG | 0x4000_0000) }
  if found == 0 { return nil }
  let thread = Int32(found)
  if rc_stopped(raw) == 0 {
    return (thread, .ended(ExitStatus(raw)))
  }
  let signal = rc_exit_status(raw)
  var message: UInt = 0
  switch raw >> 16 {
  case 0: return (thread, signal == SIGTRAP | 0x80 ? .call : .signal(signal))
  case 1, 2, 3:
    // SAFETY: the kernel writes a word into `message`.
    _ = unsafe rc_trace_message(thread, &message)
    return (thread, .born(Int32(truncatingIfNeeded: message)))
  case 4:
    // SAFETY: as above.
    _ = unsafe rc_trace_message(thread, &message)
    return (thread, .executed(former: Int32(truncatingIfNeeded: message)))
  default: return (thread, .stopped(signal))
  }
}

/// The system call that a stopped thread is about to make; nil if it stopped elsewhere.
public func tracedCall(_ thread: Int32) -> CallNotification? {
  var raw = rc_notification()
  // SAFETY: the shim writes into `raw`, which lives for the call.
  guard unsafe rc_trace_call(thread, &raw) == 1 else { return nil }
  return CallNotification(raw)
}
