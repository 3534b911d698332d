import Cgroups
import LinuxSystem
import OCISpec

/// What the runtime keeps of a container between its calls: the content of `state.json`.
public struct ContainerRecord: Sendable {
  /// Where in its life the container was when the record was written. `stopped` is never written: it is
  /// what a process that is gone means.
  public enum Phase: String, Sendable { case creating, created, running }

  public var id: String
  public var phase = Phase.creating
  /// Pid of the container's first process as the runtime saw it, and when it started (clock ticks since
  /// boot, proc_pid_stat(5) field 22): together they name a process for good.
  public var pid: Int32 = 0
  public var startTime: UInt64 = 0
  /// Absolute path of the bundle.
  public var bundle: String
  public var rootfs: String
  /// RFC 3339.
  public var created: String
  public var annotations: [StringPair]
  /// User who created it.
  public var owner: UInt32
  public var cgroup: CgroupRecord?
  /// Names of the namespaces that `exec` has to join.
  public var namespaces: [String]
  public var ociVersion: String
  /// Whether the configuration has hooks that run later: the others need not read it again.
  public var hasPoststart = false
  public var hasPoststop = false
  /// The last process of the supervisor to end, and when it started; 0 if there is none.
  public var supervisorPID: Int32 = 0
  public var supervisorStartTime: UInt64 = 0
  /// Whether it answers calls that tell of the machine, and whether it watches threads that execute programs.
  public var supervisorAnswers = false
  public var supervisorJudges = false

  public init(
    id: String, bundle: String, rootfs: String, created: String, annotations: [StringPair],
    owner: UInt32, namespaces: [String], ociVersion: String
  ) {
    self.id = id
    self.bundle = bundle
    self.rootfs = rootfs
    self.created = created
    self.annotations = annotations
    self.owner = owner
    self.namespaces = namespaces
    self.ociVersion = ociVersion
  }
}
