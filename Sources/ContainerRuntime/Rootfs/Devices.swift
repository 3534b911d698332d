import CLinux
import LinuxSystem
import OCISpec

/// The device nodes and links that the runtime-spec gives to every container (config-linux.md, "Default
/// Devices"), and those of the configuration.
struct DeviceStage: ~Copyable {
  let inUserNamespace: Bool

  private static let defaults: [(name: String, major: UInt32, minor: UInt32)] = [
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
  ]

  private static let links: [(name: String, target: String)] = [
    ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
  ]

  /// Fills /dev of the container.
  /// - Throws: stage `devices`.
  borrowing func make(_ devices: [OCISpec.Device], in root: borrowing RootDirectory)
    throws(RuntimeError)
  {
    let dev = try at(.devices, "opening /dev of the container") { () throws(Errno) in
      try root.makeDirectories("/dev")
    }
    for device in Self.defaults
    where !devices.contains(where: { $0.path == "/dev/" + device.name }) {
      try at(.devices, "/dev/" + device.name) { () throws(Errno) in
        try node(
          device.name, at: dev.raw, type: UInt32(S_IFCHR), major: device.major,
          minor: device.minor, mode: 0o666, uid: 0, gid: 0, hostPath: "/dev/" + device.name)
      }
    }
    for (index, device) in devices.enumerated() {
      try configured(device, index: index, root)
    }
    for link in Self.links {
      try at(.devices, "/dev/" + link.name) { () throws(Errno) in
        try symbolicLink(link.name, at: dev.raw, target: link.target)
      }
    }
    if canAccess("/proc/kcore", mode: 0) {
      try? symbolicLink("core", at: dev.raw, target: "/proc/kcore")
    }
  }

  private borrowing func configured(
    _ device: OCISpec.Device, index: Int, _ root: borrowing RootDirectory
  ) throws(RuntimeError) {
    let place = "linux.devices[\(index)] (" + device.path + ")"
    let type: UInt32
    switch device.type {
    case "c", "u": type = UInt32(S_IFCHR)
    case "b": type = UInt32(S_IFBLK)
    case "p": type = UInt32(S_IFIFO)
    default:
      throw RuntimeError(
        .devices, place + ": type \"" + device.type + "\" is unknown", hint: "use c, b, u or p")
    }
    guard device.path.utf8.first == 0x2f else {
      throw RuntimeError(.devices, place + ": the path is not absolute")
    }
    func number(_ value: Int64?) throws(RuntimeError) -> UInt32 {
      let value = value ?? 0
      guard let number = UInt32(exactly: value) else {
        throw RuntimeError(.devices, place + ": device number \(value) is out of range")
      }
      return number
    }
    let (major, minor) = (try number(device.major), try number(device.minor))
    try at(.devices, place) { () throws(Errno) in
      let (parent, name) = RootDirectory.split(device.path)
      let directory = try root.makeDirectories(parent)
      try node(
        name, at: directory.raw, type: type, major: major, minor: minor,
        mode: device.fileMode.map { $0 & 0o7777 } ?? 0o666, uid: device.uid ?? 0,
        gid: device.gid ?? 0, hostPath: device.path)
    }
  }

  /// Makes a node, or keeps one that is already what it should be. Where nodes can't be made (a user
  /// namespace), the host's is bound.
  private borrowing func node(
    _ name: String, at directory: Int32, type: UInt32, major: UInt32, minor: UInt32, mode: UInt32,
    uid: UInt32, gid: UInt32, hostPath: String
  ) throws(Errno) {
    if !inUserNamespace {
      do throws(Errno) {
        try makeNode(name, at: directory, mode: type | mode, major: major, minor: minor)
        if uid != 0 || gid != 0 { try setOwner(name, at: directory, uid: uid, gid: gid) }
        return
      } catch  where error == .exists {
        let present = try status(name, at: directory, followLink: false)
        guard present.type == type, type == UInt32(S_IFIFO) || present.major == major,
          type == UInt32(S_IFIFO) || present.minor == minor
        else {
          // Something of the image is in the way: it is not trusted to be this device.
          try remove(name, at: directory, isDirectory: present.isDirectory)
          try makeNode(name, at: directory, mode: type | mode, major: major, minor: minor)
          if uid != 0 || gid != 0 { try setOwner(name, at: directory, uid: uid, gid: gid) }
          return
        }
        return
      } catch  where error == .notPermitted {}
    }
    if type == UInt32(S_IFIFO) {
      do throws(Errno) { try makeNode(name, at: directory, mode: type | mode) } catch
        where error == .exists
      {}
      return
    }
    let source = try open(hostPath, O_PATH)
    let present = try status(at: source.raw)
    guard present.type == type, present.major == major, present.minor == minor else {
      throw .noDevice
    }
    let tree = try cloneTree(at: source.raw, recursive: false)
    do throws(Errno) {
      let made = try open(name, at: directory, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: 0o644)
      made.close()
    } catch  where error == .exists {}
    let target = try open(name, at: directory, O_PATH | O_NOFOLLOW)
    try attach(tree.raw, to: target.raw)
  }

  private borrowing func symbolicLink(
    _ name: String, at directory: Int32, target: String
  ) throws(Errno) {
    do throws(Errno) {
      try makeSymbolicLink(name, at: directory, target: target)
    } catch  where error == .exists {
      let present = try status(name, at: directory, followLink: false)
      if present.isSymbolicLink, try readLink(name, at: directory) == target { return }
      if name != "ptmx" { return }
      try remove(name, at: directory, isDirectory: present.isDirectory)
      try makeSymbolicLink(name, at: directory, target: target)
    }
  }
}
