import CLinux
import LinuxSystem

/// The process that connects a sandbox without a network to what its rules allow.
///
/// In the sandbox's network namespace every address is local: a connection to anywhere ends at one of the relay's sockets there,
/// which tells the address that was meant. The relay, which is in the network of the host, connects on and copies
/// bytes. Nothing in the sandbox ever has a socket of the host's network. Datagrams to a port of the rules are sent on the same
/// way, and answers come back from the address that was meant. On port 53 the relay answers questions for the names of its
/// rules, whatever server was asked, and remembers the addresses.
public struct Relay: ~Copyable {
  private let rules: EgressRules
  private var resolver: Resolver?
  private let nameserver: (address: IPAddress, port: UInt16)
  private let control: Int32
  private let summary: Int32
  private var listeners: [(socket: Int32, port: UInt16)] = []
  private var talkers: [(socket: Int32, port: UInt16)] = []
  private var connections: [Connection] = []
  private var associations = Associations()
  private var pinned: [Pin] = []
  private var counts: [Count] = []
  private var buffer = [UInt8](repeating: 0, count: 32 << 10)

  private static let connectionLimit = 256
  private static let pinLimit = 4096
  private static let countLimit = 1000
  private struct Connection {
    let inside, outside: Int32
    let count: Int
    var stands = false
    var outward = Channel()
    var inward = Channel()
  }

  /// An address that a name was found to have.
  private struct Pin {
    let address: IPAddress
    let name: String
    var end: Int64
  }

  /// What the summary says of a destination.
  private struct Count {
    let name: String
    let address: IPAddress
    let port: UInt16
    let transport: EgressRules.Transport
    let isAllowed: Bool
    var connections = 0
    var sent: UInt64 = 0
    var received: UInt64 = 0
  }

  /// One that runs.
  public struct Running: ~Copyable {
    public let pid: Int32
    /// The sandbox's first process sends its sockets over this.
    public let sockets: Int32
    /// The relay ends when the last copy of this is closed.
    public var lifeline: Descriptor?
  }

  /// Starts it, as a child of this process.
  /// - Parameters:
  ///   - summary: a file that gets a line for each destination at the end.
  ///   - opened: keeps `sockets`.
  public static func start(
    _ rules: EgressRules, nameserver: (address: IPAddress, port: UInt16), summary: Int32, opened: DescriptorSet
  ) throws(Errno) -> Running {
    let channel = try SocketPair()
    let life = try SocketPair()
    switch try clone(flags: 0) {
    case .child:
      do throws(Errno) {
        try startSession()
        try processControl(PR_SET_NO_NEW_PRIVS, 1)
        try setCapabilities(effective: 0, permitted: 0, inheritable: 0)
        try closeAll(but: [2, channel.theirs.raw, life.theirs.raw, summary])
        var relay = Relay(rules, nameserver, life.theirs.raw, summary)
        if try relay.receiveSockets(channel.theirs.raw) { try relay.run() }
      } catch {
        try? writeAll(2, "rcontainer: egress relay: " + error.description + "\n")
        exitNow(1)
      }
      exitNow(0)
    case .parent(let pid, _):
      let sockets = opened.insert(try channel.ours.duplicate())
      return Running(pid: pid, sockets: sockets, lifeline: try life.ours.duplicate())
    }
  }

  private init(
    _ rules: EgressRules, _ nameserver: (address: IPAddress, port: UInt16), _ control: Int32, _ summary: Int32
  ) {
    self.rules = rules
    self.nameserver = nameserver
    self.control = control
    self.summary = summary
  }

  // MARK: sockets of the sandbox

  /// In the sandbox's network namespace, with the right to bind low ports: makes the sockets and sends them.
  public static func openSandbox(_ rules: EgressRules, sockets: Int32) throws(Errno) {
    var netlink = try Netlink()
    guard let loopback = try netlink.links().first(where: { $0.name == "lo" }) else { throw .noDevice }
    try netlink.makeEverythingLocal(over: loopback.index)
    func give(_ socket: consuming Descriptor, _ kind: UInt8, _ port: UInt16) throws(Errno) {
      try send(sockets, [kind, UInt8(port >> 8), UInt8(port & 0xff)], descriptors: [socket.raw])
    }
    for port in rules.ports(.tcp) {
      try give(try Connections.listen(port: port), EgressRules.Transport.tcp.rawValue, port)
    }
    for port in rules.ports(.udp) {
      try give(try Connections.datagrams(port: port), EgressRules.Transport.udp.rawValue, port)
    }
    // The last one: then the relay has all.
    try give(try Connections.datagrams(port: 53), 0, 53)
  }

