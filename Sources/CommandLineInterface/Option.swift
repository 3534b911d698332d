/// One option of the command line.
public struct Option: Sendable {
  /// Without dashes.
  public let name: String
  /// A single letter.
  public let short: String?
  /// Nil for a switch.
  public let argument: Argument?
  /// Whether each of several arguments counts, and not only the last one.
  public let repeats: Bool
  /// One line for help, without a full stop.
  public let help: String

  init(
    _ name: String, _ short: String? = nil, _ argument: Argument? = nil, repeats: Bool = false,
    _ help: String
  ) {
    self.name = name
    self.short = short
    self.argument = argument
    self.repeats = repeats
    self.help = help
  }
}

/// The argument of an option.
public struct Argument: Sendable {
  /// What it is called in help, as in `DIR`.
  public let name: String
  public let kind: Kind

  /// What an argument may be. The parser checks it; completions offer it.
  public enum Kind: Sendable, Equatable {
    case text
    case file
    case directory
    /// One of these words.
    case choice([String])
    /// A whole number from the first to the second.
    case count(UInt64, UInt64)
    /// A whole number, maybe negative.
    case integer
    /// Bytes; see ``Quantities/bytes(_:)``.
    case size
    /// A time that is not zero; see ``Quantities/milliseconds(_:)``.
    case time
    /// CPUs, as in 1.5; not zero.
    case cpus
    /// See ``Quantities/user(_:)``.
    case user
    /// A group id.
    case group
    /// `NAME=VALUE`.
    case assignment
    /// `NAME=VALUE`, or `NAME` alone.
    case variable
  }

  init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  static let file = Argument("FILE", .file)
  static let directory = Argument("DIR", .directory)
  static let size = Argument("SIZE", .size)
  static let time = Argument("TIME", .time)
  static let microseconds = Argument("US", .count(0, UInt64.max))
  static let signedMicroseconds = Argument("US", .integer)

  static func text(_ name: String) -> Argument { Argument(name, .text) }

  static func choice(_ name: String, _ words: [String]) -> Argument { Argument(name, .choice(words)) }

  static func count(_ range: ClosedRange<UInt64>) -> Argument {
    Argument("N", .count(range.lowerBound, range.upperBound))
  }

  /// What `text` should be, or nil if it is that.
  func complaint(_ text: String) -> String? {
    switch kind {
    case .text: nil
    case .file, .directory: text.isEmpty ? "a path" : nil
    case .choice(let words): words.contains(text) ? nil : Self.alternatives(words)
    case .count(let low, let high): Self.countComplaint(text, low, high)
    case .integer: Quantities.signed(text) == nil ? "a whole number" : nil
    case .size: Quantities.bytes(text) == nil ? "a size such as 512m or 2g" : nil
    case .time:
      (Quantities.milliseconds(text) ?? 0) > 0 ? nil : "a time such as 500ms, 30s or 1m30s"
    case .cpus: (Quantities.thousandths(text) ?? 0) > 0 ? nil : "a number such as 1.5"
    case .user: Quantities.user(text) == nil ? "UID or UID:GID, in numbers" : nil
    case .group: Quantities.identity(text) == nil ? "a group id" : nil
    case .assignment:
      text.utf8.first != 0x3d && text.utf8.contains(0x3d) ? nil : "of the form NAME=VALUE"
    case .variable: text.isEmpty || text.utf8.first == 0x3d ? "a name, or NAME=VALUE" : nil
    }
  }

  private static func countComplaint(_ text: String, _ low: UInt64, _ high: UInt64) -> String? {
    if let number: UInt64 = Quantities.unsigned(text), number >= low, number <= high { return nil }
    if high == UInt64.max { return low == 0 ? "a whole number" : "a whole number above zero" }
    return "a whole number from " + low.description + " to " + high.description
  }

  /// `a, b or c`.
  private static func alternatives(_ words: [String]) -> String {
    var text = ""
    for (index, word) in words.enumerated() {
      if index > 0 { text += index == words.count - 1 ? " or " : ", " }
      text += word
    }
    return text
  }
}
