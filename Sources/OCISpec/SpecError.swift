/// What is wrong with a document, and where.
public struct SpecError: Error, Equatable, Sendable {
  public let file: String
  /// From 1; 0 when the place in the text isn't known.
  public let line: Int
  /// Bytes into the line, from 1.
  public let column: Int
  /// The field, as in `process.rlimits[0].hard`; empty for the document itself.
  public let path: String
  public let message: String
  public let hint: String?

  public init(
    file: String, line: Int = 0, column: Int = 0, path: String, message: String,
    hint: String? = nil
  ) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
    self.hint = hint
  }

  /// One line, as in
  /// `config.json:12:34: process.rlimits[0].hard: expected an unsigned integer, found a string`.
  /// Control characters, which a document can bring into it, are written as escapes.
  public var description: String {
    var text = file
    if line > 0 { text += ":\(line):\(column)" }
    if !path.isEmpty { text += ": " + path }
    text += ": " + message
    if let hint { text += " (" + hint + ")" }
    return onOneLine(text)
  }
}
