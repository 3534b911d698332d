import CLinux
import LinuxSystem
import OCISpec

/// Runs the hooks of the configuration (config.md, "POSIX-platform Hooks"): the state on standard input,
/// an environment of their own, killed when their time is over.
struct HookRunner {
  /// The state of the container as JSON.
  let state: [UInt8]
  /// What a hook inside the container does first: it gives up what the container's process must not have.
  var prepare: (() throws(RuntimeError) -> Void)? = nil

  /// Runs all of one kind in their order.
  /// - Throws: stage `hooks` for the first that fails.
  func run(_ hooks: [OCISpec.Hook], kind: String) throws(RuntimeError) {
    for (index, hook) in hooks.enumerated() {
      try run(hook, name: kind + "[\(index)] (" + hook.path + ")")
    }
  }

  private func run(_ hook: OCISpec.Hook, name: String) throws(RuntimeError) {
    // Files in memory on both sides: a hook that doesn't read, or writes much, blocks nobody.
    let input = try at(.hooks, name) { () throws(Errno) in try memoryFile("state", state) }
    let output = try at(.hooks, name) { () throws(Errno) in try memoryFile("output", []) }
    switch try at(.hooks, name, { () throws(Errno) in try clone(flags: 0) }) {
    case .child:
      become(hook, input: input.raw, output: output.raw)
    case .parent(let pid, let pidfd):
      let inTime = try isOver(pidfd.raw, seconds: hook.timeout, name: name)
      if !inTime { try? sendSignal(SIGKILL, toProcess: pidfd.raw) }
      let ended = try at(.hooks, name) { () throws(Errno) in try wait(pid) }
      guard inTime else {
        throw RuntimeError(.hooks, name + ": took longer than \(hook.timeout ?? 0) s and was killed")
      }
      switch ended?.status {
      case .exited(0): return
      case .exited(let code):
        throw RuntimeError(.hooks, name + ": exit status \(code)" + Self.said(output.raw))
      case .signaled(let signal):
        throw RuntimeError(.hooks, name + ": killed by signal \(signal)" + Self.said(output.raw))
      case nil: throw RuntimeError(.hooks, name + ": is gone")
      }
    }
  }

  private func become(_ hook: OCISpec.Hook, input: Int32, output: Int32) -> Never {
    do throws(RuntimeError) {
      try prepare?()
      try at(.hooks, "preparing") { () throws(Errno) in
        try duplicate(input, onto: 0)
        try duplicate(output, onto: 1)
        try duplicate(output, onto: 2)
        try closeOnExec(from: 3)
      }
      resetSignals()
      try at(.hooks, hook.path) { () throws(Errno) in
        try execute(
          hook.path, arguments: hook.args.isEmpty ? [hook.path] : hook.args, environment: hook.env)
      }
    } catch {
      try? writeAll(output, error.description)
    }
    exitNow(127)
  }

  /// Waits for the end of the hook; false when its time is over first.
  private func isOver(_ pidfd: Int32, seconds: Int?, name: String) throws(RuntimeError) -> Bool {
    guard let seconds else { return true }
    let end =
      monotonicNanoseconds()
      + Int64(max(0, seconds)).multipliedReportingOverflow(
        by: 1_000_000_000
      ).partialValue
    while true {
      let left = (end - monotonicNanoseconds() + 999_999) / 1_000_000
      if left <= 0 { return false }
      let ready = try at(.hooks, name) { () throws(Errno) in
        try waitReadable([pidfd], timeout: Int32(clamping: left))
      }
      if !ready.isEmpty { return true }
    }
  }

  /// The end of what a hook wrote, on one line.
  private static func said(_ output: Int32) -> String {
    guard (try? rewind(output)) != nil, let bytes = try? readAll(output), !bytes.isEmpty else {
      return ""
    }
    let line = bytes.suffix(1024).map { $0 < 0x20 ? 0x20 : $0 }
    return ", output: " + String(decoding: line, as: UTF8.self)
  }
}
