/// What went wrong, in one line for the user.
public struct MachineError: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
