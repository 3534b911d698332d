import Foundation
import SystemPackage

/// The few calls of the kernel that Foundation does not have, or has in another shape.
///
/// SAFETY of all: paths go as strings that Swift ends with a zero and keeps for the call; results are plain numbers.
enum System {
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
  static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
  static func unlink(_ path: String) { _ = unsafe Glibc.unlink(path) }
  static func removeDirectory(_ path: String) { _ = unsafe rmdir(path) }
  static func unmount(_ path: String) { _ = unsafe umount2(path, Int32(MNT_DETACH)) }
  static func mode(_ path: String, _ mode: mode_t) { _ = unsafe chmod(path, mode) }
  static func owner(_ path: String, _ owner: uid_t) { _ = unsafe lchown(path, owner, owner) }
  static func fifo(_ path: String) -> Bool { unsafe mkfifo(path, 0o666) == 0 }

  /// Gives a file a time of its last change that no change of today's gives it.
  static func makeOld(_ path: String) {
    let times = [timespec](repeating: timespec(tv_sec: 1, tv_nsec: 0), count: 2)
    _ = unsafe utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
  }

  /// Whether nothing has changed it since `makeOld`.
  static func isOld(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mtim.tv_sec == 1
  }

  /// A directory, not a link to one.
  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// - Returns: nil, or what the kernel says.
  static func makeDirectory(_ path: String, _ mode: mode_t) -> String? {
    unsafe mkdir(path, mode) == 0 ? nil : unsafe String(cString: strerror(errno))
  }

  static func createFile(_ path: String) throws -> FileDescriptor {
    do {
      return try unsafe FileDescriptor.open(
        path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    } catch { throw AssessError("\(path) cannot be written: \(error)") }
  }

  /// Makes a file that everybody can read. It does not wait for the disk, as Foundation does: nothing here has to outlast a crash.
  static func write(_ text: String, to path: String) throws {
    let file = try unsafe FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter { _ = try file.writeAll(text.utf8) }
  }

  /// Sends a signal; 0 as the signal only looks.
  static func signal(_ process: pid_t, _ signal: Int32) -> Bool { kill(process, signal) == 0 || errno == EPERM }
}
