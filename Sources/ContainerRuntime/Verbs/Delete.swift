import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// `delete`: removes what is left of a container.
public enum Delete {
  /// - Parameter force: kill it first, and don't mind if there is none.
  public static func run(
    id: String, force: Bool, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) {
    let directory: ContainerDirectory
    do throws(RuntimeError) {
      directory = try store.find(id)
    } catch {
      if force && error.errno == nil && error.stage == .state { return }
      throw error
    }
    try directory.lock()
    guard let record = try directory.load() else {
      guard force else {
        throw RuntimeError(
          .state, "container " + id + " was never finished", hint: "remove it with delete --force")
      }
      return try store.remove(directory)
    }
    try remove(Container(directory, record), force: force, store: store, log: log)
  }

  static func remove(
    _ container: consuming Container, force: Bool, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) {
    let status = container.status
    switch status {
    case .stopped: break
    case .creating where force, .created where force, .running where force, .paused where force:
      try end(container)
    case .creating, .created, .running, .paused:
      throw RuntimeError(
        .deletion, "cannot delete container " + container.record.id + " that is not stopped",
        hint: "it is " + status.rawValue + "; kill it first, or use --force")
    }
    if let cgroup = container.cgroup {
      try cgroup.killAll(SIGKILL)
      try cgroup.destroy()
    }
    awaitSupervisor(container.record)
    poststop(container.record, log)
    try store.remove(container.directory)
  }

  /// The supervisor ends by itself when the container has; after this nothing of it is left.
  private static func awaitSupervisor(_ record: ContainerRecord) {
    guard record.supervisorPID != 0, let handle = try? openProcess(record.supervisorPID),
      let identity = ProcessIdentity(pid: record.supervisorPID), identity.startTime == record.supervisorStartTime
    else { return }
    _ = try? waitReadable([handle.raw], timeout: 5000)
  }

  /// Kills the first process and waits until it is gone.
  private static func end(_ container: borrowing Container) throws(RuntimeError) {
    guard let process = try container.openFirstProcess() else { return }
    try? sendSignal(SIGKILL, toProcess: process.raw)
    try? container.cgroup?.thaw()
    // A pidfd is readable when its process has ended (pidfd_open(2)).
    let ended = try at(.deletion, "waiting for the container's process") { () throws(Errno) in
      try waitReadable([process.raw], timeout: 10_000)
    }
    if ended.isEmpty {
      throw RuntimeError(
        .deletion, "process \(container.record.pid) does not end", hint: "is it stuck in the kernel?")
    }
  }

  /// Failures are said and nothing else: the container is gone (runtime.md, "Lifecycle", step 13).
  static func poststop(_ record: ContainerRecord, _ log: Log) {
    guard record.hasPoststop, let spec = try? Bundle.load(record.bundle) else { return }
    let state = record.state(.stopped, pid: 0).encode()
    for hook in spec.hooks?.poststop ?? [] {
      do throws(RuntimeError) {
        try HookRunner(state: state).run([hook], kind: "poststop")
      } catch { log.write(.warning, error.description) }
    }
  }
}
