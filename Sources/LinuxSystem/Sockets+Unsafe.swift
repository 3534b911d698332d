import CLinux

// Unix sockets, terminals, signals and time.

/// A connected pair of sockets that keep message boundaries (AF_UNIX, SOCK_SEQPACKET).
@frozen public struct SocketPair: ~Copyable {
  public var ours: Descriptor
  public var theirs: Descriptor

  public init() throws(Errno) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel fills the two elements.
    try check(
      unsafe ends.withUnsafeMutableBufferPointer {
        unsafe rc_socketpair(Int32(SOCK_SEQPACKET.rawValue), $0.baseAddress)
      })
    ours = Descriptor(owning: ends[0])
    theirs = Descriptor(owning: ends[1])
  }
}

/// What kind of AF_UNIX socket.
public enum SocketKind: Sendable {
  case stream, packets
  fileprivate var raw: Int32 {
    switch self {
    case .stream: Int32(SOCK_STREAM.rawValue)
    case .packets: Int32(SOCK_SEQPACKET.rawValue)
    }
  }
}

/// A socket that listens at `path` (at most 107 bytes).
public func listenUnix(_ path: String, kind: SocketKind) throws(Errno) -> Descriptor {
  let socket = try bindUnix(path, kind: kind)
  try listen(socket.raw, backlog: 8)
  return socket
}

/// A socket at `path` (at most 107 bytes) that does not listen yet: who connects is refused.
public func bindUnix(_ path: String, kind: SocketKind) throws(Errno) -> Descriptor {
  let socket = Descriptor(owning: Int32(try check(rc_socket(AF_UNIX, kind.raw))))
  // SAFETY: the C string lives for the call and has the given length.
  try check(unsafe path.withCString { unsafe rc_bind_unix(socket.raw, $0, path.utf8.count) })
  return socket
}

/// The corresponding C function is `listen`.
public func listen(_ socket: Int32, backlog: Int32) throws(Errno) { try check(rc_listen(socket, backlog)) }

/// A socket connected to `path` (at most 107 bytes).
public func connectUnix(_ path: String, kind: SocketKind) throws(Errno) -> Descriptor {
  let socket = Descriptor(owning: Int32(try check(rc_socket(AF_UNIX, kind.raw))))
  // SAFETY: the C string lives for the call and has the given length.
  try check(unsafe path.withCString { unsafe rc_connect_unix(socket.raw, $0, path.utf8.count) })
  return socket
}

/// The corresponding C function is `accept4`.
public func acceptConnection(_ listener: Int32) throws(Errno) -> Descriptor {
  Descriptor(owning: Int32(try retrying { rc_accept(listener) }))
}

/// Sends bytes, and up to 8 descriptors as SCM_RIGHTS (unix(7)).
public func send(_ socket: Int32, _ bytes: [UInt8], descriptors: [Int32] = []) throws(Errno) {
  // SAFETY: both arrays live for the call, with their own counts.
  try retrying {
    unsafe bytes.withUnsafeBytes { unsafeBytes in
      unsafe descriptors.withUnsafeBufferPointer {
        unsafe rc_send(
          socket, unsafeBytes.baseAddress, unsafeBytes.count, $0.baseAddress, Int32($0.count))
      }
    }
  }
}

/// One message, of up to 64 KiB, and the descriptor that came with it; nil when the other side is gone.
public func receive(_ socket: Int32) throws(Errno) -> (bytes: [UInt8], descriptor: Int32?)? {
  var buffer = [UInt8](repeating: 0, count: 65536)
  var descriptor: Int32 = -1
  // SAFETY: the kernel writes at most the array's size.
  let count = try retrying {
    unsafe buffer.withUnsafeMutableBytes {
      unsafe rc_receive(socket, $0.baseAddress, $0.count, &descriptor)
    }
  }
  if count == 0 && descriptor < 0 { return nil }
  return (Array(buffer[0..<count]), descriptor < 0 ? nil : descriptor)
}

/// One message, of up to 64 KiB, and up to 8 descriptors that came with it; nil when the other side is gone.
public func receiveAll(_ socket: Int32) throws(Errno) -> (bytes: [UInt8], descriptors: DescriptorSet)? {
  var buffer = [UInt8](repeating: 0, count: 65536)
  var numbers = [Int32](repeating: -1, count: 8)
  var received: Int32 = 0
  // SAFETY: the kernel writes at most the size of each array.
  let count = try retrying {
    unsafe buffer.withUnsafeMutableBytes { unsafeBytes in
      unsafe numbers.withUnsafeMutableBufferPointer {
        unsafe rc_receive_all(socket, unsafeBytes.baseAddress, unsafeBytes.count, $0.baseAddress, &received)
      }
    }
  }
  let descriptors = DescriptorSet()
  for number in numbers.prefix(Int(received)) { descriptors.insert(Descriptor(owning: number)) }
  if count == 0 && received == 0 { return nil }
  return (Array(buffer[0..<count]), descriptors)
}

