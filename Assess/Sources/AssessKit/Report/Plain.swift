import Foundation

/// Text and numbers as people read them.
enum Plain {
  /// `text` with what would change how the rest is shown made visible: control characters, and those that turn or hide text.
  /// Line breaks and tabs stay. Output of a container is hostile: it may hold escape sequences.
  static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let picture = picture(scalar) {
        result.append(contentsOf: picture.unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// The same on one line, at most `limit` characters long.
  static func line(_ text: String, limit: Int = 400) -> String {
    var words = visible(text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    if words.count > limit { words = words.prefix(limit) + "…" }
    return words
  }

  /// Shown instead of a character that is no text; nil for text.
  static func picture(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x09, 0x0A: nil
    case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
      0xFFF9...0xFFFB,
      0xE0000...0xE007F:
      "⟨U+" + String(format: "%04X", scalar.value) + "⟩"
    default: nil
    }
  }

  /// Three significant digits at least, and no more than help.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let size = abs(value)
    if size != 0, size < 0.001 { return String(format: "%.2g", value) }
    let digits = size >= 100 || size == size.rounded() && size >= 10 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
    return grouped(String(format: "%.\(digits)f", value))
  }

  static func number(_ value: Int) -> String { grouped(String(value)) }

  /// A cost: 1.043, 3.21, 12.3. Near 1 there is a digit more, because there the end of an interval decides.
  static func factor(_ value: Double) -> String {
    String(
      format: value < 0.1 || (0.5..<2).contains(value) ? "%.3f" : value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f",
      value)
  }

  /// A cost with its interval, all with as many digits.
  static func cost(_ interval: Interval) -> String {
    let digits = interval.value < 2 ? 3 : interval.value < 10 ? 2 : interval.value < 100 ? 1 : 0
    func text(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
    return "\(text(interval.value)) [\(text(interval.low)), \(text(interval.high))]"
  }

  static func value(_ interval: Interval) -> String {
    "\(number(interval.value)) [\(number(interval.low)), \(number(interval.high))]"
  }

  static func percent(_ share: Double) -> String { String(format: "%.1f\u{A0}%%", share * 100) }

  static func count(_ number: Int, _ one: String, _ many: String) -> String {
    number == 1 ? "1 \(one)" : "\(self.number(number)) \(many)"
  }

  /// `a`, `a and b`, `a, b and c`.
  static func list(_ items: [String]) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }

  /// A command as a POSIX shell would read it.
  static func command(_ words: [String]) -> String {
    words.map { word in
      let plain = !word.isEmpty && word.unicodeScalars.allSatisfy { plainInShell.contains($0) }
      return plain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }

  /// Bytes, in the largest unit of which there is at least one.
  static func bytes(_ count: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(String(format: unit == 0 || value >= 10 ? "%.0f" : "%.1f", value)) \(units[unit])"
  }

  private static let plainInShell = Set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+".unicodeScalars)

  /// Thousands with a thin space between: 12 345.
  private static func grouped(_ digits: String) -> String {
    let sign = digits.hasPrefix("-") ? "-" : ""
    let parts = digits.dropFirst(sign.count).split(separator: ".", omittingEmptySubsequences: false)
    guard let whole = parts.first, whole.count > 4 else { return digits }
    var result = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { result.append("\u{2009}") }
      result.append(digit)
    }
    return sign + result + (parts.count > 1 ? "." + parts[1] : "")
  }
}
