import CMachine
import Foundation
import Glibc

/// System calls that take pointers.
enum System {
  static func error(_ what: String) -> MachineError {
    // SAFETY: strerror returns a string that stays valid until this thread's next call of it.
    MachineError("\(what): \(unsafe String(cString: strerror(errno)))")
  }

  /// Starts a program in `directory`, in a session of its own, with /dev/null as its input and `log` as its
  /// output. It inherits the descriptors that are not marked close-on-exec.
  static func spawn(_ arguments: [String], in directory: String, log: String) throws -> pid_t {
    // SAFETY: the strings of the vector, which ends with a null pointer, are duplicated and live until the return.
    var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { unsafe vector.forEach { unsafe free($0) } }
    let pid = unsafe machine_spawn(&vector, directory, log)
    guard pid >= 0 else { throw error(arguments[0]) }
    return pid
  }

  /// Opens a file as a lock, and makes it first if necessary.
  static func openLock(_ path: String) throws -> Int32 {
    // SAFETY: the path ends with NUL, as every String that is passed to C.
    let fd = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw error(path) }
    return fd
  }

  /// Removes a directory if it is empty.
  static func removeDirectory(_ path: String) {
    // SAFETY: as above.
    _ = unsafe rmdir(path)
  }

  static func keepOnExec(_ fd: Int32) { _ = fcntl(fd, F_SETFD, 0) }

  static func setNonBlocking(_ fd: Int32) { _ = fcntl(fd, F_SETFL, O_NONBLOCK) }

  /// Connects to a socket in a directory. Its path may be longer than the 108 bytes of a socket's address.
  static func connect(directory: String, name: String) -> Int32? {
    // SAFETY: as above.
    let parent = unsafe machine_open_path(directory)
    guard parent >= 0 else { return nil }
    defer { close(parent) }
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array("/proc/self/fd/\(parent)/\(name)".utf8)
    // SAFETY: the path is shorter than sun_path, whose rest stays zero, and the size is that of the address.
    let result = unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      guard path.count < bytes.count else { return Int32(-1) }
      unsafe bytes.copyBytes(from: path)
      return 0
    }
    // SAFETY: sockaddr_un is one of the forms of sockaddr.
    let connected = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, connected == 0 else {
      close(fd)
      return nil
    }
    return fd
  }

  /// Reads what is there; empty at the end, nil when it would block.
  static func read(_ fd: Int32, atMost size: Int = 64 * 1024) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: size)
    // SAFETY: the buffer is `size` bytes long.
    let count = unsafe Glibc.read(fd, &bytes, size)
    if count >= 0 { return Array(bytes.prefix(count)) }
    if errno == EAGAIN || errno == EINTR { return nil }
    // A socket whose other end is gone has ended.
    if errno == ECONNRESET || errno == EIO { return [] }
    throw error("read")
  }

  /// Writes some of the bytes; returns how many.
  static func write(_ fd: Int32, _ bytes: ArraySlice<UInt8>) throws -> Int {
    // SAFETY: the pointer and the size are those of the slice.
    let count = unsafe bytes.withUnsafeBytes { unsafe send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return 0 }
    throw error("write to the machine")
  }

  static func writeAll(_ fd: Int32, _ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      // SAFETY: the pointer and the size are those of the slice.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(fd, $0.baseAddress, $0.count) }
      if count < 0 && errno != EINTR && errno != EAGAIN { throw error("write") }
      if count < 0 && errno == EAGAIN { _ = try wait([(fd, true)], milliseconds: 1000) }
      rest = rest.dropFirst(max(count, 0))
    }
  }

  /// Waits until one of the descriptors can be read (or written, if so marked); tells which can.
  static func wait(_ descriptors: [(fd: Int32, write: Bool)], milliseconds: Int32) throws -> [Bool] {
    var set = descriptors.map { pollfd(fd: $0.fd, events: Int16($0.write ? POLLOUT : POLLIN), revents: 0) }
    // SAFETY: the count is that of the array.
    if unsafe poll(&set, nfds_t(set.count), milliseconds) < 0 && errno != EINTR { throw error("poll") }
    return set.map { $0.revents != 0 }
  }

  /// The terminal's settings for a console: every key goes to the machine. Returns what they were.
  static func makeRaw(_ fd: Int32) -> termios? {
    var old = termios()
    // SAFETY: the structures live during the calls.
    guard isatty(fd) == 1, unsafe tcgetattr(fd, &old) == 0 else { return nil }
    var raw = old
    unsafe cfmakeraw(&raw)
    unsafe tcsetattr(fd, TCSANOW, &raw)
    return old
  }

  static func restore(_ fd: Int32, _ settings: termios) {
    var settings = settings
    // SAFETY: the structure lives during the call.
    unsafe tcsetattr(fd, TCSANOW, &settings)
  }

  /// Gets SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable.
  static func interruptions() throws -> Int32 {
    let fd = machine_interruptions()
    guard fd >= 0 else { throw error("signalfd") }
    return fd
  }

  /// Waits for a child without blocking. True once it has ended.
  static func reap(_ pid: pid_t) -> Bool {
    var status: Int32 = 0
    // SAFETY: the status lives during the call.
    let result = unsafe waitpid(pid, &status, WNOHANG)
    return result == pid || (result < 0 && errno == ECHILD && kill(pid, 0) != 0)
  }
}
