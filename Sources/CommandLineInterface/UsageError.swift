/// What is wrong with a command line: one line, and what to do.
public struct UsageError: Error, Equatable, Sendable {
  public let message: String
  public let hint: String

  public init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }

  /// Message and hint in one line.
  public var description: String { message + "; " + hint }
}

extension UsageError {
  /// Points to the help of a verb, or to the overview.
  static func see(_ verb: String?) -> String {
    "see 'rcontainer " + (verb.map { $0 + " " } ?? "") + "--help'"
  }

  /// A word as it may be shown: control characters would let it write anything to a terminal or a log.
  static func shown(_ word: String) -> String {
    let limit = 64
    var text = ""
    for scalar in word.unicodeScalars.prefix(limit) {
      let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
      text.unicodeScalars.append(isControl ? "?" : scalar)
    }
    return word.unicodeScalars.dropFirst(limit).isEmpty ? text : text + "..."
  }
}
