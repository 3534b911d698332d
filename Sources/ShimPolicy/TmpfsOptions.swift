/// Options of a tmpfs, tmpfs(5).
public enum TmpfsOptions {
  private static let pageSize: UInt64 = 4096
  /// A file system that is tiny holds a few files nevertheless.
  private static let leastInodes: UInt64 = 64

  /// As many files as pages: what is not empty takes a page anyway.
  static func inodes(ofSize bytes: UInt64) -> UInt64 { max(leastInodes, bytes / pageSize) }

  /// How many inodes a tmpfs is to have of which only the size is told; nil if the number is told too, or no size in bytes.
  /// - Parameter options: words as in mount(8), each maybe several with commas.
  public static func inodes(_ options: [String]) -> UInt64? {
    var size: UInt64?
    for option in options {
      for word in option.utf8.split(separator: 0x2c) {
        let word = String(Substring(word))
        if word.utf8.starts(with: "nr_inodes=".utf8) { return nil }
        // The last one counts; 0 means no limit.
        if word.utf8.starts(with: "size=".utf8) { size = quantity(String(word.dropFirst(5)), percentOf: nil) }
      }
    }
    guard let size, size > 0 else { return nil }
    return inodes(ofSize: size)
  }

  /// Bytes: a number that may end with k, m, g or %.
  static func quantity(_ text: String, percentOf whole: UInt64?) -> UInt64? {
    guard let last = text.utf8.last else { return nil }
    if last == 0x25 {
      guard let whole, let percent = UInt64(String(text.dropLast())), percent <= 100 else { return nil }
      return whole / 100 * percent
    }
    var shift: UInt64 = 0
    switch last {
    case 0x6b, 0x4b: shift = 10
    case 0x6d, 0x4d: shift = 20
    case 0x67, 0x47: shift = 30
    default: break
    }
    guard let number = UInt64(shift == 0 ? text : String(text.dropLast())), number <= UInt64.max >> (shift + 1)
    else { return nil }
    return number << shift
  }
}
