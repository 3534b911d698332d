import LinuxSystem

/// The programs that hold the sockets of a container to its rules. They are attached to its cgroup and judge what the kernel
/// has copied already; a socket belongs to the cgroup of who made it.
///
/// Addresses are sixteen bytes, those of IPv4 as IPv6 maps them, so that both ways to say one are the same.
public struct ContainerPrograms: Sendable {
  private let rules: EgressRules
  /// The address of the container's own resolver.
  private let resolver: IPAddress

  /// - Parameter resolver: of IPv4, a loopback address.
  public init(_ rules: EgressRules, resolver: IPAddress) {
    self.rules = rules
    self.resolver = resolver
  }

  // MARK: names

  /// Rules for names that are about the same ports: an address that such a name has is allowed for them.
  struct Class: Equatable {
    let ports: ClosedRange<UInt16>
    let transport: EgressRules.Transport
  }

  static func classes(_ rules: EgressRules) -> [Class] {
    var all: [Class] = []
    for rule in rules.rules {
      if case .network = rule.target { continue }
      let one = Class(ports: rule.ports, transport: rule.transport)
      if !all.contains(one) { all.append(one) }
    }
    return all
  }

  /// The classes that a name's addresses belong to.
  static func classes(of name: String, _ rules: EgressRules) -> [Int] {
    let all = classes(rules)
    return all.indices.filter { index in
      rules.rules.contains {
        $0.target.covers(name) && Class(ports: $0.ports, transport: $0.transport) == all[index]
      }
    }
  }

  /// The size of the map's keys, in bytes, and how many it has at most.
  public static let keySize: UInt32 = 20, keyLimit: UInt32 = 4096

  /// The key of an address in a class. Its value is until when it counts, in nanoseconds of the monotonic clock.
  static func key(_ address: IPAddress, _ index: Int) -> [UInt8] {
    address.bytes + [UInt8(index & 0xff), UInt8(index >> 8), 0, 0]
  }

  // MARK: programs

  /// - Parameter map: see `key`.
  public func program(for hook: CgroupHook, map: Int32) -> [UInt64] {
    switch hook {
    case .packets: Self.packets()
    case .socket: Self.socket()
    case .connect4, .send4: addresses(isV4: true, map)
    case .connect6, .send6: addresses(isV4: false, map)
    }
  }

  /// TCP and UDP, and nothing that makes packets of its own or finds another way (raw sockets, ICMP, SCTP, MPTCP).
  static func socket() -> [UInt64] {
    var text = ProgramText()
    let stream = text.label(), refuse = text.label()
    // struct bpf_sock: type at 8, protocol at 12.
    text.loadWord(2, from: 1, 8)
    text.loadWord(3, from: 1, 12)
    text.jump(stream, if: 2, .equal, 1)
    text.jump(refuse, if: 2, .notEqual, 2)
    text.jump(refuse, if: 3, .notEqual, 17)
    text.end(1)
    text.place(stream)
    text.jump(refuse, if: 3, .notEqual, 6)
    text.end(1)
    text.place(refuse)
    text.end(0)
    return text.finished()
  }

  /// IPv4 without options, and IPv6 without a routing header: either can send a packet somewhere else than to the address
  /// that was judged (RFC 791, section 3.1; RFC 8200, section 4.4).
  static func packets() -> [UInt64] {
    var text = ProgramText()
    let v6 = text.label(), known = text.label(), allow = text.label(), refuse = text.label()
    text.copy(1, to: 6)
    func load(_ offset: UInt32) {
      text.copy(6, to: 1)
      text.set(2, offset)
      text.copy(10, to: 3)
      text.add(3, -8)
      text.set(4, 1)
      text.call(26)  // bpf_skb_load_bytes
      text.jump(refuse, if: 0, .notEqual, 0)
      text.loadByte(2, from: 10, -8)
    }
    load(0)
    text.copyWord(2, to: 3)
    text.and(3, 0xf0)
    text.jump(v6, if: 3, .equal, 0x60)
    text.jump(refuse, if: 2, .notEqual, 0x45)
    load(9)
    text.jump(allow, if: 2, .equal, 6)
    text.jump(allow, if: 2, .equal, 17)
    text.end(0)
    text.place(v6)
    load(6)
    text.jump(known, if: 2, .notEqual, 0)
    // Hop-by-hop options lead nowhere else, and the kernel itself writes them for what is larger than 64 KiB.
    load(40)
    text.place(known)
    text.jump(allow, if: 2, .equal, 6)
    text.jump(allow, if: 2, .equal, 17)
    text.place(refuse)
    text.end(0)
    text.place(allow)
    text.end(1)
    return text.finished()
  }

  // Registers: 2 to 5 the address, 6 the context, 7 the port, 8 the protocol.

