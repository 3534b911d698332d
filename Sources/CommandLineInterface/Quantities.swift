/// Numbers as people write them. Nothing is guessed: a sign, a space or a letter too much is an error
/// (CVE-2026-30892 came from a number that was read half).
public enum Quantities {
  /// Decimal digits only; nil too if the number does not fit.
  public static func unsigned<T: FixedWidthInteger & UnsignedInteger>(_ text: String) -> T? {
    unsigned(text.utf8[...])
  }

  private static func unsigned<T: FixedWidthInteger & UnsignedInteger>(
    _ digits: Substring.UTF8View
  ) -> T? {
    guard !digits.isEmpty else { return nil }
    var number: T = 0
    for digit in digits {
      guard let value = decimal(digit) else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(T(value))
      if overflow || carry { return nil }
      number = sum
    }
    return number
  }

  private static func decimal(_ letter: UInt8) -> UInt8? {
    (0x30...0x39).contains(letter) ? letter - 0x30 : nil
  }

  /// The same, with a minus sign or without.
  public static func signed(_ text: String) -> Int64? {
    let isNegative = text.utf8.first == 0x2d
    guard let magnitude: UInt64 = unsigned(text.utf8.dropFirst(isNegative ? 1 : 0)) else { return nil }
    if isNegative { return magnitude <= UInt64(Int64.max) ? -Int64(magnitude) : nil }
    return Int64(exactly: magnitude)
  }

  /// Bytes: a number, maybe with a fraction, and maybe k, m, g or t for powers of 1024, as in 512m, 512mb,
  /// 512MiB or 1.5g; -1 for no limit.
  public static func bytes(_ text: String) -> Int64? {
    if text == "-1" { return -1 }
    let number = text.utf8.prefix { decimal($0) != nil || $0 == 0x2e }
    let unit = text.utf8.dropFirst(number.count)
    guard let shift = shift(unit.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }) else {
      return nil
    }
    if number.contains(0x2e) {
      guard shift > 0, let thousandths = thousandths(String(Substring(number))) else { return nil }
      let (product, overflow) = thousandths.multipliedReportingOverflow(by: 1 << shift)
      return overflow ? nil : product / 1000
    }
    guard let whole: UInt64 = unsigned(number), whole <= UInt64(Int64.max) >> UInt64(shift) else {
      return nil
    }
    return Int64(whole) << shift
  }

  /// The power of two that a unit stands for.
  private static func shift(_ unit: [UInt8]) -> Int64? {
    if unit.isEmpty || unit == [0x62] { return 0 }
    switch unit.dropFirst() {
    case [], [0x62], [0x69, 0x62]: break
    default: return nil
    }
    switch unit[0] {
    case 0x6b: return 10
    case 0x6d: return 20
    case 0x67: return 30
    case 0x74: return 40
    default: return nil
    }
  }

  /// Milliseconds: numbers, maybe with a fraction, each with ms, s, m or h, as in 500ms or 1m30s. A number
  /// alone is seconds.
  public static func milliseconds(_ text: String) -> Int64? {
    var rest = text.utf8[...]
    var total: Int64 = 0
    repeat {
      let number = rest.prefix { decimal($0) != nil || $0 == 0x2e }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { decimal($0) == nil }
      rest = rest.dropFirst(unit.count)
      let isAlone = number.count == text.utf8.count
      guard let factor = factor(Array(unit), isAlone: isAlone),
        let thousandths = thousandths(String(Substring(number)))
      else { return nil }
      let (product, overflow) = thousandths.multipliedReportingOverflow(by: factor)
      let (sum, carry) = total.addingReportingOverflow(product / 1000)
      if overflow || carry { return nil }
      total = sum
    } while !rest.isEmpty
    return total
  }

  /// How many milliseconds a unit has.
  private static func factor(_ unit: [UInt8], isAlone: Bool) -> Int64? {
    switch unit {
    case [] where isAlone: 1000
    case [0x6d, 0x73]: 1
    case [0x73]: 1000
    case [0x6d]: 60_000
    case [0x68]: 3_600_000
    default: nil
    }
  }

  /// A decimal number in thousandths, as in 1.5. Further digits are cut off.
  public static func thousandths(_ text: String) -> Int64? {
    let parts = text.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole: UInt64 = unsigned(parts[0]), whole < 1_000_000_000_000 else {
      return nil
    }
    var value = Int64(whole) * 1000
    guard parts.count == 2 else { return value }
    guard !parts[1].isEmpty else { return nil }
    var weight: Int64 = 100
    for digit in parts[1] {
      guard let digit = decimal(digit) else { return nil }
      value += Int64(digit) * weight
      weight /= 10
    }
    return value
  }

  /// A user or group id. 4294967295 is none: setresuid(2) and its like take it for "leave it as it is".
  public static func identity(_ text: String) -> UInt32? {
    guard let id: UInt32 = unsigned(text), id != UInt32.max else { return nil }
    return id
  }

  /// `UID` or `UID:GID`.
  public static func user(_ text: String) -> (uid: UInt32, gid: UInt32?)? {
    let parts = text.utf8.split(separator: 0x3a, omittingEmptySubsequences: false)
    guard parts.count <= 2, let uid = identity(String(Substring(parts[0]))) else { return nil }
    if parts.count == 1 { return (uid, nil) }
    guard let gid = identity(String(Substring(parts[1]))) else { return nil }
    return (uid, gid)
  }
}
