import CLinux
import LinuxSystem
import ShimPolicy

/// Executes programs for the container in a way that can't be raced.
///
/// The kernel reads the path of execve(2) after the filter, from memory that other threads may change: judging what the path
/// says is judging something else than what runs. So the thread that calls is watched (ptrace(2)), its call goes on, and the
/// thread stops when the new program is loaded and none of its instructions has run. What is loaded then is judged.
struct ExecWatch {
  var judge: ProgramJudge
  let tell: Tell
  private(set) var denied = 0
  /// Calls that go on; at most one of a process, because execve(2) ends the other threads, and attaching to one of these waits
  /// for it.
  private var active: [Execution] = []
  /// Calls that wait for another of their process.
  private var waiting: [Execution] = []

  /// EACCES.
  static let refusal: UInt16 = 13

  private struct Execution {
    let listener: CallListener
    let call: CallNotification
    let isAt: Bool
    let process: Int32
    let begin: Int64
    var text = ""
  }

  init(judge: ProgramJudge, tell: Tell) {
    self.judge = judge
    self.tell = tell
  }

  /// Takes on a call.
  mutating func begin(_ call: CallNotification, _ listener: CallListener, isAt: Bool) throws(Errno) {
    let begin = monotonicNanoseconds()
    guard let process = Self.process(of: call.pid) else {
      // It has no number here, or is gone.
      try listener.refuse(call, error: Self.refusal)
      return
    }
    judge.learnRoot(call.pid)
    let execution = Execution(listener: listener, call: call, isAt: isAt, process: process, begin: begin)
    if active.contains(where: { $0.process == process }) {
      waiting.append(execution)
    } else {
      try start(execution)
    }
  }

  private mutating func start(_ begun: Execution) throws(Errno) {
    var execution = begun
    let (call, listener) = (execution.call, execution.listener)
    if tell.tellsAll { execution.text = CallText.describe(call, Supervisor.index(of: call)) }
    if let objection = foreseen(execution) {
      if try listener.refuse(call, error: Self.refusal) { say(execution, nil, "EACCES", objection) }
      return
    }
    do throws(Errno) {
      try watch(call.pid, [.stopsAtExecute, .endsWithUs])
    } catch  where error == .noProcess { return } catch {
      // Somebody else watches it, who could change what it executes.
      if try listener.refuse(call, error: Self.refusal) { say(execution, nil, "EACCES", "another process traces it") }
      return
    }
    try? interrupt(call.pid)
    // If the thread is gone, and its number another's, that one stops and is let go.
    if listener.isWaiting(call), try listener.proceed(call) { active.append(execution) }
  }

  /// Something happened to a thread that is watched.
  mutating func handle(_ thread: Int32, _ event: TraceEvent) throws(Errno) {
    switch event {
    case .executed(let former):
      guard let execution = end(former) else {
        try? release(thread)
        return
      }
      try judge(thread, execution)
      try next(execution.process)
    case .stopped:
      // It came back without a new program, and has its error.
      let execution = end(thread)
      try? release(thread)
      if let execution { try next(execution.process) }
    case .signal(let signal): try? resume(thread, .event, signal: signal)
    case .call, .born: try? resume(thread, .event)
    case .ended:
      guard let execution = end(thread) else { return }
      try next(execution.process)
    }
  }

  /// Ends a call's stay among the active ones.
  private mutating func end(_ thread: Int32) -> Execution? {
    guard let place = active.firstIndex(where: { $0.call.pid == thread }) else { return nil }
    return active.remove(at: place)
  }

  /// The next call of a process. If its process executed something meanwhile its thread is gone.
  private mutating func next(_ process: Int32) throws(Errno) {
    while let place = waiting.firstIndex(where: { $0.process == process }) {
      let execution = waiting.remove(at: place)
      if !execution.listener.isWaiting(execution.call) { continue }
      try start(execution)
      if active.contains(where: { $0.process == process }) { return }
    }
  }

  // MARK: judging

  /// Why a call is refused though it has not begun.
  private func foreseen(_ execution: Execution) -> String? {
    if case .any = judge.rule { return nil }
    guard let file = ProgramPath.open(execution.call, isAt: execution.isAt, root: judge.root),
      let status = try? status(at: file.raw), status.isRegular
    else { return nil }
    // A file without the right to be executed fails by itself, with its own error.
    if status.mode & 0o111 == 0 { return nil }
    if let objection = judge.objection(file.raw, status) { return objection }
    guard let interpreter = ProgramPath.interpreter(of: file.raw, thread: execution.call.pid),
      let other = try? LinuxSystem.status(at: interpreter.raw), let objection = judge.objection(interpreter.raw, other)
    else { return nil }
    return "its interpreter: " + objection
  }

  /// What is loaded lives on, or ends before it has begun.
  private mutating func judge(_ process: Int32, _ execution: Execution) throws(Errno) {
    var program: Program?
    var objection: String? = "its file can't be seen"
    if let file = try? open("/proc/\(process)/exe", O_PATH), let status = try? status(at: file.raw) {
      objection = judge.objection(file.raw, status)
      program = Program(status: status)
    }
    if tell.tellsAll, var found = program {
      found.path = (try? readLink("/proc/\(process)/exe")) ?? ""
      if let file = try? open("/proc/\(process)/exe", O_RDONLY | O_NONBLOCK) {
        found.digest = judge.digest(file.raw, found.status)
      }
      program = found
    }
    if let objection {
      // If that fails this process ends, and what it watches with it.
      try sendSignal(SIGKILL, to: process)
      say(execution, program, "SIGKILL", objection)
    } else {
      if tell.tellsAll { say(execution, program, nil, judge.rule.description) }
      do throws(Errno) { try release(process) } catch  where error == .noProcess {}
    }
  }

  private mutating func say(_ execution: Execution, _ program: Program?, _ error: String?, _ rule: String) {
    if error != nil { denied += 1 }
    tell.exec(
      execution.call, execution.text, program, error: error, rule: rule, monotonicNanoseconds() - execution.begin)
  }

  /// The process that a thread belongs to.
  private static func process(of thread: Int32) -> Int32? {
    thread > 0 ? (try? ThreadStatus(thread))?.process : nil
  }
}
