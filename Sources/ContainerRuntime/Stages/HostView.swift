import LinuxSystem
import OCISpec
import ShimPolicy

/// What of the machine a container does not have because of its policy, beyond what its configuration takes away.
struct HostView {
  /// Paths that are masked.
  let hidden: [String]
  /// Whether nothing that is written inside may be executed, nor mapped as a program's code: then what can be written to is
  /// mounted `noexec`, and the root file system, which holds the programs, is read-only.
  let keepsPrograms: Bool
  /// Whether a file system in memory that is limited in size holds no more files than pages. Empty files take the kernel's memory, and the
  /// kernel's own limit for them is half the pages of the host, tmpfs(5).
  let boundsFiles: Bool

  init(_ policy: ShimPolicy?, _ linux: OCISpec.Linux) {
    let masked = linux.maskedPaths
    let hasUsers = isRootless() || linux.namespaces.contains { $0.type == .user }
    let hides = policy?.ownFiles == true && linux.namespaces.contains { $0.type == .mount }
    hidden = hides ? Self.paths(rootIsHosts: !hasUsers).filter { !masked.contains($0) } : []
    boundsFiles = hides
    keepsPrograms = policy?.exec == .image && policy?.writeExecute == false
  }

  /// What tells of others on this machine, or of its memory's layout, and what no program needs: counts of interrupts tell of
  /// keys that are pressed, the meters of power of computations, disks of what neighbours write, and the number of the start
  /// that a neighbour is on the same host.
  private static let everybodys = [
    "/proc/interrupts", "/proc/kallsyms", "/proc/diskstats", "/proc/partitions", "/proc/sys/kernel/random/boot_id",
    "/sys/block", "/sys/class/block", "/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/kernel/notes",
    "/sys/kernel/vmcoreinfo", "/sys/kernel/slab",
  ]

  /// The same in files that are root's alone.
  private static let roots = [
    "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/pagetypeinfo", "/proc/slabinfo",
    "/proc/vmallocinfo", "/proc/allocinfo",
  ]

  /// - Parameter rootIsHosts: the container's root is the host's, who reads those files without any capability.
  static func paths(rootIsHosts: Bool) -> [String] { rootIsHosts ? everybodys + roots : everybodys }
}
