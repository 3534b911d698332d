import CLinux
import LinuxSystem

/// What the runtime does while a process of a container runs in the foreground: passes signals on, relays
/// the terminal, waits.
struct Foreground: ~Copyable {
  private let signals: SignalQueue

  /// From here on signals are kept for the container. Before the process is cloned, so that none is lost.
  init() throws(RuntimeError) {
    signals = try at(.process, "preparing signals") { () throws(Errno) in try SignalQueue() }
  }

  /// How a wait ended.
  struct Outcome {
    var status: ExitStatus
    var timedOut = false
    /// Of all processes of the container, if it has a pid namespace.
    var usage = ResourceUsage(user: 0, system: 0, memory: 0)
    /// The most that its cgroup had, in bytes.
    var memoryPeak: UInt64?
    /// The most processes and threads that it had, but for our own.
    var tasksPeak: UInt64?
  }

  /// Waits for the end of a child.
  /// - Parameters:
  ///   - terminal: the master of the child's terminal, to be relayed to ours.
  ///   - timeout: milliseconds after which it is told to end (SIGTERM), and a second later made to.
  borrowing func wait(
    pid: Int32, pidfd: Int32, terminal: Int32?, timeout: Int64? = nil
  ) throws(RuntimeError) -> Outcome {
    if let terminal {
      try? copyWindowSize(from: 0, to: terminal)
      try? makeTerminalRaw(0)
    }
    defer { if terminal != nil { restoreTerminal(0) } }
    var deadline = timeout.map { monotonicNanoseconds() + $0 * 1_000_000 }
    var timedOut = false
    var readsInput = terminal != nil
    while true {
      var watched = [pidfd, signals.raw]
      if let terminal {
        watched.append(terminal)
        if readsInput { watched.append(0) }
      }
      let left = deadline.map { Int32(clamping: max(0, ($0 - monotonicNanoseconds()) / 1_000_000)) }
      let ready = try at(.process, "waiting") { () throws(Errno) in
        try waitReadable(watched, timeout: left ?? -1)
      }
      if ready.contains(1) { passSignals(to: pidfd, terminal) }
      if let terminal, ready.contains(2) { _ = Self.copy(from: terminal, to: 1) }
      if let terminal, ready.contains(3), !Self.copy(from: 0, to: terminal) { readsInput = false }
      if ready.contains(0) {
        if let terminal { while Self.hasMore(terminal), Self.copy(from: terminal, to: 1) {} }
        let ended = try at(.process, "waiting") { () throws(Errno) in try waitWithUsage(pid) }
        return Outcome(status: ended.status, timedOut: timedOut, usage: ended.usage)
      }
      if let end = deadline, monotonicNanoseconds() >= end {
        try? sendSignal(timedOut ? SIGKILL : SIGTERM, toProcess: pidfd)
        deadline = timedOut ? nil : monotonicNanoseconds() + 1_000_000_000
        timedOut = true
      }
    }
  }

  private borrowing func passSignals(to pidfd: Int32, _ terminal: Int32?) {
    while let next = try? signals.next() {
      switch next.signal {
      case SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, SIGPIPE: break
      case SIGWINCH:
        if let terminal { try? copyWindowSize(from: 0, to: terminal) }
      case SIGTSTP:
        break  // Stopping us would leave the container running without anybody.
      default: try? sendSignal(next.signal, toProcess: pidfd)
      }
    }
  }

  private static func hasMore(_ terminal: Int32) -> Bool {
    (try? waitReadable([terminal], timeout: 0))?.isEmpty == false
  }

  /// False at the end of the input.
  private static func copy(from: Int32, to: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 8192)
    // EIO says that the other side of a terminal is closed.
    guard let count = try? read(from, into: &buffer), count > 0 else { return false }
    return (try? writeAll(to, Array(buffer[0..<count]))) != nil
  }
}
