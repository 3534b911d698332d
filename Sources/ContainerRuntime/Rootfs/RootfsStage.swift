import CLinux
import LinuxSystem
import OCISpec

/// Builds the file system of the container and makes it the root.
struct RootfsStage {
  let plan: InitPlan

  private var madeMountNamespace: Bool { plan.makes(CLONE_NEWNS) }

  private var hasMountNamespace: Bool {
    plan.linux.namespaces.contains { $0.type == .mount }
  }

  /// Mounts all there is below the container's root, which is still a directory of the host.
  /// - Parameter tell: is given the layers of a root that has some, while they are new.
  func prepare(tell: (_ layers: Int32) throws(RuntimeError) -> Void) throws(RuntimeError) -> RootDirectory {
    if madeMountNamespace { try isolate() }
    let root = RootDirectory(try openRoot(tell))
    // What is mounted without a namespace for it is mounted on the host.
    if !hasMountNamespace { return root }
    if let path = plan.process?.cwd, !path.isEmpty {
      _ = try at(.rootfs, "process.cwd (" + path + ")") { () throws(Errno) in
        try root.makeDirectories(path)
      }
    }
    if let kept = plan.rootfs.kept { try kept.divide(root) }
    let stage = MountStage(
      root: root, mountLabel: plan.linux.mountLabel, cgroup: plan.cgroupMount, boundsFiles: plan.boundsFiles)
    for (index, mount) in plan.spec.mounts.enumerated() {
      try stage.make(mount, index: index, prepared: plan.preparedMounts[index])
    }
    let root2 = stage.finish()
    // A /dev that the configuration binds from elsewhere is not ours to fill.
    if !bindsDev {
      try DeviceStage(inUserNamespace: plan.inUserNamespace).make(plan.linux.devices, in: root2)
    }
    return root2
  }

  private var bindsDev: Bool {
    plan.spec.mounts.contains {
      RootDirectory.clean($0.destination) == "/dev"
        && ($0.type == "bind" || MountOptions($0.options).isBind)
    }
  }

  /// No mount of this namespace reaches the host.
  private func isolate() throws(RuntimeError) {
    let wanted = try Self.propagation(plan.linux.rootfsPropagation)
    // Shared and unbindable come last: one would let our mounts out, the other forbids to bind the root.
    let isPrivate = wanted & UInt(MS_PRIVATE) != 0
    let first = UInt(MS_REC) | UInt(isPrivate ? MS_PRIVATE : MS_SLAVE)
    try at(.rootfs, "cutting the mounts off from the host") { () throws(Errno) in
      try mount(source: nil, target: "/", type: nil, flags: first)
    }
  }

  /// Flags of `linux.rootfsPropagation`; recursive slave when it is not set, as runc.
  static func propagation(_ name: String?) throws(RuntimeError) -> UInt {
    switch name {
    case nil, "", "rslave": UInt(MS_SLAVE) | UInt(MS_REC)
    case "slave": UInt(MS_SLAVE) | UInt(MS_REC)
    case "private", "rprivate": UInt(MS_PRIVATE) | UInt(MS_REC)
    case "shared", "rshared": UInt(MS_SHARED) | UInt(MS_REC)
    case "unbindable", "runbindable": UInt(MS_UNBINDABLE) | UInt(MS_REC)
    default:
      throw RuntimeError(
        .rootfs, "linux.rootfsPropagation: \"" + (name ?? "") + "\" is unknown",
        hint: "use shared, slave, private or unbindable, maybe with r in front")
    }
  }

  /// The root of the container, mounted on itself so that it can become the root.
  private func openRoot(_ tell: (_ layers: Int32) throws(RuntimeError) -> Void) throws(RuntimeError) -> Descriptor {
    switch plan.rootfs {
    case .directory(let path):
      return try at(.rootfs, "root.path (" + path + ")") { () throws(Errno) in
        let directory = try open(path, O_PATH | O_DIRECTORY)
        guard madeMountNamespace else { return directory }
        let tree = try cloneTree(at: directory.raw, recursive: true)
        try attach(tree.raw, to: directory.raw)
        return tree
      }
    case .overlay(let lower, let limit, _):
      return try OverlayRoot(lower: lower, sizeLimit: limit).make(tell: tell)
    }
  }

