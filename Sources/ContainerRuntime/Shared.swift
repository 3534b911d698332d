/// A value behind one reference, for owners that can't be copied: the compiler follows each field of such an
/// owner by itself, which takes minutes for a whole configuration.
final class Shared<Value> {
  let value: Value

  init(_ value: Value) { self.value = value }
}
