import CLinux
import LinuxSystem

/// Whether the names of some rules have addresses, before anything depends on that.
public enum NameCheck {
  /// What is wrong with a name.
  public enum Problem: Equatable, Sendable {
    /// It does not exist, or has no address.
    case noAddress(String)
    /// Nobody said: the name server is silent, out of reach, or has failed itself.
    case noAnswer(String)
  }

  /// Milliseconds that a name server has, and after which it is asked again.
  private static let patience: Int64 = 5000, again: Int64 = 1500
  /// Names that are asked for at a time: each takes two sockets.
  private static let atOnce = 32

  private enum State { case unknown, found, empty }

  /// Asks for all names that have to have an address now, and no others.
  /// - Returns: of the first that has none; nil if all have one.
  public static func run(_ rules: EgressRules, nameserver: (address: IPAddress, port: UInt16)) -> Problem? {
    var names: [String] = []
    for rule in rules.rules where !rule.mayResolveLater {
      if case .name(let name) = rule.target, !names.contains(name) { names.append(name) }
    }
    while !names.isEmpty {
      if let problem = ask(Array(names.prefix(atOnce)), nameserver) { return problem }
      names.removeFirst(min(atOnce, names.count))
    }
    return nil
  }

  private static func ask(_ names: [String], _ nameserver: Resolver.Server) -> Problem? {
    // By place of the name: what its answers for both kinds of addresses say.
    var states = names.flatMap { _ in [State.unknown, .unknown] }
    let sockets = DescriptorSet()
    var questions: [(id: UInt16, question: DNSMessage.Question)] = []
    for name in names {
      for type in [DNSMessage.Question.address, DNSMessage.Question.address6] {
        guard let random = try? randomBytes(2),
          let socket = try? Connections.datagrams(to: nameserver.address.bytes, port: nameserver.port)
        else { return .noAnswer(name) }
        sockets.insert(socket)
        questions.append((UInt16(random[0]) << 8 | UInt16(random[1]), DNSMessage.Question(name: name, type: type)))
      }
    }
    func isKnown(_ place: Int) -> Bool {
      let pair = states[(2 * place)...(2 * place + 1)]
      return pair.contains(.found) || pair.allSatisfy { $0 == .empty }
    }
    let begin = monotonicNanoseconds() / 1_000_000
    var asked = begin - again
    while !names.indices.allSatisfy({ isKnown($0) }) {
      let now = monotonicNanoseconds() / 1_000_000
      if now - begin >= patience { break }
      if now - asked >= again {
        asked = now
        for (place, one) in questions.enumerated() where states[place] == .unknown && !isKnown(place / 2) {
          try? writeAll(sockets.raw[place], DNSMessage.query(id: one.id, one.question))
        }
      }
      let open = states.indices.filter { states[$0] == .unknown }
      let left = Int32(clamping: min(patience - (now - begin), again - (now - asked)))
      guard let ready = try? waitReadable(open.map { sockets.raw[$0] }, timeout: max(1, left)) else { continue }
      for index in ready {
        let (place, one) = (open[index], questions[open[index]])
        // An error of the socket is taken too, so that it does not stay ready.
        guard let (bytes, _) = Connections.receive(sockets.raw[place]),
          let answer = DNSMessage.readAnswer(bytes, id: one.id, question: one.question)
        else { continue }
        if !answer.addresses.isEmpty {
          states[place] = .found
        } else if answer.code == 0 || answer.code == DNSMessage.noSuchName {
          states[place] = .empty
        }
      }
    }
    for (place, name) in names.enumerated() where !states[(2 * place)...(2 * place + 1)].contains(.found) {
      return isKnown(place) ? .noAddress(name) : .noAnswer(name)
    }
    return nil
  }
}
