import CLinux
import LinuxSystem

/// The root of the container, as a descriptor. Every path of the container is resolved below it by the
/// kernel (openat2(2), RESOLVE_IN_ROOT), so that neither `..` nor a symbolic link of the image, swapped at
/// whatever moment, leads outside (CVE-2021-30465, CVE-2024-45310, CVE-2026-41579).
struct RootDirectory: ~Copyable {
  let descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Opens what `path` names in the container, without opening it for use (O_PATH).
  borrowing func find(_ path: String, followLink: Bool = true) throws(Errno) -> Descriptor {
    try open(path, O_PATH | (followLink ? 0 : O_NOFOLLOW))
  }

  /// Opens `path` in the container. Links of /proc (magic links) are never followed.
  borrowing func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(Errno) -> Descriptor {
    try LinuxSystem.open(
      Self.relative(path), at: descriptor.raw, flags, mode: mode, resolve: [.inRoot, .noMagicLinks])
  }

  /// Opens the directory `path`, making what is missing of it with mode 0755, as the peers do.
  borrowing func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(Errno) -> Descriptor {
    do throws(Errno) { return try open(path, O_PATH | O_DIRECTORY) } catch  where error == .noEntry {}
    var made = ""
    var current = try find("/")
    for component in Self.components(path) {
      made += "/" + component
      do throws(Errno) {
        current = try open(made, O_PATH | O_DIRECTORY)
      } catch  where error == .noEntry {
        // A dangling link ends here with EEXIST, and is refused.
        try makeDirectory(component, at: current.raw, mode: mode)
        current = try open(made, O_PATH | O_DIRECTORY)
      }
    }
    return current
  }

  /// Opens the regular file `path` (O_PATH), making an empty one where nothing is.
  borrowing func makeFile(_ path: String) throws(Errno) -> Descriptor {
    do throws(Errno) { return try find(path) } catch  where error == .noEntry {}
    let (parent, name) = Self.split(path)
    let directory = try makeDirectories(parent)
    let file = try LinuxSystem.open(
      name, at: directory.raw, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: 0o644)
    file.close()
    return try find(path, followLink: false)
  }

  /// The parts of a path, without `.` and empty ones; `..` removes the part before it.
  static func components(_ path: String) -> [String] {
    var parts: [String] = []
    for part in path.utf8.split(separator: 0x2f) {
      let name = String(Substring(part))
      if name == "." { continue }
      if name == ".." { _ = parts.popLast() } else { parts.append(name) }
    }
    return parts
  }

  /// The parent and the last part of a path.
  static func split(_ path: String) -> (parent: String, name: String) {
    var parts = components(path)
    let name = parts.popLast() ?? "."
    return ("/" + joined(parts), name)
  }

  /// A path in its shortest absolute form, by its letters alone.
  static func clean(_ path: String) -> String { "/" + joined(components(path)) }

  private static func relative(_ path: String) -> String {
    let parts = joined(components(path))
    return parts.isEmpty ? "." : parts
  }

  private static func joined(_ parts: [String]) -> String {
    var text = ""
    for part in parts {
      if !text.isEmpty { text += "/" }
      text += part
    }
    return text
  }
}
