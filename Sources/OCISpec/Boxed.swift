/// A value behind one reference. Sections of a configuration are kept so: they are large, mostly absent, and
/// would otherwise be copied field by field with everything that holds them.
final class Boxed<Value: Equatable & Sendable>: Equatable, Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }

  static func == (a: Boxed, b: Boxed) -> Bool { a === b || a.value == b.value }
}
