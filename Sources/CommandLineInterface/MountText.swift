/// A mount as `--mount` says it: the words of docker's option of the same name.
public struct MountText: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// What is at `source`, a path of the host.
    case bind(source: String)
    /// Empty and in memory; `size` in bytes.
    case memory(size: Int64?)
  }

  public let kind: Kind
  /// Absolute, in the sandbox.
  public let destination: String
  public let isReadOnly: Bool

  /// Reads `type=bind,src=DIR,dst=PATH[,ro]` or `type=tmpfs,dst=PATH[,size=N]`.
  public init(_ text: String) throws(UsageError) {
    var type = "bind"
    var (source, destination, size): (String?, String?, Int64?) = (nil, nil, nil)
    var isReadOnly = false
    var seen: [String] = []
    func fail(_ message: String) -> UsageError {
      UsageError(
        "--mount " + UsageError.shown(text) + ": " + message,
        hint: "as in type=bind,src=DIR,dst=PATH,ro or type=tmpfs,dst=PATH,size=64m")
    }
    for field in text.utf8.split(separator: 0x2c, omittingEmptySubsequences: false) {
      let parts = field.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
      let word = String(Substring(parts[0]))
      let value = parts.count == 2 ? String(Substring(parts[1])) : nil
      guard let name = Self.name(word) else { throw fail("\"" + UsageError.shown(word) + "\" is unknown") }
      if seen.contains(name) { throw fail(name + " is there twice") }
      seen.append(name)
      if name == "readonly" {
        switch value {
        case nil, "true", "1": isReadOnly = true
        case "false", "0": isReadOnly = false
        case let other?: throw fail("readonly is true or false, not \"" + UsageError.shown(other) + "\"")
        }
        continue
      }
      guard let value, !value.isEmpty else { throw fail(name + " has no value") }
      switch name {
      case "type": type = value
      case "source": source = value
      case "destination": destination = value
      default:
        guard let bytes = Quantities.bytes(value), bytes > 0 else { throw fail("size is not a size such as 64m") }
        size = bytes
      }
    }
    guard let destination else { throw fail("dst is missing") }
    guard destination.utf8.first == 0x2f else { throw fail("dst is not an absolute path") }
    let parts = destination.utf8.split(separator: 0x2f).filter { !$0.elementsEqual([0x2e]) }
    if parts.isEmpty { throw fail("dst is the root") }
    if parts.contains(where: { $0.elementsEqual([0x2e, 0x2e]) }) { throw fail("dst has a \"..\" in it") }
    switch type {
    case "bind":
      guard let source else { throw fail("src is missing") }
      if size != nil { throw fail("a bind mount has no size") }
      kind = .bind(source: source)
    case "tmpfs":
      if source != nil { throw fail("a tmpfs has no src") }
      kind = .memory(size: size)
    default: throw fail("type is bind or tmpfs, not \"" + UsageError.shown(type) + "\"")
    }
    self.destination = destination
    self.isReadOnly = isReadOnly
  }

  /// One word for each of docker's.
  private static func name(_ word: String) -> String? {
    switch word {
    case "type": "type"
    case "source", "src": "source"
    case "target", "destination", "dst": "destination"
    case "readonly", "ro": "readonly"
    case "size", "tmpfs-size": "size"
    default: nil
    }
  }
}
