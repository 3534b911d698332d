/// What keeps an assessment from going on: one line of what, where, and what to do.
public struct AssessError: Error, CustomStringConvertible, Sendable {
  public let description: String

  public init(_ description: String, hint: String? = nil) {
    self.description = hint.map { description + "; " + $0 } ?? description
  }
}
