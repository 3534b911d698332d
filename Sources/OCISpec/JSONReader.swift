/// Reads JSON (RFC 8259) from bytes, straight into the caller's structures.
///
/// It is strict: UTF-8 must be valid, numbers in range, nesting at most 128 deep, nothing may follow
/// the document, and no string may hold NUL, which the system calls that it ends up in would cut it
/// at. A member whose value is `null` counts as absent, and what the caller doesn't take is checked
/// and skipped.
///
///     var reader = JSONReader(bytes, file: "state.json")
///     var id = "", pid: Int32 = 0
///     try reader.document { (reader, key) throws(SpecError) in
///       switch key {
///       case "id": id = try reader.string()
///       case "pid": pid = try reader.integer()
///       default: try reader.skip()
///       }
///     }
public struct JSONReader {
  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  /// Where the value that is being read, or was read last, begins.
  private var valueStart = 0
  private var path: [Segment] = []
  private var depth = 0

  private enum Segment {
    case member(String)
    case element(Int)
  }

  /// - Parameters:
  ///   - bytes: the document.
  ///   - file: its name, for messages.
  public init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  // MARK: structure

  /// Reads a document that is one object.
  public mutating func document(
    _ member: (inout JSONReader, String) throws(SpecError) -> Void
  ) throws(SpecError) {
    try whole { (reader) throws(SpecError) in try reader.object(member) }
  }

  /// Reads a document through `body`, which reads its one value.
  mutating func whole<T>(_ body: (inout JSONReader) throws(SpecError) -> T) throws(SpecError) -> T {
    skipSpace()
    let value = try body(&self)
    skipSpace()
    if position < bytes.count { throw fault("unexpected text after the end of the document") }
    return value
  }

  /// The error for a member that has to be there; at the end of its object.
  public func missing(_ name: String) -> SpecError { fault("\"" + name + "\" is missing") }

  /// Reads an object; `member` is called for each member that is not null and has to read its value.
  public mutating func object(
    _ member: (inout JSONReader, String) throws(SpecError) -> Void
  ) throws(SpecError) {
    try open(0x7b, "an object")
    if try close(0x7d) { return }
    while true {
      guard current == 0x22 else { throw fault("expected a member name in quotes, found " + found) }
      let key = try string()
      skipSpace()
      guard current == 0x3a else {
        throw fault("expected ':' after \"" + key + "\", found " + found)
      }
      position += 1
      skipSpace()
      path.append(.member(key))
      valueStart = position
      if current == 0x6e { try literal("null") } else { try member(&self, key) }
      path.removeLast()
      if try next(0x7d, "'}'") { return }
    }
  }

  /// Reads an array; `element` is called for each element and has to read it.
  public mutating func array(
    _ element: (inout JSONReader) throws(SpecError) -> Void
  ) throws(SpecError) {
    try open(0x5b, "an array")
    if try close(0x5d) { return }
    var index = 0
    while true {
      path.append(.element(index))
      valueStart = position
      try element(&self)
      path.removeLast()
      index += 1
      if try next(0x5d, "']'") { return }
    }
  }

  private mutating func open(_ bracket: UInt8, _ what: String) throws(SpecError) {
    guard current == bracket else { throw mismatch(what) }
    if depth == 128 { throw fault("nested too deeply") }
    depth += 1
    position += 1
    skipSpace()
  }

  private mutating func close(_ bracket: UInt8) throws(SpecError) -> Bool {
    guard current == bracket else { return false }
    position += 1
    depth -= 1
    return true
  }

  /// Goes on after a value; true at the closing bracket.
  private mutating func next(_ bracket: UInt8, _ name: String) throws(SpecError) -> Bool {
    skipSpace()
    if try close(bracket) { return true }
    guard current == 0x2c else { throw fault("expected ',' or " + name + ", found " + found) }
    position += 1
    skipSpace()
    if current == bracket { throw fault("expected another value after ','") }
    return false
  }

  // MARK: values

  /// Reads `true` or `false`.
  public mutating func bool() throws(SpecError) -> Bool {
    valueStart = position
    switch current {
    case 0x74:
      try literal("true")
      return true
    case 0x66:
      try literal("false")
      return false
    default: throw mismatch("true or false")
    }
  }

