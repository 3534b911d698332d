import CLinux
import Cgroups
import Egress
import LinuxSystem
import OCISpec

/// `run`: create, start, wait and delete in one.
public enum Run {
  /// - Parameters:
  ///   - detach: returns when the process has started; somebody else waits and deletes.
  ///   - keep: the container is not deleted at its end.
  /// - Returns: the exit status of the process; 0 for a detached one.
  public static func run(
    id: String, bundle: String, configuration: String?, options: LaunchOptions, detach: Bool,
    keep: Bool, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) -> Int32 {
    let path = try Bundle.absolute(bundle)
    let spec = try Bundle.load(path, file: configuration)
    guard spec.process != nil else {
      throw RuntimeError(.configuration, "process is missing, there is nothing to run")
    }
    if detach { try Create.checkTerminal(spec, options) }
    var options = options
    options.startsAtOnce = true
    if detach {
      var launched = try Create.launch(
        id: id, spec: spec, bundle: path, options: options, store: store, log: log)
      try finish(&launched, store, log)
      return 0
    }
    return try inForeground(
      id: id, spec: spec, bundle: path, options: options, keep: keep, timeout: nil, store: store,
      log: log
    ).status.shellCode
  }

  /// Runs a container to its end.
  static func inForeground(
    id: String, spec: Spec, bundle: String, options: LaunchOptions, keep: Bool, timeout: Int64?,
    store: borrowing StateStore, log: Log
  ) throws(RuntimeError) -> Foreground.Outcome {
    let foreground = try Foreground()
    var options = options
    options.isInForeground = true
    var launched = try Create.launch(
      id: id, spec: spec, bundle: bundle, options: options, store: store, log: log)
    try finish(&launched, store, log)
    var outcome = try foreground.wait(
      pid: launched.process.pid, pidfd: launched.process.pidfd.raw,
      terminal: launched.process.terminalNumber, timeout: timeout)
    endHelpers(&launched)
    outcome.memoryPeak = launched.stage.cgroup?.memoryPeak
    outcome.tasksPeak = launched.stage.cgroup?.tasksPeak.map { $0 - (options.usesReaper ? min($0, 1) : 0) }
    if !keep { try remove(launched, store, log) }
    return outcome
  }

  /// What follows the start: if a hook fails the container ends, as with runc.
  private static func finish(
    _ launched: inout LaunchedContainer, _ store: borrowing StateStore, _ log: Log
  ) throws(RuntimeError) {
    let hooks = launched.stage.spec.hooks?.poststart ?? []
    if hooks.isEmpty { return }
    let state = launched.stage.record.state(.running, pid: launched.process.pid).encode()
    Poststart.run(hooks, state: state, log: log)
  }

  /// Waits for the processes beside a container whose first process has ended.
  static func endHelpers(_ launched: inout LaunchedContainer) {
    if var relay = launched.process.relay.take() {
      relay.lifeline.take()?.close()
      _ = try? LinuxSystem.wait(relay.pid)
    }
    if let files = launched.process.ownFiles {
      // It ends by itself, but the kernel takes its time to let go of mounts. Processes that go on still read.
      if launched.stage.hasOwnPIDs {
        try? sendSignal(SIGKILL, to: files)
        _ = try? wait(files)
      }
    }
    if launched.stage.hasOwnPIDs { for stream in launched.process.streams { stream.finish() } }
    if let names = launched.process.nameService { _ = try? wait(names) }
    // It has the last calls to tell of.
    if let supervisor = launched.process.supervisor { _ = try? wait(supervisor) }
  }

  static func remove(
    _ launched: consuming LaunchedContainer, _ store: borrowing StateStore, _ log: Log
  ) throws(RuntimeError) {
    // Somebody may have deleted it already, and even made a new one of the same name: only the directory
    // that is open is removed.
    let stage = launched.stage
    if let cgroup = stage.cgroup {
      // With a pid namespace of its own nothing is left; else the peers end what is, too.
      if !stage.hasOwnPIDs { try cgroup.killAll(SIGKILL) }
      try cgroup.destroy()
    }
    Delete.poststop(stage.record, log)
    try store.remove(stage.container)
  }
}

/// The poststart hooks.
enum Poststart {
  /// One that fails is said, and the container goes on (runtime.md, "Lifecycle").
  static func run(_ hooks: [OCISpec.Hook], state: [UInt8], log: Log) {
    for (index, hook) in hooks.enumerated() {
      do throws(RuntimeError) {
        try HookRunner(state: state).run([hook], kind: "poststart")
      } catch { log.write(.warning, "poststart[\(index)]: " + error.description) }
    }
  }
}
