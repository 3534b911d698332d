import CLinux

/// A system call that a filter handed to its listener; its process waits (seccomp_unotify(2)).
public struct CallNotification: Sendable {
  public let id: UInt64
  /// The thread, in the pid namespace of who receives this; 0 if it has no number there.
  public let pid: Int32
  /// AUDIT_ARCH_*.
  public let architecture: UInt32
  public let number: UInt32
  public let arguments: InlineArray<6, UInt64>

  init(_ raw: rc_notification) {
    let all = raw.arguments
    id = raw.id
    pid = raw.pid
    architecture = raw.architecture
    number = UInt32(bitPattern: raw.number)
    arguments = [all.0, all.1, all.2, all.3, all.4, all.5]
  }
}

/// The listener of a filter, by the number of a descriptor that somebody else owns.
public struct CallListener: Equatable, Sendable {
  public let raw: Int32

  /// Stands for one that is gone.
  public static let none = CallListener()

  private init() { raw = -1 }

  public init(_ raw: Int32) {
    self.raw = raw
    // Without it, which is older than Linux 6.6, a call costs four times as much.
    _ = rc_notification_wake_here(raw)
  }

  /// The next call, once poll(2) says that there is one; nil if its process is gone.
  public func next() throws(Errno) -> CallNotification? {
    var raw = rc_notification()
    // SAFETY: the shim writes into `raw`, which lives for the call.
    let result = unsafe rc_notification_receive(self.raw, &raw)
    // The process was killed meanwhile, or we were interrupted.
    if result == -Int(ENOENT) || result == -Int(EINTR) { return nil }
    try check(result)
    return CallNotification(raw)
  }

  /// Whether its thread still waits: what was read by the thread's number until now was the thread's.
  public func isWaiting(_ notification: CallNotification) -> Bool {
    rc_notification_is_valid(raw, notification.id) == 0
  }

  /// The kernel makes the call. For what judges nothing: whatever pointers point to may have changed since.
  /// - Returns: false if the thread is gone, and so is its call.
  @discardableResult
  public func proceed(_ notification: CallNotification) throws(Errno) -> Bool {
    try answered(rc_notification_continue(raw, notification.id))
  }

  /// The call is not made: it fails with a number of errno(3).
  @discardableResult
  public func refuse(_ notification: CallNotification, error: UInt16) throws(Errno) -> Bool {
    try answered(rc_notification_refuse(raw, notification.id, Int32(error)))
  }

  /// The call is not made: it returns a value.
  @discardableResult
  public func answer(_ notification: CallNotification, _ value: Int64) throws(Errno) -> Bool {
    try answered(rc_notification_answer(raw, notification.id, value))
  }

  private func answered(_ result: Int) throws(Errno) -> Bool {
    if result == -Int(ENOENT) { return false }
    try check(result)
    return true
  }
}

/// Writes to memory of another process, as it could itself.
/// - Throws: EFAULT where it could not write all of it.
public func writeMemory(of pid: Int32, at address: UInt64, _ bytes: [UInt8]) throws(Errno) {
  // SAFETY: the kernel reads the array's own storage, for the call.
  let count = try check(
    unsafe bytes.withUnsafeBytes { unsafe rc_process_write(pid, address, $0.baseAddress, $0.count) })
  if Int(count) != bytes.count { throw Errno(EFAULT) }
}

/// The processors that a thread may run on, a bit for each, as many bytes as the kernel has, and `size` at most
/// (sched_getaffinity(2)).
/// - Throws: EINVAL if that is too few for the kernel, or no number of whole words.
public func processors(of thread: Int32, size: Int) throws(Errno) -> [UInt8] {
  var mask = [UInt8](repeating: 0, count: size)
  // SAFETY: the kernel writes at most the array's size.
  let count = try check(
    unsafe mask.withUnsafeMutableBytes { unsafe rc_processors(thread, $0.baseAddress, $0.count) })
  return Array(mask[0..<Int(count)])
}

/// Memory of another process: at most `size` bytes, fewer where the mapping ends.
public func readMemory(of pid: Int32, at address: UInt64, size: Int) throws(Errno) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: size)
  // SAFETY: the kernel writes at most the array's size.
  let count = try check(
    unsafe buffer.withUnsafeMutableBytes { unsafe rc_process_read(pid, address, $0.baseAddress, $0.count) })
  return Array(buffer[0..<Int(count)])
}
