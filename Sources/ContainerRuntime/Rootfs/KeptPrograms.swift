import CLinux
import LinuxSystem
import OCISpec

/// Keeps what is written in a sandbox from being executed, and from being mapped as code (see ``HostView/keepsPrograms``). That is a
/// matter of mounts (mount(2), `MS_NOEXEC`), so each is for one purpose: what holds programs is read-only, and what can be
/// written to is `noexec`.
struct KeptPrograms {
  /// Directories that the command may write to: where it works, and its home.
  var writable: [String] = []
  /// Paths in the sandbox of files of the host that can be written to elsewhere in it.
  var written: [String] = []

  /// Directories at the top that hold programs whatever else is there.
  private static let programs = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"]

  /// - Parameters:
  ///   - mounts: those that were asked for; gets the option `rnoexec` where they can be written to.
  ///   - lower: the directory of the host that the sandbox's root looks like.
  init(_ process: OCISpec.Process?, _ mounts: inout [OCISpec.Mount], lower: String) throws(RuntimeError) {
    if let process {
      if let home = process.env.last(where: { $0.utf8.starts(with: "HOME=".utf8) }) {
        writable.append(String(decoding: home.utf8.dropFirst(5), as: UTF8.self))
      }
      writable.append(process.cwd)
    }
    var sources: [String] = []
    for mount in mounts where MountOptions(mount.options).isBind && !mount.options.contains("rro") {
      let source = mount.source ?? "/"
      guard !Self.isBelow(lower, source) else {
        throw RuntimeError(
          .options, source + " can't be writable under a policy that executes nothing written: all programs are in it",
          hint: "name a directory in it, or choose another policy")
      }
      sources.append(source)
      if lower == "/" {
        written.append(source)
      } else if Self.isBelow(source, lower) {
        written.append(String(decoding: source.utf8.dropFirst(lower.utf8.count), as: UTF8.self))
      }
    }
    for index in mounts.indices {
      let isBind = MountOptions(mounts[index].options).isBind
      let source = mounts[index].source ?? "/"
      // The host's that nobody writes to is as good as the root.
      let isKept = isBind && !sources.contains { Self.isBelow(source, $0) || Self.isBelow($0, source) }
      if !isKept { mounts[index].options.append(isBind ? "rnoexec" : "noexec") }
    }
  }

  private static func isBelow(_ path: String, _ top: String) -> Bool {
    top == "/" || isAtOrBelow(path, top)
  }

  /// Divides the directories of a root that was just made, before anything is mounted on it.
  func divide(_ root: borrowing RootDirectory) throws(RuntimeError) {
    try at(.rootfs, "mounting what can be written to noexec") { () throws(Errno) in
      // What lies on the root itself are directories to be mounted on, and files of the host.
      var kept = [try mountID(of: root.descriptor.raw)]
      for name in Self.programs {
        if let directory = try? root.find(name), let mount = try? mountID(of: directory.raw) { kept.append(mount) }
      }
      for path in writable {
        guard let place = try? root.open(path, O_PATH | O_DIRECTORY), !kept.contains(try mountID(of: place.raw)),
          try fileSystem(of: place.raw).flags & UInt64(RC_ST_RDONLY | RC_ST_NOEXEC) == 0
        else { continue }
        try Self.cover(place.raw)
      }
      for path in written {
        do throws(Errno) {
          let place = try root.find(path)
          if try mountID(of: place.raw) != kept[0] { try Self.cover(place.raw) }
        } catch  where error == .noEntry {
          // The sandbox has a directory of its own there.
        }
      }
    }
  }

  /// Mounts a place on itself, noexec: it is not reached any other way.
  private static func cover(_ place: Int32) throws(Errno) {
    let tree = try cloneTree(at: place, recursive: true)
    try setAttributes(of: tree.raw, set: UInt64(RC_ATTR_NOEXEC), recursive: true)
    try attach(tree.raw, to: place)
    if try isMountRoot(place) { try setAttributes(of: place, set: UInt64(RC_ATTR_RDONLY), recursive: false) }
  }

  /// Makes all else read-only, when everything is mounted.
  func close(_ root: borrowing RootDirectory) throws(RuntimeError) {
    try at(.rootfs, "making the directories of programs read-only") { () throws(Errno) in
      let top = try root.open("/", O_RDONLY | O_DIRECTORY)
      for name in try list(top.raw) {
        let entry = try open(name, at: top.raw, O_PATH | O_NOFOLLOW)
        guard try isMountRoot(entry.raw), try fileSystem(of: entry.raw).flags & UInt64(RC_ST_NOEXEC) == 0 else {
          continue
        }
        try setAttributes(of: entry.raw, set: UInt64(RC_ATTR_RDONLY), recursive: false)
      }
      try setAttributes(of: root.descriptor.raw, set: UInt64(RC_ATTR_RDONLY), recursive: false)
    }
  }
}
