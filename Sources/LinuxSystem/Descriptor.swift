import CLinux

/// An open file descriptor with one owner. It is closed when the owner lets go of it.
///
/// All descriptors are opened close-on-exec.
@frozen public struct Descriptor: ~Copyable {
  /// The number, valid as long as this value lives. Not to be closed by whoever reads it.
  public let raw: Int32

  /// Takes over a descriptor that nobody else owns.
  public init(owning raw: Int32) { self.raw = raw }

  deinit { _ = rc_close(raw) }

  /// Gives the number away; the receiver has to close it.
  public consuming func release() -> Int32 {
    let number = raw
    discard self
    return number
  }

  /// Closes it now. The corresponding C function is `close`.
  public consuming func close() {}

  /// A second descriptor for the same open file. The corresponding C call is `fcntl(F_DUPFD_CLOEXEC)`.
  public borrowing func duplicate() throws(Errno) -> Descriptor {
    Descriptor(owning: Int32(try check(rc_fcntl(raw, F_DUPFD_CLOEXEC, 3))))
  }
}

/// Descriptors owned together, for collections, which cannot hold ``Descriptor``.
public final class DescriptorSet {
  public private(set) var raw: [Int32] = []

  public init() {}

  deinit { for number in raw { _ = rc_close(number) } }

  /// Takes over `descriptor`; returns its number, valid as long as the set.
  @discardableResult
  public func insert(_ descriptor: consuming Descriptor) -> Int32 {
    let number = descriptor.release()
    raw.append(number)
    return number
  }

  /// Closes all of them now.
  public func closeAll() {
    for number in raw { _ = rc_close(number) }
    raw.removeAll()
  }
}

/// Names for places in the file system tree that are not descriptors of ours.
public enum Directory {
  /// Relative paths start at the working directory (AT_FDCWD).
  public static var current: Int32 { AT_FDCWD }
}

/// Whether a descriptor is on or off across execve. The corresponding C call is `fcntl(F_SETFD)`.
public func setCloseOnExec(_ descriptor: Int32, _ on: Bool) throws(Errno) {
  try check(rc_fcntl(descriptor, F_SETFD, on ? Int(FD_CLOEXEC) : 0))
}

/// Whether `descriptor` is open in this process.
public func isOpen(_ descriptor: Int32) -> Bool { rc_fcntl(descriptor, F_GETFD, 0) >= 0 }

/// A copy, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC).
public func duplicate(_ descriptor: Int32) throws(Errno) -> Descriptor {
  Descriptor(owning: Int32(try check(rc_fcntl(descriptor, F_DUPFD_CLOEXEC, 3))))
}

/// The corresponding C function is `dup3`.
public func duplicate(_ descriptor: Int32, onto target: Int32) throws(Errno) {
  try check(rc_dup3(descriptor, target, 0))
}

/// Marks every descriptor from `first` on close-on-exec (close_range(2), CLOSE_RANGE_CLOEXEC).
public func closeOnExec(from first: UInt32) throws(Errno) {
  try check(rc_close_range(first, UInt32.max, 4))
}

/// Closes every descriptor in the range (close_range(2)).
public func closeRange(_ first: UInt32, _ last: UInt32) throws(Errno) {
  try check(rc_close_range(first, last, 0))
}

/// Closes every descriptor that is not in the list.
public func closeAll(but kept: [Int32]) throws(Errno) {
  var first: UInt32 = 0
  for number in kept.sorted() {
    if UInt32(number) > first { try closeRange(first, UInt32(number) - 1) }
    first = UInt32(number) + 1
  }
  try closeRange(first, UInt32.max)
}

/// The corresponding C function is `flock`.
public func lockFile(_ descriptor: Int32, exclusive: Bool) throws(Errno) {
  try retrying { rc_flock(descriptor, exclusive ? LOCK_EX : LOCK_SH) }
}
