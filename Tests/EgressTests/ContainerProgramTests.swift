import LinuxSystem
import Testing

@testable import Egress

/// Carries out the instructions that our programs have, as the kernel does (kernel documentation,
/// bpf/standardization/instruction-set).
private struct Machine {
  /// What the context holds, by byte.
  var context = [UInt8](repeating: 0, count: 64)
  /// Keys of 20 bytes, and values.
  var map: [[UInt8]: UInt64] = [:]
  var now: UInt64 = 1000

  func run(_ program: [UInt64]) -> UInt64 {
    var registers = [UInt64](repeating: 0xdead_beef_dead_beef, count: 11)
    var stack = [UInt8](repeating: 0, count: 64)
    // Places: the context at 1 << 32, the stack's end at 2 << 32, a found value at 3 << 32.
    (registers[1], registers[10]) = (1 << 32, 2 << 32)
    var found: UInt64 = 0
    var place = 0
    func load(_ address: UInt64, _ size: Int) -> UInt64 {
      if address == 3 << 32 { return found }
      let isStack = address > 1 << 32 + 1000
      let start = isStack ? Int(bitPattern: UInt(address &- 2 << 32)) + 64 : Int(address - 1 << 32)
      let bytes = isStack ? stack : context
      return (0..<size).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }
    for _ in 0..<100_000 {
      let word = program[place]
      let (to, from) = (Int(word >> 8 & 15), Int(word >> 12 & 15))
      let offset = Int(Int16(truncatingIfNeeded: word >> 16))
      let value = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: word >> 32)))
      let (low, constant) = (UInt32(truncatingIfNeeded: registers[to]), UInt32(truncatingIfNeeded: value))
      var jumps = false
      switch word & 0xff {
      case 0xb7: registers[to] = value
      case 0xbf: registers[to] = registers[from]
      case 0xbc: registers[to] = registers[from] & 0xffff_ffff
      case 0x54: registers[to] = UInt64(low & constant)
      case 0x07: registers[to] &+= value
      case 0xdc: registers[to] = UInt64(UInt16(truncatingIfNeeded: registers[to]).byteSwapped)
      case 0x61: registers[to] = load(registers[from] &+ UInt64(bitPattern: Int64(offset)), 4)
      case 0x71: registers[to] = load(registers[from] &+ UInt64(bitPattern: Int64(offset)), 1)
      case 0x79: registers[to] = load(registers[from] &+ UInt64(bitPattern: Int64(offset)), 8)
      case 0x63, 0x62:
        let stored = word & 0xff == 0x62 ? constant : UInt32(truncatingIfNeeded: registers[from])
        for index in 0..<4 { stack[64 + offset + index] = UInt8(truncatingIfNeeded: stored >> UInt32(8 * index)) }
      case 0x18: place += 1
      case 0x85 where value == 1:
        let start = Int(bitPattern: UInt(registers[2] &- 2 << 32)) + 64
        let entry = map[Array(stack[start..<(start + 20)])]
        found = entry ?? 0
        registers[0] = entry == nil ? 0 : 3 << 32
      case 0x85 where value == 5: registers[0] = now
      case 0x95: return registers[0]
      case 0x16: jumps = low == constant
      case 0x56: jumps = low != constant
      case 0x26: jumps = low > constant
      case 0x36: jumps = low >= constant
      case 0xa6: jumps = low < constant
      case 0x15: jumps = registers[to] == value
      case 0x2d: jumps = registers[to] > registers[from]
      default: fatalError("instruction \(place)")
      }
      place += 1 + (jumps ? offset : 0)
    }
    fatalError("it does not end")
  }
}

@Suite("Programs of a container's cgroup") struct ContainerProgramTests {
  private let resolver = IPAddress(v4: [127, 53, 1, 2])

  private func judge(
    _ rules: EgressRules, _ address: IPAddress, _ port: UInt16, _ transport: UInt8, _ machine: Machine = Machine(),
    isV4: Bool? = nil
  ) -> Bool {
    var machine = machine
    let isV4 = isV4 ?? address.isV4
    if isV4 {
      machine.context.replaceSubrange(4..<8, with: address.bytes[12...])
    } else {
      machine.context.replaceSubrange(8..<24, with: address.bytes)
    }
    machine.context.replaceSubrange(24..<26, with: [UInt8(port >> 8), UInt8(port & 0xff)])
    machine.context[36] = transport
    let programs = ContainerPrograms(rules, resolver: resolver)
    let connect = machine.run(programs.program(for: isV4 ? .connect4 : .connect6, map: 3))
    let send = machine.run(programs.program(for: isV4 ? .send4 : .send6, map: 3))
    #expect(connect == send)
    return connect == 1
  }

