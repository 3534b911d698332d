/// Paths that somebody hostile may have chosen, as text.
public enum PathText {
  /// For a terminal: one line, and nothing in it that is obeyed or that hides. Control characters, marks of writing
  /// direction and bytes that are not UTF-8 become `\xNN` or `\u{NNNN}`, a backslash `\\`.
  public static func shown(_ path: [UInt8]) -> String {
    var text = ""
    var index = 0
    while index < path.count {
      let length = scalarLength(path, index)
      if length == 0 {
        text += "\\x" + hexadecimal([path[index]])
        index += 1
        continue
      }
      let character = String(decoding: path[index..<(index + length)], as: UTF8.self)
      let scalar = character.unicodeScalars.first.map { $0.value } ?? 0
      switch scalar {
      case 0x5c: text += "\\\\"
      case 0x0a: text += "\\n"
      case 0x09: text += "\\t"
      case 0..<0x20, 0x7f...0x9f: text += "\\x" + hexadecimal([UInt8(scalar)])
      case 0xad, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:
        text += "\\u{" + String(scalar, radix: 16) + "}"
      default: text += character
      }
      index += length
    }
    return text
  }

  /// Bytes of the UTF-8 sequence that begins here; 0 if none does (Unicode, table 3-7).
  private static func scalarLength(_ bytes: [UInt8], _ start: Int) -> Int {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch bytes[start] {
    case 0..<0x80: return 1
    case 0xc2...0xdf: length = 2
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: length = 3
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    case 0xf1...0xf3: length = 4
    default: return 0
    }
    guard start + length <= bytes.count, second.contains(bytes[start + 1]) else { return 0 }
    for index in (start + 1)..<(start + length) where !(0x80...0xbf).contains(bytes[index]) { return 0 }
    return length
  }

  /// Two digits for each byte.
  public static func hexadecimal(_ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes {
      text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    return text
  }
}
