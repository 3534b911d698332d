import CLinux
import LinuxSystem

/// Finds the file that execve(2) was given, before it is executed. What it finds may be another file a moment later: it
/// serves to say no with an error where that is possible, and for scripts.
enum ProgramPath {
  /// AT_EMPTY_PATH.
  private static let emptyPath: UInt64 = 0x1000

  /// Nil if it can't be told.
  static func open(_ call: CallNotification, isAt: Bool, root: Int32) -> Descriptor? {
    guard let path = string(call.pid, call.arguments[isAt ? 1 : 0]) else { return nil }
    if path.isEmpty {
      guard isAt, call.arguments[4] & emptyPath != 0 else { return nil }
      let number = Int32(truncatingIfNeeded: call.arguments[0])
      return try? LinuxSystem.open("/proc/\(call.pid)/fd/\(number)", O_PATH)
    }
    if let own = ownLink(path) { return try? LinuxSystem.open("/proc/\(call.pid)/" + own, O_PATH) }
    if path.utf8.first == 0x2f {
      guard let root = try? LinuxSystem.open("/proc/\(call.pid)/root", O_PATH | O_DIRECTORY) else { return nil }
      return try? LinuxSystem.open(path, at: root.raw, O_PATH, resolve: .inRoot)
    }
    var place = "cwd"
    let number = Int32(truncatingIfNeeded: call.arguments[0])
    if isAt, number != Directory.current { place = "fd/\(number)" }
    // Not below the directory itself, where `..` would lead nowhere.
    guard let directory = try? readLink("/proc/\(call.pid)/" + place), directory.utf8.first == 0x2f else { return nil }
    return try? LinuxSystem.open(directory + "/" + path, at: root, O_PATH, resolve: .inRoot)
  }

  /// What a path below /proc/self means for the thread: its own program, or a descriptor, as for a file that has no name
  /// (fexecve(3)). Resolved by this process it would be this process's.
  private static func ownLink(_ path: String) -> String? {
    for prefix in ["/proc/self/", "/proc/thread-self/", "/dev/"] where path.utf8.starts(with: prefix.utf8) {
      let rest = path.utf8.dropFirst(prefix.utf8.count)
      if rest.elementsEqual("exe".utf8), prefix != "/dev/" { return "exe" }
      let number = rest.dropFirst(3)
      if rest.starts(with: "fd/".utf8), !number.isEmpty, number.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
        return String(Substring(rest))
      }
    }
    return nil
  }

  /// The interpreter of a script (execve(2), "Interpreter scripts"); nil for other files.
  static func interpreter(of script: Int32, thread: Int32) -> Descriptor? {
    guard let file = try? LinuxSystem.open("/proc/self/fd/\(script)", O_RDONLY | O_NONBLOCK | O_NOCTTY) else {
      return nil
    }
    var line = [UInt8](repeating: 0, count: 256)
    guard let count = try? read(file.raw, into: &line), count > 2, line[0] == 0x23, line[1] == 0x21 else { return nil }
    let name = line[2..<count].drop { $0 == 0x20 || $0 == 0x09 }
      .prefix { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0 }
    guard name.first == 0x2f, let root = try? LinuxSystem.open("/proc/\(thread)/root", O_PATH | O_DIRECTORY) else {
      return nil
    }
    return try? LinuxSystem.open(String(decoding: name, as: UTF8.self), at: root.raw, O_PATH, resolve: .inRoot)
  }

  /// A path in another process's memory; nil if there is none.
  static func string(_ pid: Int32, _ address: UInt64) -> String? {
    var bytes: [UInt8] = []
    var place = address
    while bytes.count < Int(PATH_MAX) {
      // Not across the end of a page at once: the next may not be there.
      guard let part = try? readMemory(of: pid, at: place, size: Int(4096 - place % 4096)), !part.isEmpty else {
        return nil
      }
      if let end = part.firstIndex(of: 0) {
        bytes += part[..<end]
        return bytes.count < Int(PATH_MAX) ? String(decoding: bytes, as: UTF8.self) : nil
      }
      bytes += part
      place += UInt64(part.count)
    }
    return nil
  }
}
