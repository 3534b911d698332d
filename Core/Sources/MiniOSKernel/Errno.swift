/// A Linux error number, as a call returns it with the sign turned.
public struct Errno: Error, Equatable, Sendable {
  public let code: Int64
  @inline(__always)
  init(_ code: Int64) { self.code = code }

  static let noEntry = Errno(2)
  static let noProcess = Errno(3)
  static let interrupted = Errno(4)
  static let inputOutput = Errno(5)
  static let tooBig = Errno(7)
  static let notExecutable = Errno(8)
  static let badDescriptor = Errno(9)
  static let again = Errno(11)
  static let noMemory = Errno(12)
  static let access = Errno(13)
  static let fault = Errno(14)
  static let exists = Errno(17)
  static let noDevice = Errno(19)
  static let isDirectory = Errno(21)
  static let invalid = Errno(22)
  static let notTerminal = Errno(25)
  static let range = Errno(34)
  static let nameTooLong = Errno(36)
  static let timedOut = Errno(110)
  static let notImplemented = Errno(38)
  static let tooManyLinks = Errno(40)
  static let badLibrary = Errno(80)
  /// Not for programs: the call is to be made again (``Exchange/notMade``).
  static let notMade = Errno(513)
}
