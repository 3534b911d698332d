import CLinux
import LinuxSystem

/// What /proc says of a process, to tell it from another that got its number later.
public struct ProcessIdentity: Equatable, Sendable {
  /// Clock ticks since boot when it started (proc_pid_stat(5), field 22).
  public let startTime: UInt64
  /// One letter, such as `S`, or `Z` for one that has ended (field 3).
  public let state: UInt8

  /// Reads the identity of a process that there is.
  public init?(pid: Int32) {
    guard pid > 0, let text = try? readFile("/proc/\(pid)/stat", limit: 4096) else { return nil }
    // The name in parentheses may hold anything, so the last parenthesis ends it.
    guard let end = text.utf8.lastIndex(of: 0x29) else { return nil }
    let fields = text.utf8[text.utf8.index(after: end)...].split(separator: 0x20)
    guard fields.count > 19, let letter = fields[0].first,
      let start = UInt64(String(Substring(fields[19])))
    else { return nil }
    state = letter
    startTime = start
  }

  public var isAlive: Bool { state != 0x5a && state != 0x58 }
}
