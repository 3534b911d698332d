/// An IPv6 address, or an IPv4 address as IPv6 maps it (RFC 4291, section 2.5.5.2): sixteen bytes.
public struct IPAddress: Hashable, Sendable {
  public let bytes: [UInt8]

  /// - Parameter bytes: sixteen.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  public init(v4: [UInt8]) { bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] + v4 }

  public var isV4: Bool { bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff }

  /// `192.0.2.1`, or the text form of RFC 4291, section 2.2, without a zone.
  public init?(_ text: some StringProtocol) {
    let letters = Array(text.utf8)
    if letters.contains(0x3a) {
      guard let bytes = Self.v6(letters) else { return nil }
      self.init(bytes: bytes)
    } else {
      guard let bytes = Self.v4(letters[...]) else { return nil }
      self.init(v4: bytes)
    }
  }

  private static func v4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard let value = decimal(part, atMost: 255) else { return nil }
      bytes.append(UInt8(value))
    }
    return bytes
  }

  /// A number without a sign or leading zeros.
  static func decimal(_ text: ArraySlice<UInt8>, atMost limit: Int) -> Int? {
    guard let first = text.first, text.count <= 5, first != 0x30 || text.count == 1 else { return nil }
    var value = 0
    for letter in text {
      guard letter >= 0x30, letter <= 0x39 else { return nil }
      value = value * 10 + Int(letter - 0x30)
    }
    return value <= limit ? value : nil
  }

  private static func v6(_ text: [UInt8]) -> [UInt8]? {
    // At most one "::", which stands for the zeros that are missing.
    if let place = text.indices.dropLast().first(where: { text[$0] == 0x3a && text[$0 + 1] == 0x3a }) {
      guard let left = groups(text[..<place], endsInV4: false), let right = groups(text[(place + 2)...]),
        left.count + right.count <= 14
      else { return nil }
      return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
    }
    guard let all = groups(text[...]), all.count == 16 else { return nil }
    return all
  }

  private static func groups(_ text: ArraySlice<UInt8>, endsInV4: Bool = true) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: 0x3a, omittingEmptySubsequences: false)
    for (place, part) in parts.enumerated() {
      if endsInV4, place == parts.count - 1, part.contains(0x2e) {
        guard let last = v4(part) else { return nil }
        bytes += last
        continue
      }
      guard (1...4).contains(part.count) else { return nil }
      var value: UInt16 = 0
      for letter in part {
        switch letter {
        case 0x30...0x39: value = value << 4 | UInt16(letter - 0x30)
        case 0x41...0x46: value = value << 4 | UInt16(letter - 0x37)
        case 0x61...0x66: value = value << 4 | UInt16(letter - 0x57)
        default: return nil
        }
      }
      bytes += [UInt8(value >> 8), UInt8(value & 0xff)]
    }
    return bytes.count <= 16 ? bytes : nil
  }

  /// Whether the first `bits` are those of `other`.
  func matches(_ other: IPAddress, bits: Int) -> Bool {
    for place in 0..<16 {
      let left = bits - place * 8
      if left <= 0 { return true }
      let mask: UInt8 = left >= 8 ? 0xff : ~(0xff >> UInt8(left))
      if bytes[place] & mask != other.bytes[place] & mask { return false }
    }
    return true
  }

  /// Whether it means this machine or this link, or many machines: nothing that a name of the outside may stand for.
  public var isLocal: Bool {
    if isV4 {
      switch (bytes[12], bytes[13]) {
      case (0, _), (127, _), (169, 254), (224..., _): return true
      default: return false
      }
    }
    // ::/96 (unspecified, loopback and what was once IPv4), link-local and multicast.
    return bytes[..<12].allSatisfy { $0 == 0 } || (bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80) || bytes[0] == 0xff
  }

  public var description: String {
    if isV4 { return bytes[12...].reduce("") { $0 + ($0.isEmpty ? "" : ".") + String($1) } }
    // The longest run of zeros is "::" (RFC 5952).
    let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
    var (best, length) = (0, 0)
    for start in 0..<8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > length { (best, length) = (start, end - start) }
    }
    func text(_ range: Range<Int>) -> String {
      range.reduce("") { $0 + ($0.isEmpty ? "" : ":") + String(groups[$1], radix: 16) }
    }
    return length < 2 ? text(0..<8) : text(0..<best) + "::" + text((best + length)..<8)
  }
}
