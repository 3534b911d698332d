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
    return Self.printable(text)
  }

  private static func printable(_ text: String) -> String {
    // U+0080 to U+009F are control characters too, and terminals obey them.
    let isControl = { (scalar: Unicode.Scalar) in
      scalar.value < 0x20 || scalar.value >= 0x7f && scalar.value < 0xa0
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        let digits = String(scalar.value, radix: 16)
        result += digits.utf8.count == 1 ? "\\u000" + digits : "\\u00" + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