  private func addresses(isV4: Bool, _ map: Int32) -> [UInt64] {
    var text = ProgramText()
    let refuse = text.label()
    text.copy(1, to: 6)
    // struct bpf_sock_addr: user_ip4 at 4, user_ip6 at 8, user_port at 24, protocol at 36.
    if isV4 {
      text.set(2, 0)
      text.set(3, 0)
      text.set(4, Self.word(0, 0, 0xff, 0xff))
      text.loadWord(5, from: 6, 4)
    } else {
      for index in 0..<4 as Range<UInt8> { text.loadWord(2 + index, from: 6, 8 + 4 * Int16(index)) }
    }
    for index in 0..<4 as Range<UInt8> { text.store(2 + index, at: -24 + 4 * Int16(index)) }
    text.loadWord(7, from: 6, 24)
    text.fromNetwork16(7)
    text.loadWord(8, from: 6, 36)
    own(&text, refuse)
    host(&text, refuse)
    for rule in rules.rules {
      guard case .network(let network, let bits) = rule.target else { continue }
      let next = text.label()
      test(&text, Class(ports: rule.ports, transport: rule.transport), else: next)
      match(&text, network, bits, else: next)
      text.end(1)
      text.place(next)
    }
    for (index, one) in Self.classes(rules).enumerated() {
      let next = text.label()
      test(&text, one, else: next)
      text.store(constant: UInt32(index), at: -8)
      text.loadMap(1, map)
      text.copy(10, to: 2)
      text.add(2, -24)
      text.call(1)  // bpf_map_lookup_elem
      text.jump(next, ifZero: 0)
      text.loadLong(9, from: 0, 0)
      text.call(5)  // bpf_ktime_get_ns
      text.jump(next, if: 0, greaterThan: 9)
      text.end(1)
      text.place(next)
    }
    text.place(refuse)
    text.end(0)
    return text.finished()
  }

  /// The container's own loopback interface, but no other resolver there: an engine's (docker's is at 127.0.0.11, behind
  /// any port) would answer for all names.
  private func own(_ text: inout ProgramText, _ refuse: ProgramText.Label) {
    let allow = text.label(), names = text.label(), next = text.label(), v6 = text.label()
    text.jump(next, if: 2, .notEqual, 0)
    text.jump(next, if: 3, .notEqual, 0)
    text.jump(v6, if: 4, .notEqual, Self.word(0, 0, 0xff, 0xff))
    text.jump(refuse, if: 5, .equal, Self.word(127, 0, 0, 11))
    // 0.0.0.0 and :: mean it, too.
    text.jump(allow, if: 5, .equal, 0)
    text.copyWord(5, to: 0)
    text.and(0, 0xff)
    text.jump(next, if: 0, .notEqual, 127)
    text.place(allow)
    text.jump(names, if: 7, .equal, 53)
    text.end(1)
    text.place(names)
    let bytes = resolver.bytes
    text.jump(refuse, if: 5, .notEqual, Self.word(bytes[12], bytes[13], bytes[14], bytes[15]))
    text.end(1)
    text.place(v6)
    text.jump(next, if: 4, .notEqual, 0)
    text.jump(allow, if: 5, .equal, 0)
    text.jump(allow, if: 5, .equal, Self.word(0, 0, 0, 1))
    text.place(next)
  }

  /// See `IPAddress.isLocal`: such addresses are refused whatever a rule says.
  private func host(_ text: inout ProgramText, _ refuse: ProgramText.Label) {
    let v6 = text.label(), zeros = text.label(), done = text.label()
    text.jump(v6, if: 2, .notEqual, 0)
    text.jump(v6, if: 3, .notEqual, 0)
    text.jump(zeros, if: 4, .notEqual, Self.word(0, 0, 0xff, 0xff))
    text.copyWord(5, to: 0)
    text.and(0, 0xff)
    text.jump(refuse, if: 0, .equal, 0)
    text.jump(refuse, if: 0, .equal, 127)
    text.jump(refuse, if: 0, .greaterOrEqual, 224)
    text.copyWord(5, to: 0)
    text.and(0, 0xffff)
    text.jump(refuse, if: 0, .equal, 169 | 254 << 8)
    text.jump(done, if: 4, .equal, Self.word(0, 0, 0xff, 0xff))
    text.place(zeros)
    text.jump(refuse, if: 4, .equal, 0)
    text.place(v6)
    text.copyWord(2, to: 0)
    text.and(0, 0xff)
    text.jump(refuse, if: 0, .equal, 0xff)
    text.copyWord(2, to: 0)
    text.and(0, 0xc0ff)
    text.jump(refuse, if: 0, .equal, 0x80fe)
    text.place(done)
  }

  private func test(_ text: inout ProgramText, _ one: Class, else next: ProgramText.Label) {
    text.jump(next, if: 8, .notEqual, UInt32(one.transport.rawValue))
    text.jump(next, if: 7, .less, UInt32(one.ports.lowerBound))
    text.jump(next, if: 7, .greater, UInt32(one.ports.upperBound))
  }

  private func match(_ text: inout ProgramText, _ network: IPAddress, _ bits: Int, else next: ProgramText.Label) {
    for index in 0..<4 {
      let count = min(32, max(0, bits - 32 * index))
      if count == 0 { continue }
      let part = network.bytes[(4 * index)..<(4 * index + 4)].map { $0 }
      let mask = (UInt32.max << UInt32(32 - count)).byteSwapped
      let wanted = Self.word(part[0], part[1], part[2], part[3]) & mask
      if count == 32 {
        text.jump(next, if: UInt8(2 + index), .notEqual, wanted)
      } else {
        text.copyWord(UInt8(2 + index), to: 0)
        text.and(0, mask)
        text.jump(next, if: 0, .notEqual, wanted)
      }
    }
  }

  /// Four bytes as a machine with little endian loads them.
  private static func word(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> UInt32 {
    UInt32(a) | UInt32(b) << 8 | UInt32(c) << 16 | UInt32(d) << 24
  }
}
