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
  /// Without the pairs that a later one with the same key overrides. Keys are compared by their
  /// bytes, because `String` holds different spellings of a character to be equal.
  func withoutOverridden() -> [StringPair] {
    let order = indices.sorted { a, b in
      if self[a].key.utf8.elementsEqual(self[b].key.utf8) { return a < b }
      return self[a].key.utf8.lexicographicallyPrecedes(self[b].key.utf8)
    }
    var counts = [Bool](repeating: true, count: count)
    for (earlier, later) in zip(order, order.dropFirst())
    where self[earlier].key.utf8.elementsEqual(self[later].key.utf8) {
      counts[earlier] = false
    }
    return zip(self, counts).filter { $0.1 }.map { $0.0 }
  }

  /// The value of `key`.
  public subscript(key: String) -> String? { first { $0.key == key }?.value }
}
