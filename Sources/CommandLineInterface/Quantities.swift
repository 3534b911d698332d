/// Numbers as people write them. Nothing is guessed: a sign, a space or a letter too much is an error
/// (CVE-2026-30892 came from a number that was read half).
public enum Quantities {
  /// Decimal digits only.
  public static func unsigned<T: FixedWidthInteger & UnsignedInteger>(_ text: String) -> T? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return T(text)
  }

  /// Bytes: a number and maybe b, k, m, g or t for powers of 1024; -1 for no limit.
  public static func bytes(_ text: String) -> Int64? {
    if text == "-1" { return -1 }
    var digits = text.utf8.map { $0 | ($0 >= 0x41 && $0 <= 0x5a ? 0x20 : 0) }
    if digits.last == 0x62, digits.count > 1 { digits.removeLast() }
    if digits.last == 0x69, digits.count > 1 { digits.removeLast() }
    var shift: Int64 = 0
    switch digits.last {
    case 0x6b: shift = 10
    case 0x6d: shift = 20
    case 0x67: shift = 30
    case 0x74: shift = 40
    default: break
    }
    if shift > 0 { digits.removeLast() }
    guard let number: UInt64 = unsigned(String(decoding: digits, as: UTF8.self)),
      number <= UInt64(Int64.max) >> UInt64(shift)
    else { return nil }
    return Int64(number) << shift
  }

  /// Milliseconds: a number and maybe ms, s, m or h; seconds without.
  public static func milliseconds(_ text: String) -> Int64? {
    let digits = text.utf8.prefix { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2e }
    let factor: Int64
    switch String(Substring(text.utf8.dropFirst(digits.count))) {
    case "ms": factor = 1
    case "", "s": factor = 1000
    case "m": factor = 60_000
    case "h": factor = 3_600_000
    default: return nil
    }
    guard let thousandths = thousandths(String(Substring(digits))) else { return nil }
    let (product, overflow) = thousandths.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product / 1000
  }

  /// A decimal number in thousandths, as in 1.5.
  public static func thousandths(_ text: String) -> Int64? {
    let parts = text.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole: UInt64 = unsigned(String(Substring(parts[0]))),
      whole < 1_000_000_000_000
    else { return nil }
    var value = Int64(whole) * 1000
    if parts.count == 2 {
      let digits = Array(parts[1])
      guard !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
      var weight: Int64 = 100
      for digit in digits.prefix(3) {
        value += Int64(digit - 0x30) * weight
        weight /= 10
      }
    }
    return value
  }

  /// A signal by number, by name with or without SIG, or as RTMIN+n (signal(7)).
  public static func signal(_ text: String) -> Int32? {
    if let number: UInt32 = unsigned(text) { return number >= 1 && number <= 64 ? Int32(number) : nil }
    var name = String(
      decoding: text.utf8.map { $0 >= 0x61 && $0 <= 0x7a ? $0 - 0x20 : $0 }, as: UTF8.self)
    if name.utf8.starts(with: "SIG".utf8) { name = String(name.dropFirst(3)) }
    let names: [StaticString] = [
      "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
      "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
      "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ]
    if let index = names.firstIndex(where: { $0.description == name }) { return Int32(index) + 1 }
    switch name {
    case "IOT": return 6
    case "CLD": return 17
    case "POLL": return 29
    case "UNUSED": return 31
    case "RTMIN": return 34
    case "RTMAX": return 64
    default: break
    }
    if name.utf8.starts(with: "RTMIN+".utf8), let n: UInt32 = unsigned(String(name.dropFirst(6))),
      n <= 30
    {
      return 34 + Int32(n)
    }
    if name.utf8.starts(with: "RTMAX-".utf8), let n: UInt32 = unsigned(String(name.dropFirst(6))),
      n <= 30
    {
      return 64 - Int32(n)
    }
    return nil
  }

  /// `UID` or `UID:GID`.
  public static func user(_ text: String) -> (uid: UInt32, gid: UInt32?)? {
    let parts = text.utf8.split(separator: 0x3a, omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    guard parts.count <= 2, let uid: UInt32 = unsigned(parts[0]) else { return nil }
    if parts.count == 1 { return (uid, nil) }
    guard let gid: UInt32 = unsigned(parts[1]) else { return nil }
    return (uid, gid)
  }
}
