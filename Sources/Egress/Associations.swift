import CLinux
import LinuxSystem

/// Who in a sandbox talks to whom by datagrams: for each pair a socket in the host's network, until nothing was said for a
/// while. What comes back goes to who asked, from the address that was asked.
struct Associations {
  /// How many there are at most; another one takes the place of the one that was silent longest.
  static let limit = 256
  /// Milliseconds of silence after which one ends (RFC 4787, section 4.3, asks for two minutes or more).
  static let patience: Int64 = 120_000
  /// Bytes of a datagram.
  static let largest = 65536

  /// What the summary needs of one.
  struct Totals {
    /// The place of the destination's count.
    let count: Int
    let sent, received: UInt64
  }

  private struct Association {
    /// Sender, address and port that it is about.
    let key: [UInt8]
    let peer: Connections.Peer
    let inside, outside: Int32
    let count: Int
    var last: Int64
    var sent: UInt64 = 0
    var received: UInt64 = 0
    var totals: Totals { Totals(count: count, sent: sent, received: received) }
  }

  private var all: [Association] = []

  private static func key(_ peer: Connections.Peer, _ port: UInt16) -> [UInt8] {
    peer.key + [UInt8(port >> 8), UInt8(port & 0xff)]
  }

  private static var now: Int64 { monotonicNanoseconds() / 1_000_000 }

  /// What is to be waited for.
  var entries: [Readiness] { all.map { Readiness($0.outside, reads: true) } }

  /// Milliseconds after which to look again.
  var timeout: Int32 { all.isEmpty ? -1 : 10_000 }

  /// Those that have not ended.
  var totals: [Totals] { all.map { $0.totals } }

  /// Sends a datagram on.
  /// - Returns: false if nobody has talked there yet.
  mutating func send(_ bytes: [UInt8], from peer: Connections.Peer, port: UInt16) -> Bool {
    let key = Self.key(peer, port)
    guard let place = all.firstIndex(where: { $0.key == key }) else { return false }
    all[place].last = Self.now
    // What does not go out is lost, as datagrams are.
    if (try? writeSome(all[place].outside, bytes[...])) != nil { all[place].sent += UInt64(bytes.count) }
    return true
  }

  /// - Parameter outside: a connected socket in the host's network, given away.
  /// - Returns: the one that had to end for it.
  mutating func add(
    _ outside: Int32, for peer: Connections.Peer, inside: Int32, port: UInt16, count: Int
  ) -> Totals? {
    var ended: Totals? = nil
    if all.count >= Self.limit, let oldest = all.indices.min(by: { all[$0].last < all[$1].last }) {
      ended = end(oldest)
    }
    all.append(
      Association(
        key: Self.key(peer, port), peer: peer, inside: inside, outside: outside, count: count, last: Self.now))
    return ended
  }

  /// Brings answers back, and ends those that were silent.
  /// - Parameter entries: those of `entries`, after waiting.
  /// - Returns: those that ended.
  mutating func serve(_ entries: ArraySlice<Readiness>) -> [Totals] {
    var ended: [Totals] = []
    let now = Self.now
    for index in all.indices.reversed() {
      let entry = entries[entries.startIndex + index]
      if entry.canRead || entry.isBroken {
        for _ in 0..<64 {
          guard let (bytes, _) = Connections.receive(all[index].outside, limit: Self.largest) else { break }
          all[index].last = now
          all[index].received += UInt64(bytes.count)
          Connections.answer(bytes, to: all[index].peer, over: all[index].inside)
        }
      }
      if now - all[index].last > Self.patience { ended.append(end(index)) }
    }
    return ended
  }

  private mutating func end(_ index: Int) -> Totals {
    let association = all.remove(at: index)
    _ = rc_close(association.outside)
    return association.totals
  }
}
