import CLinux
import LinuxSystem

/// The process that answers a container's questions for names, and tells its programs which addresses they have.
///
/// Its socket is in the container's network namespace, at a loopback address; it asks in the host's. It has no capabilities,
/// and ends with the container's first process.
public enum NameService {
  /// One that runs.
  public struct Running: Sendable {
    public let pid: Int32
    /// Where its socket is sent, and the first process.
    public let channel: Int32
  }

  private enum Kind {
    static let socket: UInt8 = 1, process: UInt8 = 2
  }

  /// A loopback address for the resolver of a container, by its id: containers may share a network namespace.
  public static func address(for id: String) -> IPAddress {
    // FNV-1a (draft-eastlake-fnv).
    let hash = id.utf8.reduce(2_166_136_261 as UInt32) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return IPAddress(v4: [127, 53, UInt8(hash >> 24 & 0xff), UInt8(1 + hash % 254)])
  }

  /// Starts it, as a child of this process.
  /// - Parameters:
  ///   - map: see `ContainerPrograms.key`.
  ///   - opened: keeps `channel`.
  public static func start(
    _ rules: EgressRules, nameserver: (address: IPAddress, port: UInt16), map: Int32, opened: DescriptorSet
  ) throws(Errno) -> Running {
    let channel = try SocketPair()
    switch try clone(flags: 0) {
    case .child:
      do throws(Errno) {
        try startSession()
        // Standard error too: an engine waits until everybody has closed it.
        try closeAll(but: [channel.theirs.raw, map])
        try changeDirectory("/")
        try giveUpRights()
        try serve(rules, nameserver, map, channel.theirs.raw)
      } catch { exitNow(1) }
      exitNow(0)
    case .parent(let pid, _):
      return Running(pid: pid, channel: opened.insert(try channel.ours.duplicate()))
    }
  }

  /// In the container's network namespace, with the right to bind low ports.
  public static func openSocket(at address: IPAddress, channel: Int32) throws(Errno) {
    let socket = try Connections.datagrams(at: address.bytes, port: 53)
    try send(channel, [Kind.socket], descriptors: [socket.raw])
  }

  /// Tells it whose end it has to watch.
  public static func tell(_ pidfd: Int32, channel: Int32) throws(Errno) {
    try send(channel, [Kind.process], descriptors: [pidfd])
  }

  // MARK: in the process

  private static func giveUpRights() throws(Errno) {
    try processControl(PR_SET_NO_NEW_PRIVS, 1)
    // Before Linux 5.19 a map may be written only with CAP_BPF.
    let kept: UInt64 = kernelIsAtLeast(5, 19) ? 0 : 1 << 39
    if kept == 0 {
      try setSupplementaryGroups([])
      try setGroup(65534)
      try setUser(65534)
    }
    try setCapabilities(effective: kept, permitted: kept, inheritable: 0)
  }

  private static func serve(
    _ rules: EgressRules, _ nameserver: Resolver.Server, _ map: Int32, _ channel: Int32
  ) throws(Errno) {
    var socket: Int32? = nil
    var process: Int32? = nil
    while socket == nil || process == nil {
      // The other ends close: nothing came of the container.
      guard let message = try receive(channel), let descriptor = message.descriptor else { return }
      switch message.bytes.first {
      case Kind.socket: socket = descriptor
      case Kind.process: process = descriptor
      default: return
      }
    }
    guard let socket, let process else { return }
    _ = rc_close(channel)
    var resolver = Resolver(rules, nameserver, socket: socket)
    var pins = Pins(rules, map: map)
    while true {
      var entries = [Readiness(process, reads: true)] + resolver.entries
      try wait(for: &entries, timeout: resolver.timeout)
      if entries[0].canRead || entries[0].isBroken { return }
      resolver.serve(entries[1...], denied: { _ in }, found: { pins.add($0) })
    }
  }

  /// What the map holds.
  private struct Pins {
    private let rules: EgressRules
    private let map: Int32
    private var all: [(key: [UInt8], end: Int64)] = []

    init(_ rules: EgressRules, map: Int32) {
      self.rules = rules
      self.map = map
    }

    mutating func add(_ found: Resolver.Found) {
      for index in ContainerPrograms.classes(of: found.name, rules) {
        for address in found.addresses { add(ContainerPrograms.key(address, index), found.end) }
      }
    }

    private mutating func add(_ key: [UInt8], _ end: Int64) {
      let now = monotonicNanoseconds() / 1_000_000_000
      for index in all.indices.reversed() where all[index].end < now {
        try? ProgramMap.remove(map, all[index].key)
        all.remove(at: index)
      }
      let place = all.firstIndex { $0.key == key }
      let end = max(end, place.map { all[$0].end } ?? 0)
      if place == nil && all.count >= Int(ContainerPrograms.keyLimit) { return }
      guard (try? ProgramMap.set(map, key, UInt64(end) * 1_000_000_000)) != nil else { return }
      if let place { all[place].end = end } else { all.append((key, end)) }
    }
  }
}
