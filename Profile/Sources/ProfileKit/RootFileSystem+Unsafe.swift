import CProfile
import FoundationEssentials
import Glibc

private let pathOnly = Int32(PROFILE_O_PATH)

/// The root directory of a container. Paths and links in it mean what they mean to its processes; nothing leads out.
public final class RootFileSystem {
  public let path: String
  private let descriptor: Int32
  private let prefix: String

  public init(_ path: String) throws(ProfileError) {
    self.path = path
    // SAFETY: the string lives as long as the call.
    descriptor = unsafe Glibc.open(path, pathOnly | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ProfileError("\(path) is no root file system: \(Self.message(errno))") }
    prefix = Self.link(descriptor) ?? path
  }

  deinit { close(descriptor) }

  /// The path without links of a file that is there, seen from the root.
  public func resolve(_ path: String) -> String? {
    guard let opened = open(path, pathOnly) else { return nil }
    defer { close(opened) }
    guard let found = Self.link(opened), found.hasPrefix(prefix) else { return nil }
    let inside = prefix == "/" ? found : String(found.dropFirst(prefix.count))
    return inside.isEmpty ? "/" : inside
  }

  /// The bytes of a regular file, at most `limit` of them; nil for all else.
  public func contents(_ path: String, limit: Int = .max) -> [UInt8]? {
    // A device or a pipe must not be opened for reading: only looking tells what it is.
    guard let kind = status(path), kind.st_mode & S_IFMT == S_IFREG, kind.st_size <= 1 << 31,
      let opened = open(path, O_RDONLY | O_NONBLOCK)
    else { return nil }
    defer { close(opened) }
    var bytes = [UInt8](repeating: 0, count: min(limit, Int(kind.st_size)))
    var filled = 0
    while filled < bytes.count {
      // SAFETY: read writes at most as many bytes as the rest of the array has.
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe read(opened, buffer.baseAddress! + filled, buffer.count - filled)
      }
      guard count > 0 else { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }

  /// Whether a path names a regular file that somebody may execute.
  public func isExecutable(_ path: String) -> Bool {
    guard let kind = status(path) else { return false }
    return kind.st_mode & S_IFMT == S_IFREG && kind.st_mode & 0o111 != 0
  }

  public func isDirectory(_ path: String) -> Bool {
    guard let kind = status(path) else { return false }
    return kind.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a directory, sorted; none where no directory is.
  public func names(in path: String) -> [String] {
    guard let opened = open(path, pathOnly | O_DIRECTORY) else { return [] }
    defer { close(opened) }
    return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd/\(opened)")) ?? []).sorted()
  }

  private func open(_ path: String, _ flags: Int32) -> Int32? {
    // SAFETY: the string lives as long as the call.
    let opened = unsafe profile_open_in_root(descriptor, path, flags)
    return opened < 0 ? nil : opened
  }

  private func status(_ path: String) -> stat? {
    guard let opened = open(path, pathOnly) else { return nil }
    defer { close(opened) }
    var result = stat()
    // SAFETY: fstat writes one structure, which is ours.
    return unsafe fstat(opened, &result) == 0 ? result : nil
  }

  private static func link(_ descriptor: Int32) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
  }

  private static func message(_ error: Int32) -> String {
    // SAFETY: strerror's string lives until its next call, and is copied before.
    unsafe String(cString: strerror(error))
  }
}

/// Writes a text to a descriptor as it is.
public func write(_ text: String, to descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    // SAFETY: write reads as many bytes as the slice has.
    let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return }
    rest = rest.dropFirst(count)
  }
}