  /// - Returns: false if the sandbox did not come to be.
  private mutating func receiveSockets(_ channel: Int32) throws(Errno) -> Bool {
    while let message = try receive(channel) {
      guard let socket = message.descriptor, message.bytes.count == 3 else { return false }
      let port = UInt16(message.bytes[1]) << 8 | UInt16(message.bytes[2])
      switch EgressRules.Transport(rawValue: message.bytes[0]) {
      case .tcp: listeners.append((socket, port))
      case .udp: talkers.append((socket, port))
      case nil:
        resolver = Resolver(rules, nameserver, socket: socket)
        return true
      }
    }
    return false
  }

  // MARK: the loop

  private mutating func run() throws(Errno) {
    guard var resolver else { return }
    while true {
      var entries = [Readiness(control, reads: true)]
      let isFull = connections.count >= Self.connectionLimit
      for listener in listeners { entries.append(Readiness(listener.socket, reads: !isFull)) }
      let firstTalker = entries.count
      for talker in talkers { entries.append(Readiness(talker.socket, reads: true)) }
      let firstAssociation = entries.count
      entries += associations.entries
      let firstQuestion = entries.count
      entries += resolver.entries
      let firstConnection = entries.count
      for connection in connections {
        entries.append(
          Readiness(
            connection.inside, reads: connection.stands && connection.outward.wantsToRead,
            writes: connection.inward.wantsToWrite))
        entries.append(
          Readiness(
            connection.outside, reads: connection.stands && connection.inward.wantsToRead,
            writes: !connection.stands || connection.outward.wantsToWrite))
      }
      try wait(for: &entries, timeout: resolver.timeout > 0 ? resolver.timeout : associations.timeout)
      if entries[0].canRead || entries[0].isBroken { return try finish() }
      // From the last on: those that end are taken out.
      for index in connections.indices.reversed() {
        let place = firstConnection + 2 * index
        serve(index, entries[place], entries[place + 1])
      }
      var (denied, found): ([String], [Resolver.Found]) = ([], [])
      resolver.serve(
        entries[firstQuestion..<firstConnection], denied: { denied.append($0) }, found: { found.append($0) })
      for name in denied { _ = counted(name, IPAddress(v4: [0, 0, 0, 0]), 53, .udp, isAllowed: false) }
      for one in found {
        for address in one.addresses { pin(address, one.name, one.end) }
      }
      for done in associations.serve(entries[firstAssociation..<firstQuestion]) { tally(done) }
      for (index, talker) in talkers.enumerated() where entries[firstTalker + index].canRead { relay(talker) }
      for (index, listener) in listeners.enumerated() where entries[1 + index].canRead { accept(listener) }
    }
  }

  // MARK: datagrams

  /// As many as wait, but not for ever: others want to be served too.
  private mutating func relay(_ talker: (socket: Int32, port: UInt16)) {
    for _ in 0..<64 {
      guard let (bytes, peer) = Connections.receive(talker.socket, limit: Associations.largest) else { return }
      let address = IPAddress(bytes: peer.ownAddress)
      if associations.send(bytes, from: peer, port: talker.port) { continue }
      let name = allowed(address, talker.port, .udp)
      let count = counted(name ?? "", address, talker.port, .udp, isAllowed: name != nil)
      guard name != nil, let outside = try? Connections.datagrams(to: address.bytes, port: talker.port) else {
        continue
      }
      if let ended = associations.add(
        outside.release(), for: peer, inside: talker.socket, port: talker.port, count: count)
      {
        tally(ended)
      }
      _ = associations.send(bytes, from: peer, port: talker.port)
    }
  }

  private mutating func tally(_ association: Associations.Totals) {
    if association.count < 0 { return }
    counts[association.count].sent += association.sent
    counts[association.count].received += association.received
  }

  // MARK: connections

