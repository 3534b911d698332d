/// What went wrong, in one line for the user.
public struct ProfileError: Error, CustomStringConvertible, Equatable {
  public let description: String

  public init(_ description: String) { self.description = description }
}
