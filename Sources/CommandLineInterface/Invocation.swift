/// A command line, sorted and checked: every option is one of the tables, and its argument is what the
/// table says that it is.
public struct Invocation: Equatable, Sendable {
  /// Options before the verb.
  public internal(set) var global = Values()
  /// Nil when none was given.
  public internal(set) var verb: String?
  /// Options of the verb.
  public internal(set) var options = Values()
  public internal(set) var operands: [String] = []

  /// Options and their arguments, in their order.
  public struct Values: Equatable, Sendable {
    private struct Pair: Equatable, Sendable {
      let name: String
      let value: String?
    }

    private var pairs: [Pair] = []

    public init() {}

    mutating func add(_ name: String, _ value: String?) {
      pairs.append(Pair(name: name, value: value))
    }

    /// Takes a switch back, as `--all=false` does.
    mutating func remove(_ name: String) { pairs.removeAll { $0.name == name } }

    /// Whether an option was given.
    public func has(_ name: String) -> Bool { pairs.contains { $0.name == name } }

    /// The last argument of an option.
    public subscript(name: String) -> String? { pairs.last { $0.name == name }?.value }

    /// All arguments of an option.
    public func all(_ name: String) -> [String] {
      pairs.compactMap { $0.name == name ? $0.value : nil }
    }
  }
}
