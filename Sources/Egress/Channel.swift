import LinuxSystem

/// One direction of a relayed connection: what was read on one side and not yet written to the other.
struct Channel {
  /// How much waits for a slow reader at most, in bytes.
  static let capacity = 64 << 10

  private var bytes: [UInt8] = []
  private var start = 0
  /// Nothing more comes from the side that is read.
  private(set) var hasEnded = false
  /// The side that is written to knows.
  private(set) var isClosed = false
  private(set) var total: UInt64 = 0

  var wantsToRead: Bool { !hasEnded && bytes.count - start < Self.capacity }
  var wantsToWrite: Bool { bytes.count > start }

  /// - Returns: false if the side is broken.
  mutating func read(from socket: Int32, _ buffer: inout [UInt8]) -> Bool {
    do throws(Errno) {
      let count = try LinuxSystem.read(socket, into: &buffer)
      if count == 0 { hasEnded = true }
      bytes += buffer[0..<count]
      total += UInt64(count)
      return true
    } catch { return error == .tryAgain }
  }

  /// - Returns: false if the side is broken.
  mutating func write(to socket: Int32) -> Bool {
    if wantsToWrite {
      do throws(Errno) { start += try writeSome(socket, bytes[start...]) } catch { return error == .tryAgain }
      if start == bytes.count {
        bytes.removeAll(keepingCapacity: true)
        start = 0
      }
    }
    if hasEnded, !wantsToWrite, !isClosed {
      Connections.endWriting(socket)
      isClosed = true
    }
    return true
  }
}
