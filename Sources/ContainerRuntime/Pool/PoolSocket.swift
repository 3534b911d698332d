import CLinux
import LinuxSystem

/// The socket at which a pool is found.
struct PoolSocket: ~Copyable {
  let path: String
  private let socket: Descriptor
  /// What ``PoolKeeper`` needs to know it again.
  let inode: FileStatus?

  private init(path: String, socket: consuming Descriptor, inode: FileStatus?) {
    (self.path, self.inode) = (path, inode)
    self.socket = socket
  }

  var raw: Int32 { socket.raw }

  /// Takes the path; nobody can connect before ``open()``.
  static func make(path: String) throws(RuntimeError) -> PoolSocket {
    guard path.utf8.count <= 107 else {
      throw RuntimeError(.options, "--socket " + path + " has more than 107 bytes", hint: "choose a shorter path")
    }
    let socket = try at(.options, "--socket " + path) { () throws(Errno) in
      try Self.clear(path)
      // Never, not for a moment, open to others.
      let mask = rc_umask(0o177)
      defer { _ = rc_umask(mask) }
      return try bindUnix(path, kind: .packets)
    }
    return PoolSocket(
      path: path, socket: socket, inode: try? status(path, at: Directory.current, followLink: false))
  }

  /// Lets clients connect.
  func open() throws(RuntimeError) {
    try at(.options, "--socket " + path) { () throws(Errno) in try listen(socket.raw, backlog: 64) }
  }

  /// Removes what a pool left behind that is gone. What lives, or is no socket, stays: EADDRINUSE.
  private static func clear(_ path: String) throws(Errno) {
    guard let found = try? status(path, at: Directory.current, followLink: false), found.type == UInt32(S_IFSOCK),
      found.owner == effectiveUser()
    else { return }
    do throws(Errno) { _ = try connectUnix(path, kind: .packets) } catch  where error == .refused {
      // A pool that prepares its sandboxes refuses too; its own file is newer then, and its start is what fails.
      try LinuxSystem.remove(path)
    }
  }

  /// Removes the socket, if it is still this one.
  func remove() { Self.remove(path, inode) }

  static func remove(_ path: String, _ inode: FileStatus?) {
    guard let inode, let now = try? status(path, at: Directory.current, followLink: false), now.isSameFile(as: inode)
    else { return }
    try? LinuxSystem.remove(path)
  }
}