  /// Makes the root the root.
  func enter(_ root: borrowing RootDirectory) throws(RuntimeError) {
    try at(.rootfs, "entering the root of the container") { () throws(Errno) in
      try changeDirectory(root.descriptor.raw)
      if madeMountNamespace && plan.usesPivot {
        try pivotRoot(newRoot: ".", putOld: ".")
        // The old root lies over the new one now (pivot_root(2), "pivot_root(".", ".")"). It goes, with all
        // below it; the host doesn't notice, for these mounts are slaves of its own.
        try unmount(".", flags: Int32(MNT_DETACH))
      } else if madeMountNamespace {
        try moveRoot(root)
      } else {
        try changeRoot(".")
      }
      try changeDirectory("/")
    }
  }

  /// `--no-pivot`: for a root in an initramfs, which pivot_root(2) can't leave. Before the move, the mounts
  /// that could lead back are made unreachable.
  private func moveRoot(_ root: borrowing RootDirectory) throws(Errno) {
    for path in ["/proc", "/sys"] {
      do throws(Errno) { try unmount(path, flags: Int32(MNT_DETACH)) } catch
        where error == .invalid || error == .notPermitted || error == .noEntry
      {}
    }
    try mount(source: ".", target: "/", type: nil, flags: UInt(MS_MOVE))
    try changeRoot(".")
  }

  /// Hides and protects what the configuration says. Before the pivot: the null device that covers files is
  /// the host's.
  /// - Parameter serve: lets own files be served that were mounted here, by their device.
  func hide(
    _ root: borrowing RootDirectory, serve: (_ device: Int32) throws(RuntimeError) -> Void
  ) throws(RuntimeError) {
    if !hasMountNamespace { return }
    if madeMountNamespace, plan.spec.root?.readonly == true {
      try at(.rootfs, "root.readonly") { () throws(Errno) in
        try makeReadOnly(root.descriptor.raw)
      }
    }
    if madeMountNamespace, plan.keepsPrograms {
      try at(.rootfs, "mounting what can be written to noexec") { () throws(Errno) in
        try setAttributes(of: root.descriptor.raw, set: UInt64(RC_ATTR_NOEXEC), recursive: true)
        try setAttributes(
          of: root.descriptor.raw, set: UInt64(RC_ATTR_RDONLY), clear: UInt64(RC_ATTR_NOEXEC), recursive: false)
      }
    }
    if let kept = plan.rootfs.kept { try kept.close(root) }
    if let files = plan.ownFiles { try OwnFilesStage.attach(files, in: root) }
    if plan.mountsOwnFiles { try OwnFilesStage.attachInside(root, serve) }
    let (masked, readOnly) = (plan.linux.maskedPaths + plan.hidden, plan.linux.readonlyPaths)
    if masked.isEmpty && readOnly.isEmpty { return }
    let paths = try HiddenPaths()
    try paths.makeReadOnly(readOnly, in: root)
    try paths.mask(masked, in: root, label: plan.linux.mountLabel)
  }

  /// The propagation that the configuration wants to see in the end.
  func propagate() throws(RuntimeError) {
    guard madeMountNamespace, let name = plan.linux.rootfsPropagation, !name.isEmpty else { return }
    let flags = try Self.propagation(name)
    guard flags & UInt(MS_SHARED | MS_UNBINDABLE) != 0 else { return }
    try at(.rootfs, "linux.rootfsPropagation (" + name + ")") { () throws(Errno) in
      try mount(source: nil, target: "/", type: nil, flags: flags)
    }
  }
}
