import Testing

@testable import Egress

@Suite("Addresses") struct IPAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
    ("::1", "::1"), ("2001:db8::5", "2001:db8::5"), ("2001:DB8:0:0:0:0:0:5", "2001:db8::5"), ("fe80::", "fe80::"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
  ])
  func areReadAndWritten(text: String, canonical: String) throws {
    #expect(try #require(IPAddress(text)).description == canonical)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.-4", "a.b.c.d", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::", "g::", "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:8::",
  ])
  func whatIsNoneIsRefused(text: String) { #expect(IPAddress(text) == nil) }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.9.9.9", true), ("0.0.0.0", true), ("169.254.169.254", true), ("224.0.0.1", true),
    ("255.255.255.255", true), ("::1", true), ("::", true), ("fe80::1", true), ("febf::1", true), ("ff02::1", true),
    ("::7f00:1", true), ("10.0.0.1", false), ("192.0.2.1", false), ("2001:db8::1", false), ("fd00::1", false),
  ])
  func someMeanTheHostItself(text: String, isLocal: Bool) throws {
    #expect(try #require(IPAddress(text)).isLocal == isLocal)
  }
}

@Suite("Egress rules") struct EgressRulesTests {
  @Test func namesAddressesAndNetworks() throws {
    let rules = try EgressRules("API.example.com:443,*.cdn.test:80-81,10.1.0.0/16:5432,[2001:db8::]/32:443,192.0.2.7:1")
    #expect(rules.ports(.tcp) == [1, 80, 81, 443, 5432])
    #expect(rules.knows(name: "api.example.com"))
    #expect(!rules.knows(name: "xapi.example.com"))
    #expect(!rules.knows(name: "example.com"))
    #expect(rules.allows(name: "api.example.com", port: 443))
    #expect(!rules.allows(name: "api.example.com", port: 80))
    #expect(rules.allows(name: "a.b.cdn.test", port: 81))
    #expect(!rules.allows(name: "cdn.test", port: 80))
    #expect(!rules.allows(name: "evilcdn.test", port: 80))
    func allows(_ address: String, _ port: UInt16) -> Bool { rules.allows(IPAddress(address)!, port: port) }
    #expect(allows("10.1.255.255", 5432))
    #expect(!allows("10.2.0.0", 5432))
    #expect(!allows("10.1.0.1", 443))
    #expect(allows("2001:db8:ffff::1", 443))
    #expect(!allows("2001:db9::1", 443))
    #expect(allows("192.0.2.7", 1))
    #expect(!allows("192.0.2.6", 1))
  }

  @Test func protocolsAndAllPorts() throws {
    let rules = try EgressRules("a.test:53/udp, 10.0.0.0/8:* [2001:db8::1]:7-8/UDP,b.test:1/tcp")
    #expect(rules.ports(.udp) == [7, 8, 53])
    #expect(rules.allows(name: "a.test", port: 53, .udp))
    #expect(!rules.allows(name: "a.test", port: 53))
    #expect(rules.allows(IPAddress("10.1.1.1")!, port: 65535))
    #expect(!rules.allows(IPAddress("10.1.1.1")!, port: 65535, .udp))
    #expect(throws: EgressRules.Mistake.self) { try EgressRules(forRelay: "a.test:53/udp") }
    #expect(throws: EgressRules.Mistake.self) { try EgressRules(forRelay: "a.test:*") }
    #expect(throws: EgressRules.Mistake.self) { try EgressRules(forRelay: "a.test:1-300,a.test:1-300/udp") }
    #expect(throws: EgressRules.Mistake.self) {
      try EgressRules((0..<257).map { "a.test:\($0 + 1)" }.joined(separator: ","))
    }
  }

  @Test(arguments: [
    ("", "no port"), ("example.com", "no port"), ("example.com:", "no port"), ("example.com:0", "no port"),
    ("example.com:65536", "no port"), ("example.com:9-8", "no port"), (":443", "no host"), ("10.0.0.0/33:1", "prefix"),
    ("10.0.0.0/x:1", "prefix"), ("exa mple:1", "no port"), ("exa!mple:1", "neither"), ("a:1, ,b:2", "no port"),
    ("*:443", "neither"), ("*.:443", "neither"),
    ("a..b:1", "neither"),
    ("1.2.3:4", "neither"), ("[1.2.3:4", "bracket"), ("2001:db8::1:443", "brackets"), ("a:1,,b:2", "no port"),
    ("a:1-1000", "too many"), ("[2001:db8::1]", "no port"),
  ])
  func mistakesAreNamed(text: String, message: String) {
    let mistake = #expect(throws: EgressRules.Mistake.self) { try EgressRules(forRelay: text) }
    #expect(mistake?.message.contains(message) == true, "\(mistake?.message ?? "")")
  }
}