  /// What the rules say in words of ours, for addresses without names.
  private func isAllowed(_ rules: EgressRules, _ address: IPAddress, _ port: UInt16, _ transport: UInt8) -> Bool {
    let bytes = address.bytes
    let isOwn =
      address.isV4 && (bytes[12] == 127 || bytes[12...] == [0, 0, 0, 0])
      || !address.isV4 && bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] < 2
    if isOwn { return address == resolver || (port != 53 && bytes[12...] != [127, 0, 0, 11]) }
    if address.isLocal { return false }
    guard let transport = EgressRules.Transport(rawValue: transport) else { return false }
    return rules.allows(address, port: port, transport)
  }

  @Test func decideAsTheRulesDo() throws {
    let rules = try EgressRules(
      "10.0.0.0/8:80-90,10.128.0.0/9:53/udp,192.0.2.7:*,[2001:db8::]/33:443,[2001:db8::5]:1-9/udp,0.0.0.0/0:7,[::]/0:7/udp,172.16.0.0/12:5"
    )
    let texts = [
      "10.0.0.1", "10.127.255.255", "10.128.0.0", "11.0.0.0", "9.255.255.255", "192.0.2.7", "192.0.2.6", "127.0.0.1",
      "127.0.0.11",
      "127.53.1.2", "127.53.1.3", "0.0.0.0", "0.0.0.1", "169.254.169.254", "169.253.1.1", "224.0.0.1",
      "223.255.255.255", "255.255.255.255",
      "172.15.0.1", "172.16.0.1", "172.31.255.255", "172.32.0.0", "::", "::1", "::2", "::7f00:1", "fe80::1", "febf::1",
      "fec0::1", "ff02::1",
      "2001:db8::1", "2001:db8::5", "2001:db8:7fff:ffff::", "2001:db8:8000::", "2001:db9::", "64:ff9b::a00:1",
      "fd00::1",
    ]
    for text in texts {
      let address = try #require(IPAddress(text))
      for port in [1, 5, 7, 9, 10, 53, 79, 80, 90, 91, 443, 65535] as [UInt16] {
        for transport in [1, 6, 17, 132] as [UInt8] {
          let wanted = isAllowed(rules, address, port, transport)
          #expect(judge(rules, address, port, transport) == wanted, "\(text) \(port) \(transport)")
          // IPv4 in the words of IPv6.
          if address.isV4 {
            #expect(judge(rules, address, port, transport, isV4: false) == wanted, "\(text) \(port) \(transport)")
          }
        }
      }
    }
  }

  @Test func randomNetworksAndAddresses() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let isV4 = Bool.random(using: &random)
      let network = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      let bits = Int.random(in: 0...(isV4 ? 32 : 128), using: &random)
      var text = IPAddress(bytes: network).description
      if isV4 { text = IPAddress(v4: Array(network[12...])).description }
      guard let rules = try? EgressRules((isV4 ? text : "[" + text + "]") + "/\(bits):9"), let base = IPAddress(text)
      else {
        Issue.record("\(text)")
        return
      }
      // One bit after another is another.
      for flipped in (isV4 ? 96 : 0)..<128 {
        var bytes = base.bytes
        bytes[flipped / 8] ^= 0x80 >> UInt8(flipped % 8)
        let address = IPAddress(bytes: bytes)
        #expect(judge(rules, address, 9, 6) == isAllowed(rules, address, 9, 6))
      }
    }
  }

  @Test func namesCountForTheirPortsAndTheirTime() throws {
    let rules = try EgressRules("api.test:443,*.test:80-81,api.test:5/udp,other.test:443")
    #expect(ContainerPrograms.classes(rules).count == 3)
    #expect(ContainerPrograms.classes(of: "api.test", rules) == [0, 1, 2])
    #expect(ContainerPrograms.classes(of: "other.test", rules) == [0, 1])
    #expect(ContainerPrograms.classes(of: "x.test", rules) == [1])
    #expect(ContainerPrograms.classes(of: "test", rules) == [])
    let address = try #require(IPAddress("192.0.2.1"))
    var machine = Machine()
    #expect(ContainerPrograms.key(address, 1).count == Int(ContainerPrograms.keySize))
    machine.map[ContainerPrograms.key(address, 1)] = 1000
    #expect(judge(rules, address, 80, 6, machine))
    #expect(!judge(rules, address, 443, 6, machine))
    #expect(!judge(rules, address, 80, 17, machine))
    #expect(!judge(rules, try #require(IPAddress("192.0.2.2")), 80, 6, machine))
    machine.now = 1001
    #expect(!judge(rules, address, 80, 6, machine))
  }

  @Test func onlyTwoKindsOfSockets() {
    for type in 1...6 as ClosedRange<UInt8> {
      for number in [0, 1, 6, 17, 58, 132, 136, 255] as [UInt8] {
        var machine = Machine()
        (machine.context[8], machine.context[12]) = (type, number)
        let wanted = type == 1 && number == 6 || type == 2 && number == 17
        #expect((machine.run(ContainerPrograms.socket()) == 1) == wanted)
      }
    }
  }

  @Test func theAddressOfTheResolver() {
    let one = NameService.address(for: "a")
    #expect(one == NameService.address(for: "a"))
    #expect(one != NameService.address(for: "b"))
    #expect(one.description.hasPrefix("127.53."))
    for number in 0..<1000 {
      let last = NameService.address(for: "c\(number)").bytes[15]
      #expect(last > 0 && last < 255)
    }
  }
}