  private mutating func accept(_ listener: (socket: Int32, port: UInt16)) {
    var bytes: [UInt8] = []
    guard let socket = Connections.accept(listener.socket, to: &bytes) else { return }
    let address = IPAddress(bytes: bytes)
    let name = allowed(address, listener.port, .tcp)
    let count = counted(name ?? "", address, listener.port, .tcp, isAllowed: name != nil)
    guard name != nil, let outside = try? Connections.connect(bytes, port: listener.port) else {
      return Connections.refuse(socket.raw)
    }
    connections.append(Connection(inside: socket.release(), outside: outside.release(), count: count))
  }

  /// The name that allows the connection, empty if the address itself does; nil if nothing does.
  private func allowed(_ address: IPAddress, _ port: UInt16, _ transport: EgressRules.Transport) -> String? {
    // Here they mean the host, not the sandbox.
    if address.isLocal { return nil }
    if rules.allows(address, port: port, transport) { return "" }
    let now = monotonicNanoseconds() / 1_000_000_000
    return pinned.first {
      $0.address == address && $0.end >= now && rules.allows(name: $0.name, port: port, transport)
    }?.name
  }

  private mutating func serve(_ index: Int, _ inside: Readiness, _ outside: Readiness) {
    var connection = connections[index]
    var isWell = true
    if !connection.stands {
      if !outside.canWrite && !outside.isBroken && !outside.canRead { return }
      do throws(Errno) {
        try Connections.finish(connection.outside)
        connection.stands = true
      } catch { isWell = false }
    } else if inside.isBroken || outside.isBroken {
      isWell = false
    }
    if isWell, inside.canRead, connection.outward.wantsToRead {
      isWell = connection.outward.read(from: connection.inside, &buffer)
    }
    if isWell, outside.canRead, connection.stands, connection.inward.wantsToRead {
      isWell = connection.inward.read(from: connection.outside, &buffer)
    }
    if isWell, connection.stands {
      isWell = connection.outward.write(to: connection.outside) && connection.inward.write(to: connection.inside)
    }
    connections[index] = connection
    if isWell && !(connection.outward.isClosed && connection.inward.isClosed) { return }
    if !isWell {
      Connections.refuse(connection.inside)
      Connections.refuse(connection.outside)
    }
    end(index)
  }

  private mutating func end(_ index: Int) {
    let connection = connections.remove(at: index)
    _ = rc_close(connection.inside)
    _ = rc_close(connection.outside)
    tally(connection)
  }

  private mutating func tally(_ connection: Connection) {
    if connection.count < 0 { return }
    counts[connection.count].sent += connection.outward.total
    counts[connection.count].received += connection.inward.total
  }

  /// - Returns: the place of the destination's count; -1 if there are too many.
  private mutating func counted(
    _ name: String, _ address: IPAddress, _ port: UInt16, _ transport: EgressRules.Transport, isAllowed: Bool
  ) -> Int {
    var place = counts.firstIndex {
      $0.address == address && $0.port == port && $0.transport == transport && $0.name == name
        && $0.isAllowed == isAllowed
    }
    if place == nil, counts.count < Self.countLimit {
      counts.append(Count(name: name, address: address, port: port, transport: transport, isAllowed: isAllowed))
      place = counts.count - 1
    }
    if let place { counts[place].connections += 1 }
    return place ?? -1
  }

  // MARK: names

  private mutating func pin(_ address: IPAddress, _ name: String, _ end: Int64) {
    if let place = pinned.firstIndex(where: { $0.address == address && $0.name == name }) {
      pinned[place].end = max(pinned[place].end, end)
      return
    }
    let now = monotonicNanoseconds() / 1_000_000_000
    pinned.removeAll { $0.end < now }
    if pinned.count < Self.pinLimit { pinned.append(Pin(address: address, name: name, end: end)) }
  }

  // MARK: the end

  /// Lines of: allowed or denied, name or -, address, protocol, port, connections, bytes sent and received.
  private mutating func finish() throws(Errno) {
    for connection in connections { tally(connection) }
    for association in associations.totals { tally(association) }
    var text = ""
    for count in counts {
      text += count.isAllowed ? "allowed " : "denied "
      text += (count.name.isEmpty ? "-" : count.name) + " " + count.address.description + " " + count.transport.name
      text += " " + String(count.port)
      text += " " + String(count.connections) + " " + String(count.sent) + " " + String(count.received) + "\n"
    }
    try writeAll(summary, text)
  }
}