@Suite("Messages of the domain name system") struct DNSMessageTests {
  static let question = DNSMessage.Question(name: "api.example.com", type: 1)

  @Test func aQueryIsReadBack() throws {
    let (id, question) = try #require(DNSMessage.readQuery(DNSMessage.query(id: 0x1234, Self.question)))
    #expect(id == 0x1234)
    #expect(question == Self.question)
  }

  @Test func anAnswerIsReadBack() throws {
    let answer = DNSMessage.Answer(
      code: 0, addresses: [IPAddress("192.0.2.1")!, IPAddress("192.0.2.2")!], lifetime: 300)
    let bytes = DNSMessage.response(id: 7, Self.question, answer)
    #expect(DNSMessage.readAnswer(bytes, id: 7, question: Self.question) == answer)
    #expect(DNSMessage.readAnswer(bytes, id: 8, question: Self.question) == nil)
    #expect(DNSMessage.readAnswer(bytes, id: 7, question: .init(name: "other.example.com", type: 1)) == nil)
    let six = DNSMessage.Question(name: "api.example.com", type: 28)
    let answer6 = DNSMessage.Answer(code: 0, addresses: [IPAddress("2001:db8::1")!], lifetime: 5)
    #expect(DNSMessage.readAnswer(DNSMessage.response(id: 7, six, answer6), id: 7, question: six) == answer6)
  }

  /// An alias first, with a pointer to the question's name: the address belongs to what it stands for.
  @Test func aliasesAreFollowedByTheirAddresses() throws {
    var bytes = DNSMessage.query(id: 1, Self.question)
    bytes[2] = 0x81
    bytes[7] = 2
    bytes += [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 0x78, 0xc0, 16]  // CNAME x.example.com
    bytes += [0xc0, UInt8(bytes.count - 4), 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 5]
    let answer = try #require(DNSMessage.readAnswer(bytes, id: 1, question: Self.question))
    #expect(answer.addresses == [IPAddress("192.0.2.5")!])
    #expect(answer.lifetime == 9)
  }

  @Test func namesThatPointForwardOrInCirclesAreRefused() {
    let head: [UInt8] = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    #expect(DNSMessage.readQuery(head + [0xc0, 12, 0, 1, 0, 1]) == nil)
    #expect(DNSMessage.readQuery(head + [0xc0, 14, 1, 0x61, 0, 0, 1, 0, 1]) == nil)
    #expect(DNSMessage.readQuery(head + [3, 0x61, 0x2e, 0x62, 0, 0, 1, 0, 1]) == nil, "a dot in a label")
    #expect(DNSMessage.readQuery(head + [64] + [UInt8](repeating: 0x61, count: 64) + [0, 0, 1, 0, 1]) == nil)
  }

  @Test func mutatedMessagesDoNoHarm() {
    var random = SystemRandomNumberGenerator()
    let answer = DNSMessage.Answer(code: 0, addresses: [IPAddress("192.0.2.1")!], lifetime: 300)
    let seeds = [DNSMessage.query(id: 1, Self.question), DNSMessage.response(id: 1, Self.question, answer)]
    for round in 0..<20_000 {
      var bytes = seeds[round % 2]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if round % 3 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      if let (_, question) = DNSMessage.readQuery(bytes) { #expect(question.name.utf8.count <= 254) }
      if let found = DNSMessage.readAnswer(bytes, id: 1, question: Self.question) {
        #expect(found.addresses.count <= 16)
      }
    }
  }
}
