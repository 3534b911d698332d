import CLinux
import LinuxSystem
import OCISpec

/// Where messages go: a file that the engine reads, or standard error.
public struct Log {
  public enum Format: Sendable { case text, json }
  public enum Level: String, Sendable { case debug, info, warning, error }

  /// Open as long as the process lives; 2 for standard error.
  let file: Int32
  private let format: Format
  private let showsDebug: Bool

  /// - Parameter path: nil for standard error. The file is made if it isn't there, and appended to.
  public init(path: String?, format: Format, debug: Bool) throws(RuntimeError) {
    self.format = format
    showsDebug = debug
    guard let path else {
      file = 2
      return
    }
    file = try at(.options, "opening log file " + path) { () throws(Errno) in
      try open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644).release()
    }
  }

  /// Whether messages go to standard error already.
  public var isStandardError: Bool { file == 2 }

  public func write(_ level: Level, _ message: String) {
    if level == .debug && !showsDebug { return }
    let line: String
    switch format {
    case .text where file == 2:
      line = "rcontainer: " + (level == .error ? "" : level.rawValue + ": ") + onOneLine(message)
    case .text:
      line =
        "time=\"" + timestamp() + "\" level=" + level.rawValue + " msg=" + Self.quoted(message)
    case .json:
      line =
        "{\"level\":\"" + level.rawValue + "\",\"msg\":" + Self.quoted(message) + ",\"time\":\""
        + timestamp() + "\"}"
    }
    try? writeAll(file, line + "\n")
  }

  /// A JSON string; also what logfmt reads.
  static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return writer.text
  }
}
