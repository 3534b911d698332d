/// What went wrong, in one line for the user.
public struct MachineError: Error, CustomStringConvertible {
  public let description: String

  /// The exit status of rcontainer-machine.
  public let status: Int32

  public init(_ description: String, status: Int32 = 125) {
    self.description = description
    self.status = status
  }
}
