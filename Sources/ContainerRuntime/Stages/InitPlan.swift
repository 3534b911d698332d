import Cgroups
import Egress
import LinuxSystem
import OCISpec

/// All that the first process of a container needs to know, decided by the runtime before it is cloned.
/// Descriptors are inherited numbers; they stay open until the program of the container takes over.
struct InitPlan {
  let spec: Spec
  let process: OCISpec.Process?
  let linux: OCISpec.Linux
  /// Where the root of the container comes from.
  let rootfs: RootfsSource
  var filter: SystemCallFilter?
  /// Namespaces to be joined: descriptor and `CLONE_NEW*` kind.
  var joined: [(descriptor: Int32, kind: Int32)] = []
  /// Namespaces to be made.
  var made: Int32 = 0
  /// Detached mounts that the runtime opened, by index in the configuration.
  var preparedMounts: [Int32?] = []
  let cgroupJoin: CgroupJoin?
  let cgroupMount: CgroupMountPlan?
  /// The listening socket that `start` connects to; nil when the process starts without being asked again.
  var startSocket: Int32?
  /// Descriptors of the runtime that must not live on in the container's first process.
  var toClose: [Int32] = []
  let hostHooks: Bool
  let usesPivot: Bool
  let newKeyring: Bool
  let preservedDescriptors: Int
  let id: String
  /// The process gets its arguments, environment, directory and streams over the channel.
  let waitsForClaim: Bool
  /// The runtime is given the layers of an overlay.
  let tellsLayers: Bool
  /// A process of ours stays the first one and the program is its child.
  let usesReaper: Bool
  /// Descriptors that become standard input, output and error, if they are not.
  let standardStreams: [Int32]
  let stateForHooks: [UInt8]
  /// The container has a user namespace that is not the runtime's.
  let inUserNamespace: Bool
  let canSetGroups: Bool
  /// /dev/conshim, if the program runs in a CCA con-shim.
  let conShimDevice: Int32?
  /// Where the sandbox may connect to, and the socket over which the relay gets its own.
  let egress: (rules: EgressRules, sockets: Int32)?
  /// Paths that the policy masks, beside those of the configuration.
  let hidden: [String]
  /// Nothing that is written inside is executed (see `HostView.keepsPrograms`).
  let keepsPrograms: Bool
  /// Of file systems in memory (see `HostView.boundsFiles`).
  let boundsFiles: Bool
  /// A detached mount with the container's own files of /proc.
  let ownFiles: Int32?
  /// It has to make it itself, having the right to only inside.
  let mountsOwnFiles: Bool
  /// The container's own resolver.
  let containerEgress: EgressStage.Way?

  /// Whether the new user namespace has a root.
  var mapsRoot: Bool {
    linux.uidMappings.contains { $0.containerID == 0 && $0.size > 0 }
      && linux.gidMappings.contains { $0.containerID == 0 && $0.size > 0 }
  }

  func makes(_ kind: Int32) -> Bool { made & kind != 0 }
}

/// Where the root of a container comes from.
enum RootfsSource {
  /// A directory of the host.
  case directory(String)
  /// Throw-away writable layers in memory over a directory of the host.
  case overlay(lower: String, sizeLimit: UInt64?, kept: KeptPrograms?)

  var kept: KeptPrograms? {
    if case .overlay(_, _, let kept) = self { kept } else { nil }
  }
}
