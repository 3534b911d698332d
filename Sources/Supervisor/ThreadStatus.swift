import LinuxSystem

/// What /proc says of a thread: lines `Name:	words` (proc_pid_status(5)).
struct ThreadStatus {
  private let text: String

  /// - Throws: ENOENT or ESRCH if it has ended.
  init(_ thread: Int32) throws(Errno) { text = try Self.read("\(thread)") }

  private init(text: String) { self.text = text }

  /// Of the calling thread.
  static func own() throws(Errno) -> ThreadStatus { ThreadStatus(text: try read("self")) }

  /// It may be long: a thread may have 65,536 groups.
  private static func read(_ name: String) throws(Errno) -> String {
    try readFile("/proc/" + name + "/status", limit: 1 << 20)
  }

  /// Of one line; empty if there is no such line.
  func words(_ name: String) -> [String] {
    for line in text.utf8.split(separator: 0x0a) where line.starts(with: (name + ":").utf8) {
      return line.dropFirst(name.utf8.count + 1).split { $0 == 0x20 || $0 == 0x09 }.map { String(Substring($0)) }
    }
    return []
  }

  func numbers(_ name: String, radix: Int = 10) -> [UInt64] {
    words(name).compactMap { UInt64($0, radix: radix) }
  }

  /// The process that it belongs to.
  var process: Int32? { words("Tgid").first.flatMap { Int32($0) } }
}
