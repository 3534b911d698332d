import CLinux
import Cgroups
import LinuxSystem
import OCISpec
import ShimPolicy

/// Mounts what the configuration lists, in its order, below the root of the container.
struct MountStage: ~Copyable {
  let root: RootDirectory
  /// For `mountLabel`: SELinux context of mounts that have none.
  let mountLabel: String?
  /// What a mount of type `cgroup` shows.
  let cgroup: CgroupMountPlan?
  /// A tmpfs with a size has as many inodes as pages, if its options do not say how many.
  let boundsFiles: Bool

  /// The root again, when all is mounted.
  consuming func finish() -> RootDirectory { root }

  /// Makes mount number `index` of the configuration.
  /// - Parameter prepared: a detached mount that the parent opened, where the container's user may not
  ///   reach the source or the mount is idmapped.
  borrowing func make(_ mount: OCISpec.Mount, index: Int, prepared: Int32?) throws(RuntimeError) {
    let options = MountOptions(mount.options)
    let place = "mounts[\(index)] (" + mount.destination + ")"
    try Self.checkProc(mount, options, place)
    do throws(Errno) {
      if options.isBind || mount.type == "bind" {
        try bind(mount, options, prepared)
      } else if mount.type == "cgroup" || mount.type == "cgroup2" {
        try mountCgroup(mount, options)
      } else {
        try mountFileSystem(mount, options)
      }
    } catch {
      throw RuntimeError(.mounts, place, error, hint: Self.hint(mount, options, error))
    }
  }

  private static func hint(_ mount: OCISpec.Mount, _ options: MountOptions, _ error: Errno) -> String? {
    switch error {
    case .noEntry where options.isBind: "source " + (mount.source ?? "") + " or a part of it is missing"
    case .noDevice: "file system type " + (mount.type ?? "") + " is unknown to the kernel"
    case .crossesDevice, .loop: "the destination leaves the container's root or is a magic link"
    case .invalid: "an option is not known to file system " + (mount.type ?? "")
    case .readOnly: "the destination lies in a directory that is read-only, and has to be there already"
    case .notPermitted: "the user namespace may not mount this"
    default: nil
    }
  }

