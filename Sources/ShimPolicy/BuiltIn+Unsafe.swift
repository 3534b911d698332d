import OCISpec

extension ShimPolicy {
  /// A policy that is part of the program.
  public static func builtIn(_ name: String) -> ShimPolicy? {
    guard let text = text(name) else { return nil }
    // SAFETY: a literal lives as long as the program, and the count is its own.
    let bytes = unsafe Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    return try? ShimPolicy(json: bytes, file: name)
  }
}
