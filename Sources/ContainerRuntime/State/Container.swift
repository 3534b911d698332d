import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// A container that there is: its directory and what its record says.
public struct Container: ~Copyable {
  public let directory: ContainerDirectory
  public var record: ContainerRecord

  /// Finds a container by its id.
  /// - Throws: stage `state` if there is none, or nothing but a leftover directory.
  public init(_ id: String, in store: borrowing StateStore) throws(RuntimeError) {
    let directory = try store.find(id)
    guard let record = try directory.load() else {
      throw RuntimeError(
        .state, "container " + id + " was never finished", hint: "remove it with delete --force")
    }
    self.directory = directory
    self.record = record
  }

  init(_ directory: consuming ContainerDirectory, _ record: ContainerRecord) {
    self.directory = directory
    self.record = record
  }

  /// Status as `state` shows it (runtime.md, "State"), with the runtime's own `paused`.
  public var status: OCISpec.State.Status {
    if record.pid == 0 { return .creating }
    guard isAlive else { return .stopped }
    switch record.phase {
    case .creating, .created: return .created
    case .running: return isPaused ? .paused : .running
    }
  }

  /// Whether the first process is still the one that was recorded.
  public var isAlive: Bool {
    guard let identity = ProcessIdentity(pid: record.pid) else { return false }
    return identity.startTime == record.startTime && identity.isAlive
  }

  private var isPaused: Bool { cgroup?.isFrozen ?? false }

  /// The cgroup, if the container has one.
  public var cgroup: Cgroup? { record.cgroup.map { Cgroup(record: $0) } }

  /// A handle on the first process that no other process can come to mean.
  public func openFirstProcess() throws(RuntimeError) -> Descriptor? {
    guard isAlive, let pidfd = try? openProcess(record.pid), isAlive else { return nil }
    return pidfd
  }

  /// The state object for hooks and `state`.
  public func state() -> OCISpec.State {
    let status = status
    return record.state(status, pid: status == .stopped ? 0 : record.pid)
  }

  /// The configuration in the bundle.
  public func spec() throws(RuntimeError) -> Spec { try Bundle.load(record.bundle) }
}

extension ContainerRecord {
  /// The state object of the runtime-spec.
  func state(_ status: OCISpec.State.Status, pid: Int32) -> OCISpec.State {
    OCISpec.State(
      ociVersion: OCISpec.State.version, id: id, status: status, pid: pid == 0 ? nil : Int(pid),
      bundle: bundle, annotations: annotations)
  }
}
