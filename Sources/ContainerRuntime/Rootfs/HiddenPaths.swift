import CLinux
import LinuxSystem

/// Masked and read-only paths (config-linux.md).
struct HiddenPaths: ~Copyable {
  /// The host's /dev/null, opened before the image is entered and checked to be the null device: nothing
  /// in the image can be taken for it (CVE-2025-31133).
  private let null: Descriptor

  init() throws(RuntimeError) {
    null = try at(.mounts, "opening /dev/null of the host") { () throws(Errno) in
      let file = try open("/dev/null", O_PATH | O_NOFOLLOW)
      let found = try status(at: file.raw)
      guard found.isCharacterDevice, found.major == 1, found.minor == 3 else { throw .noDevice }
      return file
    }
  }

  /// Covers files with the null device and directories with one empty read-only tmpfs.
  borrowing func mask(_ paths: [String], in root: borrowing RootDirectory, label: String?)
    throws(RuntimeError)
  {
    let empty = DescriptorSet()
    for path in paths {
      try at(.mounts, "masking " + path) { () throws(Errno) in
        guard let target = try existing(path, root) else { return }
        if try !status(at: target.raw).isDirectory {
          let mask = try cloneTree(at: null.raw, recursive: false)
          try attach(mask.raw, to: target.raw)
        } else if let first = empty.raw.first {
          let mask = try cloneTree(at: first, recursive: false)
          try attach(mask.raw, to: target.raw)
        } else {
          // Attached before it is copied: kernels before 6.15 copy no detached mount.
          let mask = empty.insert(try Self.emptyDirectory(label))
          try attach(mask, to: target.raw)
        }
      }
    }
  }

  /// Makes paths read-only by a mount of themselves.
  borrowing func makeReadOnly(_ paths: [String], in root: borrowing RootDirectory)
    throws(RuntimeError)
  {
    for path in paths {
      try at(.mounts, "making " + path + " read-only") { () throws(Errno) in
        guard let target = try existing(path, root) else { return }
        let tree = try cloneTree(at: target.raw, recursive: true)
        do throws(Errno) {
          try setAttributes(of: tree.raw, set: UInt64(RC_ATTR_RDONLY), recursive: true)
          try attach(tree.raw, to: target.raw)
        } catch  where error == .notImplemented {
          try attach(tree.raw, to: target.raw)
          try ContainerRuntime.makeReadOnly(tree.raw)
        }
      }
    }
  }

  /// What `path` names in the container; nil where there is nothing, which is allowed.
  private borrowing func existing(_ path: String, _ root: borrowing RootDirectory) throws(Errno)
    -> Descriptor?
  {
    do throws(Errno) { return try root.find(path) } catch
      where error == .noEntry || error == .notDirectory
    { return nil }
  }

  private static func emptyDirectory(_ label: String?) throws(Errno) -> Descriptor {
    let context = try FileSystemContext(type: "tmpfs")
    try context.set("source", "tmpfs")
    try context.set("nr_blocks", "1")
    try context.set("nr_inodes", "1")
    if let label, !label.isEmpty { try context.set("context", label) }
    let attributes = RC_ATTR_RDONLY | RC_ATTR_NOSUID | RC_ATTR_NODEV | RC_ATTR_NOEXEC
    return try context.mount(attributes: UInt32(attributes))
  }
}
