import CLinux

/// Connections and datagrams. Addresses are sixteen bytes, those of IPv4 as IPv6 maps them; no socket waits.
public enum Connections {
  /// A listening socket for a port at every address.
  public static func listen(port: UInt16) throws(Errno) -> Descriptor {
    Descriptor(owning: Int32(try check(rc_listen_everywhere(port))))
  }

  /// A datagram socket for a port at every address.
  public static func datagrams(port: UInt16) throws(Errno) -> Descriptor {
    Descriptor(owning: Int32(try check(rc_datagrams_everywhere(port))))
  }

  /// A datagram socket for a port of one address.
  public static func datagrams(at address: [UInt8], port: UInt16) throws(Errno) -> Descriptor {
    // SAFETY: the shim reads sixteen bytes.
    let result = unsafe address.withUnsafeBufferPointer { unsafe rc_datagrams_at($0.baseAddress, port) }
    return Descriptor(owning: Int32(try check(result)))
  }

  /// Whether a descriptor is a socket of IPv4 or IPv6.
  public static func isInternet(_ descriptor: Int32) -> Bool {
    let family = rc_socket_family(descriptor)
    return family == Int(AF_INET) || family == Int(AF_INET6)
  }

  /// The next connection; nil if there is none, or it is gone again.
  /// - Parameter address: gets the one that it was made to.
  public static func accept(_ listener: Int32, to address: inout [UInt8]) -> Descriptor? {
    address = [UInt8](repeating: 0, count: 16)
    // SAFETY: the shim writes sixteen bytes.
    let result = unsafe address.withUnsafeMutableBufferPointer { unsafe rc_accept_connection(listener, $0.baseAddress) }
    return result < 0 ? nil : Descriptor(owning: Int32(result))
  }

  /// Begins a connection; the socket is writable when it stands or has failed.
  public static func connect(_ address: [UInt8], port: UInt16) throws(Errno) -> Descriptor {
    // SAFETY: the shim reads sixteen bytes.
    let result = unsafe address.withUnsafeBufferPointer { unsafe rc_connect_start($0.baseAddress, port) }
    return Descriptor(owning: Int32(try check(result)))
  }

  /// How it ended.
  public static func finish(_ socket: Int32) throws(Errno) { try check(rc_connect_result(socket)) }

  /// When it is closed next, the other side hears that it was reset.
  public static func refuse(_ socket: Int32) { _ = rc_refuse_connection(socket) }

  /// Tells the other side that nothing more comes.
  public static func endWriting(_ socket: Int32) { _ = rc_shutdown_write(socket) }

  /// A datagram socket that talks to one address.
  public static func datagrams(to address: [UInt8], port: UInt16) throws(Errno) -> Descriptor {
    // SAFETY: the shim reads sixteen bytes.
    let result = unsafe address.withUnsafeBufferPointer { unsafe rc_datagrams_to($0.baseAddress, port) }
    return Descriptor(owning: Int32(try check(result)))
  }

  /// Who sent a datagram, and to which address.
  public struct Peer {
    fileprivate var raw = rc_datagram_peer()

    /// Address and port of the sender, then the address that it was sent to: 34 bytes.
    public var key: [UInt8] {
      var (bytes, raw) = ([UInt8](repeating: 0, count: 34), raw)
      // SAFETY: the shim reads one peer and writes 34 bytes.
      unsafe bytes.withUnsafeMutableBufferPointer { unsafe rc_datagram_key(&raw, $0.baseAddress) }
      return bytes
    }

    /// The address that it was sent to, sixteen bytes.
    public var ownAddress: [UInt8] { Array(key[18...]) }
  }

  /// The next datagram; what is longer than `limit` is cut.
  public static func receive(_ socket: Int32, limit: Int = 4096) -> (bytes: [UInt8], peer: Peer)? {
    var buffer = [UInt8](repeating: 0, count: limit)
    var peer = Peer()
    // SAFETY: the shim writes at most the array's size, and one peer.
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe rc_datagram_receive(socket, $0.baseAddress, $0.count, &peer.raw)
    }
    return count < 0 ? nil : (Array(buffer[0..<count]), peer)
  }

  /// Answers from the address that was asked.
  public static func answer(_ bytes: [UInt8], to peer: Peer, over socket: Int32) {
    var raw = peer.raw
    // SAFETY: the shim reads the array's bytes and one peer.
    _ = unsafe bytes.withUnsafeBytes { unsafe rc_datagram_answer(socket, $0.baseAddress, $0.count, &raw) }
  }
}

/// What a descriptor is waited for, and what it is ready for (poll(2)).
public struct Readiness: Sendable {
  public let descriptor: Int32
  public var reads: Bool
  public var writes: Bool
  public fileprivate(set) var canRead = false
  public fileprivate(set) var canWrite = false
  /// It has an error, or its other side is gone for good.
  public fileprivate(set) var isBroken = false

  public init(_ descriptor: Int32, reads: Bool, writes: Bool = false) {
    self.descriptor = descriptor
    self.reads = reads
    self.writes = writes
  }
}

/// Waits until one is ready, or the time is over.
/// - Parameter timeout: milliseconds; -1 for ever.
public func wait(for entries: inout [Readiness], timeout: Int32) throws(Errno) {
  var raw = entries.map {
    pollfd(fd: $0.descriptor, events: Int16(($0.reads ? POLLIN : 0) | ($0.writes ? POLLOUT : 0)), revents: 0)
  }
  // SAFETY: the array's own storage, for the call.
  try retrying { unsafe raw.withUnsafeMutableBufferPointer { unsafe rc_poll($0.baseAddress, UInt($0.count), timeout) } }
  for index in entries.indices {
    let events = Int32(raw[index].revents)
    entries[index].canRead = events & (POLLIN | POLLHUP) != 0
    entries[index].canWrite = events & POLLOUT != 0
    entries[index].isBroken = events & (POLLERR | POLLNVAL) != 0
  }
}
