/// Writes JSON (RFC 8259), compact or indented by four spaces.
///
///     var writer = JSONWriter()
///     writer.object { writer in
///       writer.member("id", "c1")
///       writer.key("pids")
///       writer.array { writer in for pid in pids { writer.integer(pid) } }
///     }
public struct JSONWriter {
  /// The document so far, in UTF-8.
  public private(set) var bytes: [UInt8] = []
  private let isPretty: Bool
  private var depth = 0
  private var needsComma = false
  private var afterKey = false

  public init(pretty: Bool = false) { isPretty = pretty }

  /// The document so far.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  // MARK: structure

  public mutating func object(_ body: (inout JSONWriter) -> Void) { nest(0x7b, 0x7d, body) }

  public mutating func array(_ body: (inout JSONWriter) -> Void) { nest(0x5b, 0x5d, body) }

  private mutating func nest(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
    separate()
    bytes.append(open)
    depth += 1
    needsComma = false
    body(&self)
    depth -= 1
    if needsComma { newLine() }
    bytes.append(close)
    needsComma = true
  }

  /// The name of the member whose value is written next.
  public mutating func key(_ name: String) {
    string(name)
    bytes.append(0x3a)
    if isPretty { bytes.append(0x20) }
    afterKey = true
  }

  private mutating func separate() {
    if afterKey {
      afterKey = false
      return
    }
    if needsComma { bytes.append(0x2c) }
    if depth > 0 { newLine() }
  }

  private mutating func newLine() {
    guard isPretty else { return }
    bytes.append(0x0a)
    for _ in 0..<(4 * depth) { bytes.append(0x20) }
  }

  // MARK: values

  public mutating func string(_ text: String) {
    separate()
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5c:
        bytes.append(0x5c)
        bytes.append(byte)
      case 0x0a: escape(0x6e)
      case 0x0d: escape(0x72)
      case 0x09: escape(0x74)
      case 0..<0x20:
        bytes += [0x5c, 0x75, 0x30, 0x30, Self.digit(byte >> 4), Self.digit(byte & 15)]
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
    needsComma = true
  }

  private mutating func escape(_ letter: UInt8) {
    bytes.append(0x5c)
    bytes.append(letter)
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  public mutating func integer<T: FixedWidthInteger>(_ value: T) { raw(String(value)) }

  public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

  /// A value that is JSON already.
  public mutating func raw(_ json: String) {
    separate()
    bytes.append(contentsOf: json.utf8)
    needsComma = true
  }

  // MARK: members

  public mutating func member(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  public mutating func member<T: FixedWidthInteger>(_ name: String, _ value: T) {
    key(name)
    integer(value)
  }

  public mutating func member(_ name: String, _ value: Bool) {
    key(name)
    bool(value)
  }

  public mutating func member(_ name: String, _ values: [String]) {
    key(name)
    array { writer in for value in values { writer.string(value) } }
  }

  public mutating func member(_ name: String, _ pairs: [StringPair]) {
    key(name)
    object { writer in for pair in pairs { writer.member(pair.key, pair.value) } }
  }

  /// Members that are left out when there is nothing to say.
  public mutating func optional(_ name: String, _ value: String?) {
    if let value { member(name, value) }
  }

  public mutating func optional<T: FixedWidthInteger>(_ name: String, _ value: T?) {
    if let value { member(name, value) }
  }

  public mutating func optional(_ name: String, _ value: Bool?) {
    if let value { member(name, value) }
  }

  public mutating func optional(_ name: String, _ values: [String]) {
    if !values.isEmpty { member(name, values) }
  }

  public mutating func optional(_ name: String, _ pairs: [StringPair]) {
    if !pairs.isEmpty { member(name, pairs) }
  }
}
