import CLinux
import Cgroups
import LinuxSystem
import OCISpec
import OwnFiles
import ShimPolicy

/// A container's own files of /proc and /sys: which containers have them, and how they come to their places.
enum OwnFilesStage {
  /// Whether a container has them: its policy wants it, and it has limits that they could tell of.
  static func isWanted(_ policy: ShimPolicy?, _ spec: Spec) -> Bool {
    guard let policy, policy.ownFiles, let resources = spec.linux?.resources else { return false }
    func limits(_ value: Int64?) -> Bool { value.map { $0 > 0 } ?? false }
    return limits(resources.memory?.limit) || limits(resources.cpu?.quota) || resources.cpu?.cpus?.isEmpty == false
  }

  /// Whether a supervisor can answer the calls that tell of the same: it needs the filter's only listener, and threads that
  /// are asked to stop only after their call (Linux 5.19).
  static func canAnswerCalls(_ spec: Spec) -> Bool {
    if let section = spec.linux?.seccomp, SeccompStage.notifies(section) { return false }
    guard kernelIsAtLeast(5, 19), KernelFeature.notification.isThere else { return false }
    // Without the files, what they tell and what calls tell would not be of one machine.
    return OwnFiles.hasDevice && (try? ConShim(spec.annotations)) == .software
  }

  /// Mounts them where nobody sees them yet.
  /// - Returns: nil where that can't be, which is said.
  static func start(_ cgroup: Cgroup?, opened: DescriptorSet, log: Log) -> OwnFiles.Running? {
    guard let cgroup, !isRootless() else { return nil }
    do throws(Errno) { return try OwnFiles.start(cgroup, opened: opened) } catch {
      log.write(
        .warning,
        "the container sees the host's memory and processors in /proc: no FUSE here (" + error.description + ")")
      return nil
    }
  }

  /// Mounts them as root of the container's user namespace and puts them in place. Without FUSE the host's stay.
  static func attachInside(
    _ root: borrowing RootDirectory, _ serve: (_ device: Int32) throws(RuntimeError) -> Void
  ) throws(RuntimeError) {
    guard let files = OwnFiles.mountInside() else { return }
    try serve(files.device.raw)
    try attach(files.root.raw, in: root)
  }

  /// Puts the files over those of the container's procfs and sysfs. Something else that is there already stays: an engine's
  /// own, or a bind mount of the configuration.
  static func attach(_ mount: Int32, in root: borrowing RootDirectory) throws(RuntimeError) {
    try at(.mounts, "mounting the container's own files of /proc") { () throws(Errno) in
      var targets: [(name: String, target: Int32)] = []
      let opened = DescriptorSet()
      for file in OwnFiles.files {
        guard let target = try? root.find(file.path, followLink: false),
          let system = try? fileSystem(of: target.raw).magic,
          system == UInt32(RC_PROC_SUPER_MAGIC) || system == UInt32(RC_SYSFS_MAGIC)
        else { continue }
        targets.append((file.name, opened.insert(target)))
      }
      guard !targets.isEmpty, let place = try? root.find("/proc") else { return }
      // Attached before parts of it are copied: kernels before 6.15 copy no detached mount. The files are open already.
      try LinuxSystem.attach(mount, to: place.raw)
      for (name, target) in targets {
        let file = try cloneTree(name, at: mount, recursive: false)
        try LinuxSystem.attach(file.raw, to: target)
      }
      try unmount(MountStage.path(of: mount), flags: Int32(MNT_DETACH))
    }
  }
}
