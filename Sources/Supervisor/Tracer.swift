import CLinux
import LinuxSystem

/// Watches processes that run already, and prints each of their system calls before it is made.
public struct Tracer {
  private let output: Int32
  private var threads: [Int32] = []
  private var isLeaving = false

  private static let options: TraceOptions = [.marksCalls, .follows, .stopsAtExecute]

  private init(output: Int32) { self.output = output }

  /// Prints until the processes have ended, or a signal says that it is enough: then they run on as if nothing had been.
  /// - Parameter processes: asked for again until all threads of all of them are watched.
  public static func follow(output: Int32, _ processes: () throws(RuntimeError) -> [Int32]) throws(RuntimeError) {
    var tracer = Tracer(output: output)
    let signals = try at(.process, "preparing signals") { () throws(Errno) in try SignalQueue() }
    while try tracer.attach(try processes()) {}
    if tracer.threads.isEmpty { throw RuntimeError(.process, "there is no process to trace") }
    try at(.process, "tracing") { () throws(Errno) in try tracer.serve(signals) }
  }

  /// Begins to watch threads that are not watched yet; false if there are none.
  private mutating func attach(_ processes: [Int32]) throws(RuntimeError) -> Bool {
    var found = false
    for process in processes {
      // It may have ended meanwhile.
      guard let directory = try? open("/proc/\(process)/task", O_RDONLY | O_DIRECTORY),
        let names = try? list(directory.raw)
      else { continue }
      for name in names {
        guard let thread = Int32(name), !threads.contains(thread) else { continue }
        do throws(Errno) {
          try watch(thread, Self.options)
        } catch  where error == .noProcess { continue } catch  where error == .notPermitted {
          // It has ended; or it is watched: by us, since a thread that is watched made it, or by somebody else.
          guard let watcher = Self.watcher(thread), watcher != currentProcess() else { continue }
          if watcher == 0 { throw RuntimeError(.process, "tracing process \(process)", error) }
          throw RuntimeError(.process, "process \(process) is traced by another one", hint: "end that first")
        } catch { throw RuntimeError(.process, "tracing process \(process)", error) }
        threads.append(thread)
        found = true
        // It stops, and goes on to its next call.
        try? interrupt(thread)
      }
    }
    return found
  }

  /// Who watches a thread, 0 for nobody (proc_pid_status(5), TracerPid); nil if it has ended (Z and X), which nobody can watch.
  private static func watcher(_ thread: Int32) -> Int32? {
    guard let status = try? ThreadStatus(thread), let state = status.words("State").first, state != "Z", state != "X"
    else { return nil }
    return status.words("TracerPid").first.flatMap { Int32($0) }
  }

  private mutating func serve(_ signals: borrowing SignalQueue) throws(Errno) {
    while !threads.isEmpty {
      _ = try waitReadable([signals.raw])
      while let next = try signals.next() {
        if next.signal == SIGCHLD || next.signal == SIGWINCH || isLeaving { continue }
        isLeaving = true
        for thread in threads { try? interrupt(thread) }
      }
      while true {
        do throws(Errno) {
          guard let (thread, event) = try nextTraceEvent() else { break }
          handle(thread, event)
        } catch  where error == .noChild { return }
      }
    }
  }

  private mutating func handle(_ thread: Int32, _ event: TraceEvent) {
    switch event {
    case .ended:
      threads.removeAll { $0 == thread }
      return
    case .born(let other): if !threads.contains(other) { threads.append(other) }
    case .executed(let former): if former != thread { threads.removeAll { $0 == former } }
    case .call:
      if let call = tracedCall(thread), !isLeaving {
        let line = String(thread) + " " + CallText.describe(call, Supervisor.index(of: call)) + "\n"
        try? writeAll(output, line)
      }
    case .signal, .stopped: break
    }
    if !threads.contains(thread) { threads.append(thread) }
    var signal: Int32 = 0
    if case .signal(let number) = event { signal = number }
    if isLeaving {
      // Whatever it stopped at: it runs on with what it would have been given.
      if (try? release(thread, signal: signal)) != nil { threads.removeAll { $0 == thread } }
    } else if case .stopped(let number) = event, number != SIGTRAP {
      try? resume(thread, .wait)
    } else {
      try? resume(thread, .call, signal: signal)
    }
  }
}
