extension StaticString {
  /// A byte of the literal; `index` is less than its count.
  func byte(_ index: Int) -> UInt8 {
    precondition(index < utf8CodeUnitCount)
    // SAFETY: the index was checked, and the literal lives for ever.
    return unsafe utf8Start[index]
  }
}
