import CLinux

/// An error number of the kernel, as in errno(3).
public struct Errno: Error, Equatable, Sendable {
  /// The positive number, such as 2 for ENOENT.
  public let rawValue: Int32

  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  public static let notPermitted = Errno(EPERM)
  public static let noEntry = Errno(ENOENT)
  public static let noProcess = Errno(ESRCH)
  public static let interrupted = Errno(EINTR)
  public static let ioError = Errno(EIO)
  public static let noDevice = Errno(ENODEV)
  public static let noSuchAddress = Errno(ENXIO)
  public static let badDescriptor = Errno(EBADF)
  public static let noChild = Errno(ECHILD)
  public static let tryAgain = Errno(EAGAIN)
  public static let accessDenied = Errno(EACCES)
  public static let busy = Errno(EBUSY)
  public static let exists = Errno(EEXIST)
  public static let crossesDevice = Errno(EXDEV)
  public static let notDirectory = Errno(ENOTDIR)
  public static let isDirectory = Errno(EISDIR)
  public static let invalid = Errno(EINVAL)
  public static let readOnly = Errno(EROFS)
  public static let notImplemented = Errno(ENOSYS)
  public static let notEmpty = Errno(ENOTEMPTY)
  public static let loop = Errno(ELOOP)
  public static let notSupported = Errno(EOPNOTSUPP)
  public static let refused = Errno(ECONNREFUSED)
  public static let noData = Errno(ENODATA)
  public static let notExecutable = Errno(ENOEXEC)
  public static let nameTooLong = Errno(ENAMETOOLONG)
  public static let outOfRange = Errno(ERANGE)
}

extension Errno: CustomStringConvertible {
  /// The words of strerror(3), in lower case as the peers print them.
  public var description: String {
    let text = errorText(rawValue)
    guard let first = text.utf8.first, first >= 0x41, first <= 0x5a else { return text }
    // "Input/output error" starts a sentence; "RFS specific error" is a name.
    let rest = text.dropFirst()
    if let second = rest.utf8.first, second >= 0x41, second <= 0x5a { return text }
    return String(UnicodeScalar(first + 0x20)) + rest
  }
}

/// Turns what a shim returned into a value or a thrown ``Errno``.
@inline(__always)
@discardableResult
func check(_ result: Int) throws(Errno) -> Int {
  if result < 0 { throw Errno(Int32(truncatingIfNeeded: -result)) }
  return result
}

/// The one wrapper that retries what a signal interrupted (signal(7), "Interruption of system calls").
@inline(__always)
@discardableResult
func retrying(_ call: () -> Int) throws(Errno) -> Int {
  while true {
    let result = call()
    if result != -Int(EINTR) { return try check(result) }
  }
}
