/// Where a sandbox may connect to.
public struct EgressRules: Equatable, Sendable {
  public private(set) var rules: [Rule] = []

  public struct Rule: Equatable, Sendable {
    public var target: Target
    public var ports: ClosedRange<UInt16>
    public var transport = Transport.tcp
    /// A name that need not have an address when the sandbox starts.
    public var mayResolveLater = false
  }

  /// The protocol above IP, by its number (IANA, "Protocol Numbers").
  public enum Transport: UInt8, Sendable {
    case tcp = 6
    case udp = 17

    /// As it stands in a rule.
    public var name: String {
      switch self {
      case .tcp: "tcp"
      case .udp: "udp"
      }
    }
  }

  public enum Target: Equatable, Sendable {
    /// An address and how many of its first bits count, of 128.
    case network(IPAddress, bits: Int)
    /// A name in small letters.
    case name(String)
    /// All names that end with this, with its dot.
    case below(String)
  }

  /// What is wrong with a list.
  public struct Mistake: Error, Equatable, Sendable {
    public let message: String
  }

  /// How many ports a list may have where each needs a socket, and how many rules.
  public static let portLimit = 512, ruleLimit = 256

  /// No rule: nothing is allowed.
  public init() {}

  /// Reads a list: `HOST:PORT[-PORT][/udp][/later]` with commas or blanks between, where HOST is a name, `*.NAME`, an address, or an address
  /// and the length of its prefix; IPv6 in brackets. PORT may be `*` for all; without `/udp` a rule is about TCP. A NAME with `/later` need not have an address yet.
  public init(_ text: String) throws(Mistake) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split { $0 == " " || $0 == "\t" || $0 == "\n" }
      if words.isEmpty { try add("") }
      for word in words { try add(word) }
    }
    if rules.count > Self.ruleLimit {
      throw Mistake(message: "\(rules.count) rules are too many, at most \(Self.ruleLimit) are possible")
    }
  }

  /// A list for the relay, which has a socket for each port.
  public init(forRelay text: String) throws(Mistake) {
    try self.init(text)
    let count = ports(.tcp).count + ports(.udp).count
    if count > Self.portLimit {
      throw Mistake(message: "\(count) ports are too many, at most \(Self.portLimit) are possible")
    }
    if rules.contains(where: { $0.transport == .udp && $0.ports.contains(53) }) {
      throw Mistake(message: "port 53 of UDP is the sandbox's own resolver")
    }
  }

  private mutating func add(_ text: Substring) throws(Mistake) {
    func wrong(_ what: String) -> Mistake { Mistake(message: "\"" + text + "\" " + what) }
    let letters = Array(text.utf8)
    guard let colon = letters.lastIndex(of: 0x3a), letters.last != 0x5d else {
      throw wrong("has no port: write HOST:PORT")
    }
    var end = letters[(colon + 1)...]
    var transport = Transport.tcp
    var isLater = false
    if let slash = end.firstIndex(of: 0x2f) {
      var words = end[(slash + 1)...].split(separator: 0x2f, omittingEmptySubsequences: false)
        .map { Self.lowercased(String(decoding: $0, as: UTF8.self)) }
      if words.last == "later" {
        isLater = true
        words.removeLast()
      }
      switch words {
      case [], ["tcp"]: break
      case ["udp"]: transport = .udp
      default: throw wrong("has a protocol that is neither tcp nor udp")
      }
      end = end[..<slash]
    }
    guard let ports = Self.ports(end) else {
      throw wrong("has no port from 1 to 65535, or a range of them")
    }
    var host = letters[..<colon]
    // A bracket, or a prefix after it, says that it is IPv6.
    var isV6 = false
    if host.first == 0x5b {
      guard let end = host.firstIndex(of: 0x5d) else { throw wrong("has a bracket that does not end") }
      host = host[1..<end] + host[(end + 1)...]
      isV6 = true
    }
    let hostText = String(decoding: host, as: UTF8.self)
    if host.isEmpty { throw wrong("has no host") }
    let halves = hostText.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    if let address = IPAddress(halves[0]) {
      guard address.isV4 != isV6 || isV6 else { throw wrong("needs brackets around the address") }
      var bits = 128
      if halves.count == 2 {
        guard let length = IPAddress.decimal(ArraySlice(halves[1].utf8), atMost: address.isV4 ? 32 : 128) else {
          throw wrong("has a prefix that is not 0 to " + (address.isV4 ? "32" : "128"))
        }
        bits = address.isV4 ? 96 + length : length
      }
      if isLater { throw wrong("has an address, which need not be looked up: leave /later out") }
      rules.append(Rule(target: .network(address, bits: bits), ports: ports, transport: transport))
      return
    }
    let name = Self.lowercased(hostText)
    let isBelow = name.utf8.starts(with: "*.".utf8)
    let bare = isBelow ? String(name.dropFirst(2)) : name
    guard !isV6, Self.isName(bare) else { throw wrong("has neither a name nor an address before its port") }
    rules.append(
      Rule(
        target: isBelow ? .below("." + bare) : .name(bare), ports: ports, transport: transport,
        mayResolveLater: isLater))
  }

  private static func ports(_ text: ArraySlice<UInt8>) -> ClosedRange<UInt16>? {
    if text.elementsEqual([0x2a]) { return 1...UInt16.max }
    let parts = text.split(separator: 0x2d, maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = IPAddress.decimal(parts[0], atMost: 65535), first > 0 else { return nil }
    guard parts.count == 2 else { return UInt16(first)...UInt16(first) }
    guard let last = IPAddress.decimal(parts[1], atMost: 65535), last >= first else { return nil }
    return UInt16(first)...UInt16(last)
  }

  static func lowercased(_ text: String) -> String {
    String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5a ? $0 + 0x20 : $0 }, as: UTF8.self)
  }

  /// Labels of letters, digits, `-` and `_`, one of them not a number (RFC 1123, section 2.1).
  static func isName(_ text: String) -> Bool {
    let labels = text.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, last.contains(where: { $0 < 0x30 || $0 > 0x39 }) else {
      return false
    }
    return labels.allSatisfy { label in
      (1...63).contains(label.count)
        && label.allSatisfy {
          ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2d || $0 == 0x5f
        }
    }
  }

  // MARK: questions

  /// All ports of the list, sorted.
  public func ports(_ transport: Transport) -> [UInt16] {
    var all: Set<UInt16> = []
    for rule in rules where rule.transport == transport {
      // A range over the limit is as good as one.
      for port in rule.ports.prefix(Self.portLimit + 1) { all.insert(port) }
    }
    return all.sorted()
  }

  /// Whether a name may be looked up: in small letters, without a dot at the end.
  public func knows(name: String) -> Bool { rules.contains { $0.target.covers(name) } }

  /// Whether an address may be connected to, for its own sake.
  public func allows(_ address: IPAddress, port: UInt16, _ transport: Transport = .tcp) -> Bool {
    rules.contains {
      guard $0.transport == transport, case .network(let network, let bits) = $0.target else { return false }
      return $0.ports.contains(port) && address.matches(network, bits: bits)
    }
  }

  /// Whether an address that stands for the name may be connected to.
  public func allows(name: String, port: UInt16, _ transport: Transport = .tcp) -> Bool {
    rules.contains { $0.transport == transport && $0.ports.contains(port) && $0.target.covers(name) }
  }
}

extension EgressRules.Target {
  func covers(_ name: String) -> Bool {
    switch self {
    case .network: false
    case .name(let own): own == name
    case .below(let end): name.utf8.count > end.utf8.count && name.utf8.reversed().starts(with: end.utf8.reversed())
    }
  }
}