/// The effective user of who connected a unix socket (unix(7), SO_PEERCRED).
public func peerUser(_ socket: Int32) throws(Errno) -> UInt32 {
  UInt32(truncatingIfNeeded: try check(rc_peer_user(socket)))
}

/// Copies the window size of one terminal to another (ioctl_tty(2)).
public func copyWindowSize(from: Int32, to: Int32) throws(Errno) {
  try check(rc_copy_window_size(from, to))
}

/// The corresponding request is TIOCSWINSZ.
public func setWindowSize(_ terminal: Int32, rows: UInt16, columns: UInt16) throws(Errno) {
  try check(rc_set_window_size(terminal, rows, columns))
}

/// Unlocks the other side of a pseudoterminal (TIOCSPTLCK).
public func unlockTerminal(_ master: Int32) throws(Errno) { try check(rc_terminal_unlock(master)) }

/// Opens the other side of a pseudoterminal without a path (TIOCGPTPEER), so that nobody can swap what
/// /dev/pts/N names (CVE-2025-52565).
public func terminalPeer(_ master: Int32) throws(Errno) -> Descriptor {
  Descriptor(owning: Int32(try check(rc_terminal_peer(master))))
}

/// Clears ONLCR, as the peers do: output reaches the other side as it was written.
public func disableNewlineTranslation(_ terminal: Int32) throws(Errno) {
  try check(rc_terminal_no_onlcr(terminal))
}

/// Makes `terminal` the controlling terminal of this session (TIOCSCTTY).
public func setControllingTerminal(_ terminal: Int32) throws(Errno) {
  try check(rc_ioctl(terminal, UInt(TIOCSCTTY), 0))
}

/// Puts our own terminal in raw mode; `restoreTerminal` undoes it.
public func makeTerminalRaw(_ terminal: Int32) throws(Errno) { try check(rc_terminal_raw(terminal)) }

public func restoreTerminal(_ terminal: Int32) { rc_terminal_restore(terminal) }

/// All signals, blocked and read from a descriptor instead (signalfd(2)).
public struct SignalQueue: ~Copyable {
  private let descriptor: Descriptor
  public var raw: Int32 { descriptor.raw }

  public init() throws(Errno) {
    descriptor = Descriptor(owning: Int32(try check(rc_signal_descriptor())))
  }

  /// The next signal and who sent it; nil when none is waiting.
  public borrowing func next() throws(Errno) -> (signal: Int32, sender: Int32)? {
    var sender: Int32 = 0
    // SAFETY: the shim writes the sender's pid.
    let signal = unsafe rc_signal_read(descriptor.raw, &sender)
    if signal == -Int(EAGAIN) || signal == -Int(EINTR) { return nil }
    return (Int32(try check(signal)), sender)
  }
}

/// Default dispositions and an empty mask, as a new program expects.
public func resetSignals() { rc_signals_reset() }

/// SIGPIPE becomes an error of write(2).
public func ignoreBrokenPipes() { rc_ignore_sigpipe() }

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> Int64 { rc_now_nanoseconds(CLOCK_MONOTONIC) }

/// The time of day in nanoseconds since 1970.
public func realTimeNanoseconds() -> Int64 { rc_now_nanoseconds(CLOCK_REALTIME) }

/// The clock that file systems stamp changes of files with, in nanoseconds since 1970; it steps by milliseconds.
public func fileClock() -> Int64 { rc_now_nanoseconds(CLOCK_REALTIME_COARSE) }

/// The time of day as RFC 3339 in UTC with nanoseconds, as the peers log it.
public func timestamp() -> String {
  let now = rc_now_nanoseconds(CLOCK_REALTIME)
  var parts = [Int32](repeating: 0, count: 6)
  // SAFETY: the shim fills the six elements.
  unsafe parts.withUnsafeMutableBufferPointer {
    unsafe rc_utc(now / 1_000_000_000, $0.baseAddress)
  }
  func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
  let p = parts.map { Int64($0) }
  let date = padded(p[0], 4) + "-" + padded(p[1], 2) + "-" + padded(p[2], 2)
  let time = padded(p[3], 2) + ":" + padded(p[4], 2) + ":" + padded(p[5], 2)
  return date + "T" + time + "." + padded(now % 1_000_000_000, 9) + "Z"
}

public func sleep(milliseconds: Int64) { _ = rc_sleep_nanoseconds(milliseconds * 1_000_000) }

/// Brings the loopback interface up in the network namespace of the caller (netdevice(7)).
public func bringLoopbackUp() throws(Errno) { try check(rc_loopback_up()) }