  /// Reads an integer that fits the type that is asked for.
  public mutating func integer<T: FixedWidthInteger>() throws(SpecError) -> T {
    valueStart = position
    let isNegative = current == 0x2d
    let expected = T.isSigned ? "an integer" : "an unsigned integer"
    let start = position
    var index = position + (isNegative ? 1 : 0)
    guard index < bytes.count, isDigit(bytes[index]) else { throw mismatch(expected) }
    if bytes[index] == 0x30, index + 1 < bytes.count, isDigit(bytes[index + 1]) {
      throw fault("a number may not start with 0")
    }
    var value: T = 0
    var fits = true
    while index < bytes.count, isDigit(bytes[index]) {
      let digit = T(truncatingIfNeeded: bytes[index] - 0x30)
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) =
        isNegative
        ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      if overflowed || overflowedToo { fits = false }
      value = sum
      index += 1
    }
    if index < bytes.count, bytes[index] == 0x2e || bytes[index] | 0x20 == 0x65 {
      throw fault("expected " + expected + ", found a fraction")
    }
    guard fits else {
      throw fault("expected " + expected + " of \(T.bitWidth) bits, found " + text(start, index))
    }
    position = index
    return value
  }

  /// Reads a string.
  public mutating func string() throws(SpecError) -> String {
    guard current == 0x22 else { throw mismatch("a string") }
    valueStart = position
    let start = position + 1
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x22 {
        position = index + 1
        return String(decoding: bytes[start..<index], as: UTF8.self)
      }
      if byte == 0x5c || byte >= 0x80 || byte < 0x20 { break }
      index += 1
    }
    return try longString(start, index)
  }

  /// A string with escapes or characters beyond ASCII.
  private mutating func longString(_ start: Int, _ special: Int) throws(SpecError) -> String {
    var result = Array(bytes[start..<min(special, bytes.count)])
    position = special
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case 0x22:
        position += 1
        guard let text = String(validating: result, as: UTF8.self) else {
          throw error("a string is not valid UTF-8")
        }
        return text
      case 0x5c:
        try escape(&result)
      case 0..<0x20: throw fault("a control character in a string must be escaped")
      default:
        result.append(byte)
        position += 1
      }
    }
    throw error("a string has no end")
  }

  /// Reads an escape; the reader is at its backslash, and stays there if the escape is wrong.
  private mutating func escape(_ result: inout [UInt8]) throws(SpecError) {
    let letter = position + 1 < bytes.count ? bytes[position + 1] : 0
    switch letter {
    case 0x22, 0x5c, 0x2f: result.append(letter)
    case 0x62: result.append(0x08)
    case 0x66: result.append(0x0c)
    case 0x6e: result.append(0x0a)
    case 0x72: result.append(0x0d)
    case 0x74: result.append(0x09)
    case 0x75: return try escapedCharacter(&result)
    default: throw fault("unknown escape in a string")
    }
    position += 2
  }

  /// Reads `\uXXXX`, or two of them that make a surrogate pair.
  private mutating func escapedCharacter(_ result: inout [UInt8]) throws(SpecError) {
    var code = try hexadecimal(at: position + 2)
    var length = 6
    if code >= 0xd800 && code <= 0xdbff, position + 7 < bytes.count,
      bytes[position + 6] == 0x5c, bytes[position + 7] == 0x75
    {
      let low = try hexadecimal(at: position + 8)
      if low >= 0xdc00 && low <= 0xdfff {
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        length = 12
      }
    }
    if code == 0 { throw fault("a string may not hold NUL") }
    guard let scalar = Unicode.Scalar(code) else {
      throw fault("half a surrogate pair in a string")
    }
    result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    position += length
  }

  private func hexadecimal(at start: Int) throws(SpecError) -> UInt32 {
    guard start + 4 <= bytes.count else { throw fault("expected four hexadecimal digits") }
    var value: UInt32 = 0
    for byte in bytes[start..<(start + 4)] {
      guard let digit = hexadecimalDigit(byte) else {
        throw fault("expected four hexadecimal digits")
      }
      value = value << 4 | digit
    }
    return value
  }

  private func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x41 + 10)
    case 0x61...0x66: UInt32(byte - 0x61 + 10)
    default: nil
    }
  }

  /// Whether the next value is a string, for members that may be one or something else.
  public mutating func isAtString() -> Bool {
    skipSpace()
    return current == 0x22
  }

  /// Reads an array of strings.
  public mutating func strings() throws(SpecError) -> [String] {
    var result: [String] = []
    try array { (reader) throws(SpecError) in result.append(try reader.string()) }
    return result
  }

  /// Reads an object whose values are strings, in the order of the document; of equal keys the last
  /// one counts. Keys are equal when their bytes are.
  public mutating func stringMap() throws(SpecError) -> [StringPair] {
    var result: [StringPair] = []
    try object { (reader, key) throws(SpecError) in
      result.append(StringPair(key, try reader.string()))
    }
    return result.withoutOverridden { $0.key }
  }

  /// Reads any value and forgets it.
  public mutating func skip() throws(SpecError) {
    switch current {
    case 0x7b: try object { (reader, _) throws(SpecError) in try reader.skip() }
    case 0x5b: try array { (reader) throws(SpecError) in try reader.skip() }
    case 0x22: _ = try string()
    case 0x74, 0x66: _ = try bool()
    case 0x6e: try literal("null")
    default: try skipNumber()
    }
  }

  private mutating func skipNumber() throws(SpecError) {
    if current == 0x2d { position += 1 }
    let start = position
    try digits()
    if bytes[start] == 0x30 && position > start + 1 { throw fault("a number may not start with 0") }
    if current == 0x2e {
      position += 1
      try digits()
    }
    if let byte = current, byte | 0x20 == 0x65 {
      position += 1
      if current == 0x2b || current == 0x2d { position += 1 }
      try digits()
    }
  }

  private mutating func digits() throws(SpecError) {
    guard let byte = current, isDigit(byte) else { throw mismatch("a value") }
    while let byte = current, isDigit(byte) { position += 1 }
  }

  private mutating func literal(_ word: StaticString) throws(SpecError) {
    let letters = word.description.utf8
    guard bytes.count - position >= letters.count,
      bytes[position..<(position + letters.count)].elementsEqual(letters)
    else { throw mismatch("a value") }
    position += letters.count
  }

  // MARK: errors

  /// An error about the value that is being read, or was read last.
  public func error(_ message: String, hint: String? = nil) -> SpecError {
    error(at: valueStart, message, hint: hint)
  }

  /// An error at the byte that the reader has come to.
  private func fault(_ message: String) -> SpecError { error(at: position, message) }

  private func error(at place: Int, _ message: String, hint: String? = nil) -> SpecError {
    var line = 1
    var column = 1
    for byte in bytes[0..<min(place, bytes.count)] {
      if byte == 0x0a { (line, column) = (line + 1, 1) } else { column += 1 }
    }
    return SpecError(
      file: file, line: line, column: column, path: pathText, message: message, hint: hint)
  }

  /// As in `process.rlimits[0].hard`; a name that isn't a plain word is put in quotes, as in
  /// `annotations["org.example.owner"]`.
  private var pathText: String {
    var text = ""
    for segment in path {
      switch segment {
      case .member(let key) where isWord(key): text += (text.isEmpty ? "" : ".") + key
      case .member(let key): text += "[\"" + key + "\"]"
      case .element(let index): text += "[\(index)]"
      }
    }
    return text
  }

  private func isWord(_ key: String) -> Bool {
    !key.isEmpty
      && key.utf8.allSatisfy { byte in
        isDigit(byte) || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a || byte == 0x5f || byte == 0x2d
      }
  }

  private func mismatch(_ expected: String) -> SpecError {
    fault("expected " + expected + ", found " + found)
  }

  private var found: String {
    guard let byte = current else { return "the end of the document" }
    return switch byte {
    case 0x7b: "an object"
    case 0x5b: "an array"
    case 0x22: "a string"
    case 0x74, 0x66: "a truth value"
    case 0x6e: "null"
    case 0x2d, 0x30...0x39: "a number"
    case 0x21...0x7e: "'" + String(UnicodeScalar(byte)) + "'"
    case 0xef: "a byte order mark, or another character that is not ASCII"
    case 0x80...: "a character that is not ASCII"
    default: "a control character"
    }
  }

  // MARK: characters

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private func text(_ start: Int, _ end: Int) -> String {
    String(decoding: bytes[start..<min(end, start + 40)], as: UTF8.self)
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }
}