  /// Nothing may stand in for /proc or lie in it, but the files that user-space file systems serve
  /// (CVE-2019-19921, CVE-2023-27561).
  private static func checkProc(
    _ mount: OCISpec.Mount, _ options: MountOptions, _ place: String
  ) throws(RuntimeError) {
    let parts = RootDirectory.components(mount.destination)
    guard parts.first == "proc" else { return }
    if parts.count == 1 {
      if mount.type == "proc" { return }
      if options.isBind || mount.type == "bind",
        let source = try? open(mount.source ?? "", O_PATH),
        (try? fileSystem(of: source.raw).magic) == UInt32(RC_PROC_SUPER_MAGIC)
      {
        return
      }
    } else {
      let allowed: [StaticString] = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
        "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
      ]
      let path = RootDirectory.clean(mount.destination)
      if allowed.contains(where: { $0.description == path }) { return }
    }
    throw RuntimeError(
      .mounts, place + ": not allowed over or inside /proc", hint: "only a procfs may be there")
  }

  // MARK: bind mounts

  private borrowing func bind(
    _ mount: OCISpec.Mount, _ options: MountOptions, _ prepared: Int32?
  ) throws(Errno) {
    let tree =
      if let prepared { Descriptor(owning: prepared) } else {
        try cloneTree(mount.source ?? "", recursive: options.isRecursiveBind)
      }
    let isDirectory = try status(at: tree.raw).isDirectory
    let target =
      isDirectory
      ? try root.makeDirectories(mount.destination) : try root.makeFile(mount.destination)
    try place(tree, on: target, options, isFresh: false)
  }

  /// Gives a detached mount its attributes and puts it where it belongs.
  private borrowing func place(
    _ tree: borrowing Descriptor, on target: borrowing Descriptor, _ options: MountOptions,
    isFresh: Bool
  ) throws(Errno) {
    let hasSet = !isFresh && (options.set != 0 || options.clear != 0)
    let hasRecursive = options.recursiveSet != 0 || options.recursiveClear != 0
    var late = false
    do throws(Errno) {
      if hasSet {
        try setAttributes(of: tree.raw, set: options.set, clear: options.clear, recursive: false)
      }
      if hasRecursive {
        try setAttributes(
          of: tree.raw, set: options.recursiveSet, clear: options.recursiveClear, recursive: true)
      }
    } catch  where error == .notImplemented && !hasRecursive {
      late = true  // Linux before 5.12: the attributes follow once the mount is in place.
    }
    try attach(tree.raw, to: target.raw)
    if late {
      try mount(
        source: nil, target: Self.path(of: tree.raw), type: nil,
        flags: UInt(MS_REMOUNT) | UInt(MS_BIND) | MountOptions.classic(options.set))
    }
    for flags in options.propagation {
      try mount(source: nil, target: Self.path(of: tree.raw), type: nil, flags: flags)
    }
  }

  /// A path for interfaces that take no descriptor. Resolved before the pivot, in the host's procfs.
  static func path(of descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

  // MARK: file systems

  private borrowing func mountFileSystem(
    _ mount: OCISpec.Mount, _ options: MountOptions
  ) throws(Errno) {
    let type = mount.type ?? ""
    var options = options
    if let mountLabel, !mountLabel.isEmpty, type != "proc", type != "sysfs" {
      options.data.append("context=" + mountLabel)
    }
    // What a tmpfs is to start with is read before it hides the directory.
    let copied = options.copyUp ? try? root.open(mount.destination, O_RDONLY | O_DIRECTORY) : nil
    let target = try root.makeDirectories(mount.destination)
    // The mode of a tmpfs without one is that of the directory below it, as the peers do.
    if type == "tmpfs", !options.data.contains(where: { $0.utf8.starts(with: "mode=".utf8) }) {
      let mode = try status(at: target.raw).mode & 0o7777
      options.data.append("mode=" + String(mode, radix: 8))
    }
    if type == "tmpfs", boundsFiles, let count = TmpfsOptions.inodes(options.data) {
      options.data.append("nr_inodes=" + String(count))
    }
    let tree = try newFileSystem(type, source: mount.source, options)
    if let copied {
      let top = try open(".", at: tree.raw, O_RDONLY | O_DIRECTORY)
      try copyTree(from: copied.raw, to: top.raw)
    }
    if options.copyUp && options.isReadOnly {
      try setAttributes(of: tree.raw, set: UInt64(RC_ATTR_RDONLY), recursive: false)
    }
    try place(tree, on: target, options, isFresh: true)
  }

  /// A detached mount of a new file system.
  private borrowing func newFileSystem(
    _ type: String, source: String?, _ options: MountOptions
  ) throws(Errno) -> Descriptor {
    var attributes = options.set
    if options.copyUp { attributes &= ~UInt64(RC_ATTR_RDONLY) }
    let context = try FileSystemContext(type: type)
    if let source, !source.isEmpty { try context.set("source", source) }
    for entry in options.data {
      for option in splitData(entry) {
        if let equals = option.utf8.firstIndex(of: 0x3d) {
          try context.set(
            String(option[..<equals]), String(option[option.utf8.index(after: equals)...]))
        } else {
          try context.set(option)
        }
      }
    }
    for flag in options.superblockFlags { try context.set(flag) }
    // A superblock of its own is read-only as a whole; one that others share only through this mount.
    if options.isReadOnly, !options.copyUp, !Self.sharesSuperblock(type) { try context.set("ro") }
    return try context.mount(attributes: UInt32(truncatingIfNeeded: attributes))
  }

  private static func sharesSuperblock(_ type: String) -> Bool {
    switch type {
    case "proc", "sysfs", "mqueue", "tmpfs", "devpts", "cgroup", "cgroup2": true
    default: false
    }
  }

  /// One entry of the configuration may hold several options.
  private borrowing func splitData(_ entry: String) -> [String] {
    entry.utf8.split(separator: 0x2c).map { String(Substring($0)) }
  }

  // MARK: cgroups

  private borrowing func mountCgroup(
    _ mount: OCISpec.Mount, _ options: MountOptions
  ) throws(Errno) {
    guard let cgroup else {
      // No cgroup of its own: what the host shows, read-only.
      let tree = try cloneTree("/sys/fs/cgroup", recursive: true)
      try setAttributes(of: tree.raw, set: UInt64(RC_ATTR_RDONLY), recursive: true)
      try place(tree, on: try root.makeDirectories(mount.destination), options, isFresh: false)
      return
    }
    switch cgroup {
    case .unified(let directory):
      let target = try root.makeDirectories(mount.destination)
      var fresh = options
      fresh.data = []
      do throws(Errno) {
        let tree = try newFileSystem("cgroup2", source: "cgroup", fresh)
        try place(tree, on: target, fresh, isFresh: true)
      } catch  where error == .notPermitted || error == .busy {
        let tree = try cloneTree(directory, recursive: false)
        try place(tree, on: target, fresh, isFresh: false)
      }
    case .hierarchies(let hierarchies, let links):
      var fresh = MountOptions([])
      fresh.data = ["mode=755"]
      fresh.set = options.set & ~UInt64(RC_ATTR_RDONLY)
      let top = try newFileSystem("tmpfs", source: "tmpfs", fresh)
      try place(
        top, on: try root.makeDirectories(mount.destination), MountOptions([]), isFresh: true)
      for hierarchy in hierarchies {
        try makeDirectory(hierarchy.name, at: top.raw, mode: 0o755)
        let tree = try cloneTree(hierarchy.directory, recursive: false)
        let target = try open(hierarchy.name, at: top.raw, O_PATH | O_DIRECTORY)
        var own = options
        own.propagation = []
        own.data = []
        try place(tree, on: target, own, isFresh: false)
      }
      for link in links {
        try makeSymbolicLink(link.name, at: top.raw, target: link.target)
      }
      if options.isReadOnly {
        try makeReadOnly(top.raw)
      }
      for flags in options.propagation {
        try mountPropagation(top.raw, flags)
      }
    }
  }

  private borrowing func mountPropagation(_ tree: Int32, _ flags: UInt) throws(Errno) {
    try LinuxSystem.mount(source: nil, target: Self.path(of: tree), type: nil, flags: flags)
  }
}

/// Makes a mount read-only and keeps its other attributes.
func makeReadOnly(_ mounted: Int32) throws(Errno) {
  do throws(Errno) {
    try setAttributes(of: mounted, set: UInt64(RC_ATTR_RDONLY), recursive: false)
  } catch  where error == .notImplemented {
    // Linux before 5.12. statfs(2) tells the flags to keep: its ST_* are MS_* for those that matter here.
    let kept = UInt(try fileSystem(of: mounted).flags) & 0xc0f
    try mount(
      source: nil, target: MountStage.path(of: mounted), type: nil,
      flags: UInt(MS_REMOUNT) | UInt(MS_BIND) | UInt(MS_RDONLY) | kept)
  }
}

extension MountStage {
  /// Mounts through mount(2) stay reachable under this name inside the type, where `mount` is a value.
  private borrowing func mount(
    source: String?, target: String, type: String?, flags: UInt
  ) throws(Errno) {
    try LinuxSystem.mount(source: source, target: target, type: type, flags: flags)
  }
}
