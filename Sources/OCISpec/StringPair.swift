/// A member of a JSON object whose values are strings.
public struct StringPair: Equatable, Sendable {
  public var key: String
  public var value: String

  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

extension Array where Element == StringPair {
  /// The value of `key`.
  public subscript(key: String) -> String? { first { $0.key == key }?.value }
}
