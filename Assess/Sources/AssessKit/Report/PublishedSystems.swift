extension PublishedSystem {
  /// Systems with figures that others published, without those that are installed (and so measured) here.
  public static func all(except installed: [String]) -> [PublishedSystem] { [] }
}

extension TrustedCode {
  /// How much of a runtime's code has to be trusted, where somebody published a figure; nil otherwise.
  public static func known(runtime: String) -> TrustedCode? { nil }
}
