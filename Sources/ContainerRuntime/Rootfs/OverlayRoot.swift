import CLinux
import LinuxSystem

/// A root that looks like a directory of the host and forgets every change: its writable layers are in
/// memory (`rcontainer do`).
///
/// Each directory at the top gets an overlay of its own. One overlay of `/` would be simpler, but a user
/// namespace may not see below a mount point that it inherited, so overlayfs refuses a lower layer that has
/// any; a directory with mounts below it is shown read-only instead.
struct OverlayRoot {
  let lower: String
  /// Bytes that changes may take; nil for what the kernel gives a tmpfs.
  let sizeLimit: UInt64?

  /// Directories that a sandbox has for itself.
  static let own = ["proc", "sys", "dev", "tmp", "run"]

  /// A directory that every host has and no sandbox sees: there the layers are attached, because overlayfs
  /// resolves them by path.
  private static let place = "/tmp"

  /// A mount of it, attached in this mount namespace.
  /// - Parameter tell: is given the directory of the layers.
  func make(tell: (_ layers: Int32) throws(RuntimeError) -> Void) throws(RuntimeError) -> Descriptor {
    // Opened before the layers cover it, should it lie below their place.
    let source = try at(.rootfs, "opening " + lower) { () throws(Errno) in
      try open(lower, O_RDONLY | O_DIRECTORY)
    }
    let layers = try at(.rootfs, "making writable layers in memory") { () throws(Errno) in
      let context = try FileSystemContext(type: "tmpfs")
      try context.set("source", "rcontainer")
      try context.set("mode", "755")
      if let sizeLimit { try context.set("size", String(sizeLimit)) }
      let layers = try context.mount(attributes: UInt32(RC_ATTR_NODEV))
      let place = try open(Self.place, O_PATH | O_DIRECTORY)
      try attach(layers.raw, to: place.raw)
      for name in ["upper", "work", "root"] { try makeDirectory(name, at: layers.raw, mode: 0o755) }
      return layers
    }
    try tell(layers.raw)
    return try at(.rootfs, "making a root like " + lower) { () throws(Errno) in
      let target = try open("root", at: layers.raw, O_PATH | O_DIRECTORY)
      let root = try cloneTree(at: target.raw, recursive: false)
      try attach(root.raw, to: target.raw)
      for name in Self.own { try makeDirectory(name, at: root.raw, mode: 0o755) }
      for name in try list(source.raw) where !Self.own.contains(name) {
        try show(name, of: source.raw, in: root.raw, layers: layers.raw)
      }
      return root
    }
  }

  private func show(_ name: String, of source: Int32, in root: Int32, layers: Int32) throws(Errno) {
    let entry = try status(name, at: source, followLink: false)
    if entry.isSymbolicLink {
      try makeSymbolicLink(name, at: root, target: try readLink(name, at: source))
    } else if entry.isDirectory {
      try makeDirectory(name, at: root, mode: entry.mode & 0o7777)
      let target = try open(name, at: root, O_PATH | O_DIRECTORY)
      do throws(Errno) {
        let overlay = try overlay(name, entry, source, layers)
        try attach(overlay.raw, to: target.raw)
      } catch {
        try bind(name, source, target.raw)
      }
    } else if entry.isRegular {
      let file = try open(name, at: root, O_CREAT | O_EXCL | O_WRONLY, mode: 0o644)
      try bind(name, source, file.raw)
    }
  }

  private func overlay(
    _ name: String, _ entry: FileStatus, _ source: Int32, _ layers: Int32
  ) throws(Errno) -> Descriptor {
    for layer in ["upper/", "work/"] { try makeDirectory(layer + name, at: layers, mode: 0o755) }
    // The directory itself shows what its upper layer is.
    try? setMode("upper/" + name, at: layers, entry.mode & 0o7777)
    try? setOwner("upper/" + name, at: layers, uid: entry.owner, gid: entry.group)
    let base = MountStage.path(of: layers)
    let context = try FileSystemContext(type: "overlay")
    try context.set("source", "overlay")
    try context.set("lowerdir", MountStage.path(of: source) + "/" + name)
    try context.set("upperdir", base + "/upper/" + name)
    try context.set("workdir", base + "/work/" + name)
    // Extended attributes of a kind that a user namespace may set.
    try context.set("userxattr")
    // A file with several names that is written to becomes one of its own; with an index all its names would change.
    try context.set("index", "off")
    return try context.mount(attributes: UInt32(RC_ATTR_NODEV))
  }

  /// Shows the host's, read-only with all that is mounted below.
  private func bind(_ name: String, _ source: Int32, _ target: Int32) throws(Errno) {
    do throws(Errno) {
      let tree = try cloneTree(name, at: source, recursive: true)
      try setAttributes(
        of: tree.raw, set: UInt64(RC_ATTR_RDONLY | RC_ATTR_NOSUID | RC_ATTR_NODEV), recursive: true)
      try attach(tree.raw, to: target)
    } catch  where error == .accessDenied {
      // What this user can't reach outside is an empty place inside.
    }
  }
}
