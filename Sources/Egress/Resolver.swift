import CLinux
import LinuxSystem

/// Answers questions for the names of some rules, and no others, by asking a name server of the host. What asks is hostile,
/// and so is what the name server says.
struct Resolver {
  /// Who is asked.
  typealias Server = (address: IPAddress, port: UInt16)

  /// What a name was found to mean, and until when (seconds of the monotonic clock).
  struct Found {
    let name: String
    let addresses: [IPAddress]
    let end: Int64
  }

  private let rules: EgressRules
  private let nameserver: Server
  /// Where questions come in.
  private let socket: Int32
  private var questions: [PendingQuestion] = []

  private static let questionLimit = 64
  /// Milliseconds after which a question has no answer.
  private static let patience: Int64 = 5000
  /// Seconds that an address is remembered at least: programs look a name up and connect a little later.
  private static let shortestPin: UInt32 = 60

  private struct PendingQuestion {
    let socket: Int32
    let id, theirID: UInt16
    let question: DNSMessage.Question
    let peer: Connections.Peer
    let deadline: Int64
  }

  init(_ rules: EgressRules, _ nameserver: Server, socket: Int32) {
    self.rules = rules
    self.nameserver = nameserver
    self.socket = socket
  }

  // MARK: waiting

  /// What is to be waited for: the place for questions, then one for each that has no answer yet.
  var entries: [Readiness] {
    [Readiness(socket, reads: questions.count < Self.questionLimit)]
      + questions.map { Readiness($0.socket, reads: true) }
  }

  /// Milliseconds after which to look again.
  var timeout: Int32 { questions.isEmpty ? -1 : 500 }

  /// Goes on with what is ready.
  /// - Parameters:
  ///   - entries: those of `entries`, after waiting.
  ///   - denied: called for a name that is not on the list.
  ///   - found: called before whoever asked is answered.
  mutating func serve(_ entries: ArraySlice<Readiness>, denied: (String) -> Void, found: (Found) -> Void) {
    let now = monotonicNanoseconds() / 1_000_000
    // From the last on: those that end are taken out.
    for index in questions.indices.reversed() {
      if entries[entries.startIndex + 1 + index].canRead {
        takeAnswer(index, found)
      } else if questions[index].deadline < now {
        drop(index)
      }
    }
    if entries[entries.startIndex].canRead { takeQuestion(denied) }
  }

  // MARK: names

  private mutating func takeQuestion(_ denied: (String) -> Void) {
    guard let (bytes, peer) = Connections.receive(socket), let (id, question) = DNSMessage.readQuery(bytes) else {
      return
    }
    func reply(_ answer: DNSMessage.Answer) {
      Connections.answer(DNSMessage.response(id: id, question, answer), to: peer, over: socket)
    }
    if !rules.knows(name: question.name) {
      denied(question.name)
      return reply(DNSMessage.Answer(code: DNSMessage.noSuchName))
    }
    // Nothing but addresses, so that little else than the names themselves goes out.
    guard question.type == DNSMessage.Question.address || question.type == DNSMessage.Question.address6 else {
      return reply(DNSMessage.Answer(code: 0))
    }
    guard let random = try? randomBytes(2),
      let upstream = try? Connections.datagrams(to: nameserver.address.bytes, port: nameserver.port)
    else { return reply(DNSMessage.Answer(code: DNSMessage.failure)) }
    let own = UInt16(random[0]) << 8 | UInt16(random[1])
    guard (try? writeAll(upstream.raw, DNSMessage.query(id: own, question))) != nil else {
      return reply(DNSMessage.Answer(code: DNSMessage.failure))
    }
    questions.append(
      PendingQuestion(
        socket: upstream.release(), id: own, theirID: id, question: question, peer: peer,
        deadline: monotonicNanoseconds() / 1_000_000 + Self.patience))
  }

  private mutating func takeAnswer(_ index: Int, _ found: (Found) -> Void) {
    let pending = questions[index]
    guard let (bytes, _) = Connections.receive(pending.socket) else { return drop(index) }
    // Somebody else's guess: the right one may still come.
    guard var answer = DNSMessage.readAnswer(bytes, id: pending.id, question: pending.question) else { return }
    // A name may not stand for the host itself.
    answer.addresses.removeAll { $0.isLocal }
    let lifetime = max(answer.lifetime, Self.shortestPin)
    let end = monotonicNanoseconds() / 1_000_000_000 + Int64(min(lifetime, 86400))
    found(Found(name: pending.question.name, addresses: answer.addresses, end: end))
    Connections.answer(
      DNSMessage.response(id: pending.theirID, pending.question, answer), to: pending.peer, over: socket)
    drop(index)
  }

  private mutating func drop(_ index: Int) { _ = rc_close(questions.remove(at: index).socket) }
}

extension IPAddress {
  /// The first name server that the host's /etc/resolv.conf names (resolv.conf(5)); without one, the host itself.
  public static func hostNameserver() -> (address: IPAddress, port: UInt16) {
    let text = (try? readFile("/etc/resolv.conf", limit: 1 << 20)) ?? ""
    for line in text.split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }
      if words.count >= 2, words[0] == "nameserver", let address = IPAddress(words[1]) { return (address, 53) }
    }
    return (IPAddress(v4: [127, 0, 0, 1]), 53)
  }

  /// A name server: an address, or an IPv4 address and a port.
  public static func nameserver(_ text: String) -> (address: IPAddress, port: UInt16)? {
    if let address = IPAddress(text) { return (address, 53) }
    let halves = text.split(separator: ":", omittingEmptySubsequences: false)
    guard halves.count == 2, let address = IPAddress(halves[0]), let port = UInt16(halves[1]), port > 0 else {
      return nil
    }
    return (address, port)
  }
}
