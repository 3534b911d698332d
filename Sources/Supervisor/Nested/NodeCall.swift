import CLinux
import LinuxSystem
import ShimPolicy

/// mknod(2) and mknodat(2).
extension Worker {
  /// - Parameter mode: permissions.
  mutating func makeNode(
    _ node: Nested.Node, _ path: String, _ directory: Int32?, _ mode: UInt32
  ) throws(Nested.Refusal) -> String {
    let (top, name) = try Self.split(path)
    let parent = try resolve(top, at: directory, O_DIRECTORY)
    let type = UInt32(S_IFCHR)
    switch node {
    case .whiteout:
      try step("mknod") { () throws(Errno) in try LinuxSystem.makeNode(name, at: parent.raw, mode: type | mode) }
      return "mknod: whiteout"
    case .device(let device, let minor, let major):
      if !caller.hasOtherUsers {
        try holdAlso([Int(RC_CAP_MKNOD)])
        try step("mknod") { () throws(Errno) in
          try LinuxSystem.makeNode(name, at: parent.raw, mode: type | mode, major: major, minor: minor)
        }
        return "mknod: " + device
      }
      try bind(device, major, minor, parent.raw, name, mode)
      return "mknod: /dev/" + device + " is mounted there"
    }
  }

  /// The path of a new file's directory, and the file's name in it.
  private static func split(_ path: String) throws(Nested.Refusal) -> (String, String) {
    let bytes = path.utf8
    let slash = bytes.lastIndex(of: 0x2f)
    let name = slash.map { String(Substring(bytes[bytes.index(after: $0)...])) } ?? path
    if name.isEmpty || name == "." || name == ".." {
      throw Nested.Refusal(UInt16(path.isEmpty ? ENOENT : EEXIST), "no name")
    }
    var top = "."
    if let slash { top = slash == bytes.startIndex ? "/" : String(Substring(bytes[..<slash])) }
    return (top, name)
  }

  /// In a user namespace no device can be made: the container's own is mounted on an empty file.
  private mutating func bind(
    _ device: String, _ major: UInt32, _ minor: UInt32, _ parent: Int32, _ name: String, _ mode: UInt32
  ) throws(Nested.Refusal) {
    let source = try step("/dev/" + device) { () throws(Errno) in
      let source = try open("/dev/" + device, at: Directory.current, O_PATH, resolve: [.noMagicLinks, .noSymlinks])
      let found = try status(at: source.raw)
      guard found.isCharacterDevice, found.major == major, found.minor == minor else { throw .noDevice }
      return source
    }
    let table = try table()
    made = table.present(made)
    let file = try step("mknod") { () throws(Errno) in
      try open(name, at: parent, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode: mode & 0o777)
    }
    do throws(Nested.Refusal) {
      try checkTarget(file.raw, table)
      try holdAlso([Int(RC_CAP_SYS_ADMIN)])
      let mount = try step("mknod") { () throws(Errno) in try cloneTree(at: source.raw, recursive: false) }
      try place(mount.raw, on: file.raw, "mknod")
    } catch {
      try holdAlso([])
      try? remove(name, at: parent)
      throw error
    }
  }
}
