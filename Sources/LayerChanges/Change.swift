import OCISpec

/// One file of a sandbox that is not what it was.
public struct Change: Sendable {
  /// The raw value is the letter that `docker diff` and `git status` users know.
  public enum Kind: String, Sendable {
    case added = "A"
    case modified = "M"
    case deleted = "D"
  }

  public enum FileType: String, Sendable {
    case file, directory, link, device, pipe, socket
  }

  public let kind: Kind
  /// Absolute, in the sandbox; bytes, as a file system has them.
  public let path: [UInt8]
  /// What it is now; what it was if it is deleted.
  public let type: FileType
  /// Bytes of a file; 0 for all else.
  public let size: UInt64
  /// Why it was not kept, if it was to be.
  public var leftOut: String?

  public init(_ kind: Kind, _ path: [UInt8], _ type: FileType, size: UInt64, leftOut: String? = nil) {
    self.kind = kind
    self.path = path
    self.type = type
    self.size = size
    self.leftOut = leftOut
  }

  /// A line for people, such as `M /etc/passwd`, without anything that a terminal would obey.
  public var line: String { kind.rawValue + " " + PathText.shown(path) }

  /// Writes it as an object: `kind`, `path`, `type`, `size`; `pathHex` where the path is not UTF-8.
  public func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      switch kind {
      case .added: writer.member("kind", "added")
      case .modified: writer.member("kind", "modified")
      case .deleted: writer.member("kind", "deleted")
      }
      let text = String(decoding: path, as: UTF8.self)
      writer.member("path", text)
      if !text.utf8.elementsEqual(path) { writer.member("pathHex", PathText.hexadecimal(path)) }
      writer.member("type", type.rawValue)
      writer.member("size", size)
      writer.optional("leftOut", leftOut)
    }
  }
}

/// What changed in a sandbox.
public struct ChangeList: Sendable {
  /// Sorted by path.
  public internal(set) var changes: [Change] = []
  /// All, with those for which there was no room in the list.
  public internal(set) var count = 0
  /// How many were not kept though they were to be.
  public internal(set) var leftOut = 0
  private var bytes = 0

  /// A list holds so many changes, and so many bytes of paths.
  static let (countLimit, byteLimit) = (65536, 16 << 20)

  public var isTruncated: Bool { changes.count < count }

  public init() {}

  mutating func add(_ change: Change) {
    count += 1
    if change.leftOut != nil { leftOut += 1 }
    guard changes.count < Self.countLimit, bytes + change.path.count <= Self.byteLimit else { return }
    bytes += change.path.count
    changes.append(change)
  }

  mutating func sort() { changes.sort { $0.path.lexicographicallyPrecedes($1.path) } }
}
