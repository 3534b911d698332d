import CLinux
import LinuxSystem
import OCISpec

/// Kinds of namespaces (namespaces(7)) and their files below /proc/PID/ns.
enum Namespaces {
  /// The `CLONE_NEW*` flag of a kind.
  static func flag(_ kind: OCISpec.LinuxNamespace.Kind) -> Int32 {
    switch kind {
    case .pid: CLONE_NEWPID
    case .network: CLONE_NEWNET
    case .mount: CLONE_NEWNS
    case .ipc: CLONE_NEWIPC
    case .uts: CLONE_NEWUTS
    case .user: CLONE_NEWUSER
    case .cgroup: CLONE_NEWCGROUP
    case .time: Int32(RC_CLONE_NEWTIME)
    }
  }

  /// The words for messages.
  static func name(_ flag: Int32) -> String {
    switch flag {
    case CLONE_NEWPID: "pid"
    case CLONE_NEWNET: "network"
    case CLONE_NEWNS: "mount"
    case CLONE_NEWIPC: "ipc"
    case CLONE_NEWUTS: "uts"
    case CLONE_NEWUSER: "user"
    case CLONE_NEWCGROUP: "cgroup"
    default: "time"
    }
  }

  /// The name of the file below /proc/PID/ns.
  static func file(_ kind: OCISpec.LinuxNamespace.Kind) -> String {
    switch kind {
    case .network: "net"
    case .mount: "mnt"
    case .pid, .ipc, .uts, .user, .cgroup, .time: kind.rawValue
    }
  }
}
