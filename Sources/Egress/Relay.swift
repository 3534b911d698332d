import CLinux
import LinuxSystem

/// The process that connects a sandbox without a network to what its rules allow.
///
/// In the sandbox's network namespace every address is local: a connection to anywhere ends at one of the relay's sockets there,
/// which tells the address that was meant. The relay, which is in the network of the host, connects on and copies
/// bytes. Nothing in the sandbox ever has a socket of the host's network. Datagrams go nowhere but to port 53, where the relay
/// answers questions for the names of its rules, whatever server was asked, and remembers the addresses.
public struct Relay: ~Copyable {
  private let rules: EgressRules
  private let nameserver: (address: IPAddress, port: UInt16)
  private let control: Int32
  private let summary: Int32
  private var listeners: [(socket: Int32, port: UInt16)] = []
  private var names: Int32 = -1
  private var connections: [Connection] = []
  private var questions: [PendingQuestion] = []
  private var pinned: [Pin] = []
  private var counts: [Count] = []
  private var buffer = [UInt8](repeating: 0, count: 32 << 10)

  private static let connectionLimit = 256
  private static let questionLimit = 64
  private static let pinLimit = 4096
  private static let countLimit = 1000
  /// Milliseconds after which a question has no answer.
  private static let patience: Int64 = 5000
  /// Seconds that an address is remembered at least: programs look a name up and connect a little later.
  private static let shortestPin: UInt32 = 60

  private struct Connection {
    let inside, outside: Int32
    let count: Int
    var stands = false
    var outward = Channel()
    var inward = Channel()
  }

  private struct PendingQuestion {
    let socket: Int32
    let id, theirID: UInt16
    let question: DNSMessage.Question
    let peer: Connections.Peer
    let deadline: Int64
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
    for port in rules.ports {
      let listener = try Connections.listen(port: port)
      try send(sockets, [UInt8(port >> 8), UInt8(port & 0xff)], descriptors: [listener.raw])
    }
    let names = try Connections.datagrams(port: 53)
    try send(sockets, [0], descriptors: [names.raw])
  }

  /// - Returns: false if the sandbox did not come to be.
  private mutating func receiveSockets(_ channel: Int32) throws(Errno) -> Bool {
    while let message = try receive(channel) {
      guard let socket = message.descriptor else { return false }
      if message.bytes.count == 1 {
        names = socket
        return true
      }
      guard message.bytes.count == 2 else { return false }
      listeners.append((socket, UInt16(message.bytes[0]) << 8 | UInt16(message.bytes[1])))
    }
    return false
  }

  // MARK: the loop

  private mutating func run() throws(Errno) {
    while true {
      var entries = [Readiness(control, reads: true), Readiness(names, reads: questions.count < Self.questionLimit)]
      let isFull = connections.count >= Self.connectionLimit
      for listener in listeners { entries.append(Readiness(listener.socket, reads: !isFull)) }
      let firstQuestion = entries.count
      for question in questions { entries.append(Readiness(question.socket, reads: true)) }
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
      try wait(for: &entries, timeout: questions.isEmpty ? -1 : 500)
      if entries[0].canRead || entries[0].isBroken { return try finish() }
      // From the last on: those that end are taken out.
      for index in connections.indices.reversed() {
        let place = firstConnection + 2 * index
        serve(index, entries[place], entries[place + 1])
      }
      let now = monotonicNanoseconds() / 1_000_000
      for index in questions.indices.reversed() {
        if entries[firstQuestion + index].canRead {
          takeAnswer(index)
        } else if questions[index].deadline < now {
          drop(index)
        }
      }
      if entries[1].canRead { takeQuestion() }
      for (index, listener) in listeners.enumerated() where entries[2 + index].canRead { accept(listener) }
    }
  }

  // MARK: connections

  private mutating func accept(_ listener: (socket: Int32, port: UInt16)) {
    var bytes: [UInt8] = []
    guard let socket = Connections.accept(listener.socket, to: &bytes) else { return }
    let address = IPAddress(bytes: bytes)
    let name = allowed(address, listener.port)
    let count = counted(name ?? "", address, listener.port, isAllowed: name != nil)
    guard name != nil, let outside = try? Connections.connect(bytes, port: listener.port) else {
      return Connections.refuse(socket.raw)
    }
    connections.append(Connection(inside: socket.release(), outside: outside.release(), count: count))
  }

