import CLinux
import LinuxSystem

/// A root that looks like a directory of the host and forgets every change: an overlay whose writable
/// layer is a tmpfs (`rcontainer do`).
struct OverlayRoot {
  let lower: String
  /// Directories with other file systems mounted below `lower`, bound read-only at the same place.
  let alsoBound: [String]
  /// Bytes that changes may take; nil for what the kernel gives a tmpfs.
  let sizeLimit: UInt64?

  /// A mount of it, attached in this mount namespace over a directory that the container won't see.
  func make() throws(RuntimeError) -> Descriptor {
    let layers = try at(.rootfs, "making a writable layer in memory") { () throws(Errno) in
      let context = try FileSystemContext(type: "tmpfs")
      try context.set("source", "rcontainer")
      try context.set("mode", "700")
      if let sizeLimit { try context.set("size", String(sizeLimit)) }
      let layers = try context.mount(attributes: UInt32(RC_ATTR_NODEV))
      // Attached, because overlayfs resolves its layers by path. /tmp is fresh in the container anyway.
      try attach(layers.raw, to: try open(Self.place, O_PATH | O_DIRECTORY).raw)
      for name in ["upper", "work", "root"] { try makeDirectory(name, at: layers.raw, mode: 0o755) }
      return layers
    }
    return try at(
      .rootfs, "overlay over " + lower, hint: "overlayfs in user namespaces needs Linux 5.11"
    ) { () throws(Errno) in
      let context = try FileSystemContext(type: "overlay")
      let base = MountStage.path(of: layers.raw)
      try context.set("source", "overlay")
      try context.set("lowerdir", lower)
      try context.set("upperdir", base + "/upper")
      try context.set("workdir", base + "/work")
      // Extended attributes of a kind that a user namespace may set.
      try? context.set("userxattr")
      let root = try context.mount(attributes: UInt32(RC_ATTR_NODEV))
      try attach(root.raw, to: try open("root", at: layers.raw, O_PATH | O_DIRECTORY).raw)
      for path in alsoBound { try bindBelow(root.raw, path) }
      return root
    }
  }

  /// A directory that every host has and no container of `do` sees.
  private static let place = "/tmp"

  private func bindBelow(_ root: Int32, _ path: String) throws(Errno) {
    do throws(Errno) {
      let source = try cloneTree(path, recursive: true)
      try setAttributes(of: source.raw, set: UInt64(RC_ATTR_RDONLY), recursive: true)
      let target = try open(
        String(path.dropFirst(lower == "/" ? 1 : lower.utf8.count + 1)), at: root,
        O_PATH | O_DIRECTORY, resolve: [.inRoot, .noMagicLinks])
      try attach(source.raw, to: target.raw)
    } catch where error == .accessDenied || error == .noEntry || error == .invalid {
      // A place that this user can't reach outside is not to be reached inside.
    }
  }
}
