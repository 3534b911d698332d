/// A member of a JSON object whose values are strings.
public struct StringPair: Equatable, Sendable {
  public var key: String
  public var value: String

  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

extension [StringPair] {
  /// What a key has; the last one counts.
  public func value(of key: String) -> String? { last { $0.key == key }?.value }
}

extension Array {
  /// Without the elements that a later one with the same key overrides. Keys are compared by their
  /// bytes, because `String` holds different spellings of a character to be equal.
  func withoutOverridden(_ key: (Element) -> String) -> [Element] {
    let keys = map { Array<UInt8>(key($0).utf8) }
    let order = indices.sorted { a, b in
      keys[a] == keys[b] ? a < b : keys[a].lexicographicallyPrecedes(keys[b])
    }
    var counts = [Bool](repeating: true, count: count)
    for (earlier, later) in zip(order, order.dropFirst()) where keys[earlier] == keys[later] {
      counts[earlier] = false
    }
    return zip(self, counts).filter { $0.1 }.map { $0.0 }
  }
}

extension Array where Element == StringPair {
  /// The value of `key`.
  public subscript(key: String) -> String? { first { $0.key == key }?.value }
}