  /// The name that allows the connection, empty if the address itself does; nil if nothing does.
  private func allowed(_ address: IPAddress, _ port: UInt16) -> String? {
    // Here they mean the host, not the sandbox.
    if address.isLocal { return nil }
    if rules.allows(address, port: port) { return "" }
    let now = monotonicNanoseconds() / 1_000_000_000
    return pinned.first { $0.address == address && $0.end >= now && rules.allows(name: $0.name, port: port) }?.name
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
  private mutating func counted(_ name: String, _ address: IPAddress, _ port: UInt16, isAllowed: Bool) -> Int {
    var place = counts.firstIndex {
      $0.address == address && $0.port == port && $0.name == name && $0.isAllowed == isAllowed
    }
    if place == nil, counts.count < Self.countLimit {
      counts.append(Count(name: name, address: address, port: port, isAllowed: isAllowed))
      place = counts.count - 1
    }
    if let place { counts[place].connections += 1 }
    return place ?? -1
  }

  // MARK: names

  private mutating func takeQuestion() {
    guard let (bytes, peer) = Connections.receive(names), let (id, question) = DNSMessage.readQuery(bytes) else {
      return
    }
    func reply(_ answer: DNSMessage.Answer) {
      Connections.answer(DNSMessage.response(id: id, question, answer), to: peer, over: names)
    }
    if !rules.knows(name: question.name) {
      _ = counted(question.name, IPAddress(v4: [0, 0, 0, 0]), 53, isAllowed: false)
      return reply(DNSMessage.Answer(code: DNSMessage.noSuchName))
    }
    // Nothing but addresses, so that little else than the names themselves goes out.
    guard question.type == DNSMessage.Question.address || question.type == DNSMessage.Question.address6 else {
      return reply(DNSMessage.Answer(code: 0))
    }
    guard let random = try? randomBytes(2),
      let socket = try? Connections.datagrams(to: nameserver.address.bytes, port: nameserver.port)
    else { return reply(DNSMessage.Answer(code: DNSMessage.failure)) }
    let own = UInt16(random[0]) << 8 | UInt16(random[1])
    guard (try? writeAll(socket.raw, DNSMessage.query(id: own, question))) != nil else {
      return reply(DNSMessage.Answer(code: DNSMessage.failure))
    }
    questions.append(
      PendingQuestion(
        socket: socket.release(), id: own, theirID: id, question: question, peer: peer,
        deadline: monotonicNanoseconds() / 1_000_000 + Self.patience))
  }

  private mutating func takeAnswer(_ index: Int) {
    let pending = questions[index]
    guard let (bytes, _) = Connections.receive(pending.socket) else { return drop(index) }
    // Somebody else's guess: the right one may still come.
    guard var answer = DNSMessage.readAnswer(bytes, id: pending.id, question: pending.question) else { return }
    // A name may not stand for the host itself.
    answer.addresses.removeAll { $0.isLocal }
    let lifetime = max(answer.lifetime, Self.shortestPin)
    let end = monotonicNanoseconds() / 1_000_000_000 + Int64(min(lifetime, 86400))
    for address in answer.addresses { pin(address, pending.question.name, end) }
    Connections.answer(
      DNSMessage.response(id: pending.theirID, pending.question, answer), to: pending.peer, over: names)
    drop(index)
  }

  private mutating func pin(_ address: IPAddress, _ name: String, _ end: Int64) {
    if let place = pinned.firstIndex(where: { $0.address == address && $0.name == name }) {
      pinned[place].end = max(pinned[place].end, end)
      return
    }
    let now = monotonicNanoseconds() / 1_000_000_000
    pinned.removeAll { $0.end < now }
    if pinned.count < Self.pinLimit { pinned.append(Pin(address: address, name: name, end: end)) }
  }

  private mutating func drop(_ index: Int) { _ = rc_close(questions.remove(at: index).socket) }

  // MARK: the end

  /// Lines of: allowed or denied, name or -, address, port, connections, bytes sent and received.
  private mutating func finish() throws(Errno) {
    for connection in connections { tally(connection) }
    var text = ""
    for count in counts {
      text += count.isAllowed ? "allowed " : "denied "
      text += (count.name.isEmpty ? "-" : count.name) + " " + count.address.description + " " + String(count.port)
      text += " " + String(count.connections) + " " + String(count.sent) + " " + String(count.received) + "\n"
    }
    try writeAll(summary, text)
  }
}
