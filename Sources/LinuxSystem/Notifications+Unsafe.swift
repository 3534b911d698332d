import CLinux

/// A system call that a filter handed to its listener; its process waits (seccomp_unotify(2)).
public struct CallNotification: Sendable {
  public let id: UInt64
  /// The thread, in the pid namespace of who receives this; 0 if it has no number there.
  public let pid: Int32
  /// AUDIT_ARCH_*.
  public let architecture: UInt32
  public let number: UInt32
  public let arguments: [UInt64]
}

/// The listener of a filter.
public struct CallListener: ~Copyable {
  private let descriptor: Descriptor

  public init(_ descriptor: consuming Descriptor) {
    self.descriptor = descriptor
    // Without it, which is older than Linux 6.6, a call costs four times as much.
    _ = rc_notification_wake_here(self.descriptor.raw)
  }

  /// The next call; nil when no process has the filter any more.
  public func next() throws(Errno) -> CallNotification? {
    while true {
      var raw = rc_notification()
      // SAFETY: the shim writes into `raw`, which lives for the call.
      let result = unsafe rc_notification_receive(descriptor.raw, &raw)
      // The process was killed meanwhile, or we were interrupted.
      if result == -Int(ENOENT) || result == -Int(EINTR) { continue }
      if try check(result) == 0 { return nil }
      let all = raw.arguments
      return CallNotification(
        id: raw.id, pid: raw.pid, architecture: raw.architecture, number: UInt32(bitPattern: raw.number),
        arguments: [all.0, all.1, all.2, all.3, all.4, all.5])
    }
  }

  /// The kernel makes the call. For what judges nothing: whatever pointers point to may have changed since.
  public func proceed(_ notification: CallNotification) throws(Errno) {
    try answered(rc_notification_continue(descriptor.raw, notification.id))
  }

  /// The call is not made: it fails with a number of errno(3).
  public func refuse(_ notification: CallNotification, error: UInt16) throws(Errno) {
    try answered(rc_notification_refuse(descriptor.raw, notification.id, Int32(error)))
  }

  private func answered(_ result: Int) throws(Errno) {
    // The process is gone, and so is its call.
    if result == -Int(ENOENT) { return }
    try check(result)
  }
}

/// Memory of another process: at most `size` bytes, fewer where the mapping ends.
public func readMemory(of pid: Int32, at address: UInt64, size: Int) throws(Errno) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: size)
  // SAFETY: the kernel writes at most the array's size.
  let count = try check(
    unsafe buffer.withUnsafeMutableBytes { unsafe rc_process_read(pid, address, $0.baseAddress, $0.count) })
  return Array(buffer[0..<Int(count)])
}
