import CLinux

/// A socket for routing messages (rtnetlink(7)), bound to the network namespace that it was made in.
public struct Netlink: ~Copyable {
  private let socket: Descriptor
  private var sequence: UInt32 = 0

  /// A network device as the kernel lists it.
  public struct Link: Equatable, Sendable {
    public let index: Int32
    public let name: String
  }

  /// An address of a device, with the attributes that its message had.
  public struct Address: Equatable, Sendable {
    fileprivate let family, prefixLength: UInt8
    fileprivate let flags: UInt32
    fileprivate let attributes: [UInt8]
  }

  /// In the namespace of the caller.
  public init() throws(Errno) {
    socket = Descriptor(owning: Int32(try check(rc_socket(AF_NETLINK, Int32(SOCK_RAW.rawValue)))))
  }

  /// In another namespace. The caller, which has one thread, is in it for the time of the call.
  public init(inNamespace namespace: Int32) throws(Errno) {
    let own = try open("/proc/self/ns/net", O_RDONLY)
    try joinNamespace(namespace, kinds: CLONE_NEWNET)
    let made = rc_socket(AF_NETLINK, Int32(SOCK_RAW.rawValue))
    // What comes next must not happen in a place that belongs to a container.
    do throws(Errno) { try joinNamespace(own.raw, kinds: CLONE_NEWNET) } catch { exitNow(1) }
    socket = Descriptor(owning: Int32(try check(made)))
  }

  // MARK: requests

  /// The devices of the namespace.
  public mutating func links() throws(Errno) -> [Link] {
    var request = Message(kind: .getLink, flags: .dump)
    request.link()
    var links: [Link] = []
    for message in try exchange(request) where message.kind == .newLink {
      guard message.body.count >= 16 else { continue }
      let name = message.attributes(after: 16).first { $0.kind == Attribute.linkName }
      links.append(
        Link(
          index: Int32(bitPattern: message.body.word(at: 4)),
          name: String(decoding: (name?.value ?? []).prefix { $0 != 0 }, as: UTF8.self)))
    }
    return links
  }

  /// The addresses of a device that are permanent and of global scope (IFA_F_PERMANENT, RT_SCOPE_UNIVERSE).
  public mutating func lastingAddresses(of index: Int32) throws(Errno) -> [Address] {
    var request = Message(kind: .getAddress, flags: .dump)
    request.append([0, 0, 0, 0])
    request.append(word: 0)
    var addresses: [Address] = []
    for message in try exchange(request) where message.kind == .newAddress {
      let body = message.body
      guard body.count >= 8, body.word(at: 4) == UInt32(bitPattern: index), body[3] == 0 else { continue }
      var flags = UInt32(body[2])
      var kept = Message(kind: .newAddress, flags: [])
      for attribute in message.attributes(after: 8) {
        switch attribute.kind {
        case Attribute.addressFlags where attribute.value.count == 4: flags = attribute.value.word(at: 0)
        // The label carries the old name of the device; what the kernel counts is not ours to set.
        case Attribute.address, Attribute.local, Attribute.broadcast, Attribute.anycast, Attribute.metric:
          kept.append(attribute.kind, attribute.value)
        default: break
        }
      }
      guard flags & 0x80 != 0 else { continue }  // IFA_F_PERMANENT
      addresses.append(
        Address(family: body[0], prefixLength: body[1], flags: flags, attributes: kept.body))
    }
    return addresses
  }

  /// Moves a device to another namespace under a name, in which `%d` stands for a number of the kernel's choice.
  public mutating func move(_ index: Int32, toNamespace namespace: Int32, as name: String) throws(Errno) {
    var request = Message(kind: .newLink, flags: .acknowledge)
    request.link(index: index)
    request.append(Attribute.linkNamespace, UInt32(bitPattern: namespace))
    request.append(Attribute.linkName, Array(name.utf8) + [0])
    _ = try exchange(request)
  }

  public mutating func add(_ address: Address, to index: Int32) throws(Errno) {
    var request = Message(kind: .newAddress, flags: [.acknowledge, .create])
    request.append([address.family, address.prefixLength, UInt8(truncatingIfNeeded: address.flags), 0])
    request.append(word: UInt32(bitPattern: index))
    request.append(address.attributes)
    // Beyond the eight bits of the header; an address that was found unique stays so.
    request.append(Attribute.addressFlags, address.flags)
    _ = try exchange(request)
  }

  public mutating func bringUp(_ index: Int32) throws(Errno) {
    var request = Message(kind: .newLink, flags: .acknowledge)
    request.link(index: index, flags: 1, change: 1)  // IFF_UP
    _ = try exchange(request)
  }

  /// Makes every address one of this namespace's own: a connection to anywhere ends at whoever listens here for its port
  /// (rtnetlink(7), a route of type RTN_LOCAL).
  public mutating func makeEverythingLocal(over index: Int32) throws(Errno) {
    for family in [AF_INET, AF_INET6] {
      var request = Message(kind: .newRoute, flags: [.acknowledge, .create])
      // struct rtmsg: no prefix, table local (255), protocol boot (3), scope host (254), type local (2).
      request.append([UInt8(family), 0, 0, 0, 255, 3, 254, 2])
      request.append(word: 0)
      request.append(Attribute.device, UInt32(bitPattern: index))
      _ = try exchange(request)
    }
  }

  // MARK: messages

  private enum Attribute {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
    static let broadcast: UInt16 = 4
    static let anycast: UInt16 = 5
    static let addressFlags: UInt16 = 8
    static let metric: UInt16 = 9
    /// Of a route.
    static let device: UInt16 = 4
    static let linkName: UInt16 = 3
    static let linkNamespace: UInt16 = 28
  }

  /// A message without its header (struct nlmsghdr), all numbers in the order of the machine.
  private struct Message {
    enum Kind: UInt16 {
      case error = 2
      case done = 3
      case newLink = 16
      case getLink = 18
      case newAddress = 20
      case getAddress = 22
      case newRoute = 24
    }
    struct Flags: OptionSet {
      let rawValue: UInt16
      static let acknowledge = Flags(rawValue: 4)
      static let dump = Flags(rawValue: 0x300)
      static let create = Flags(rawValue: 0x400)
    }

    let kind: Kind
    let flags: Flags
    var body: [UInt8] = []

    init(kind: Kind, flags: Flags) { (self.kind, self.flags) = (kind, flags) }

    mutating func append(_ bytes: [UInt8]) { body += bytes }

    mutating func append(word: UInt32) {
      for shift in [0, 8, 16, 24] as [UInt32] { body.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }

    /// struct ifinfomsg.
    mutating func link(index: Int32 = 0, flags: UInt32 = 0, change: UInt32 = 0) {
      append(word: 0)
      append(word: UInt32(bitPattern: index))
      append(word: flags)
      append(word: change)
    }

    mutating func append(_ attribute: UInt16, _ value: [UInt8]) {
      append(word: UInt32(4 + value.count) | UInt32(attribute) << 16)
      body += value
      while body.count % 4 != 0 { body.append(0) }
    }

    mutating func append(_ attribute: UInt16, _ value: UInt32) {
      append(word: 8 | UInt32(attribute) << 16)
      append(word: value)
    }

    func attributes(after header: Int) -> [(kind: UInt16, value: [UInt8])] {
      var found: [(kind: UInt16, value: [UInt8])] = []
      var offset = header
      while offset + 4 <= body.count {
        let word = body.word(at: offset)
        let length = Int(word & 0xffff)
        guard length >= 4, offset + length <= body.count else { break }
        // The two upper bits say how a value is coded (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
        found.append((UInt16(word >> 16 & 0x3fff), Array(body[(offset + 4)..<(offset + length)])))
        offset += (length + 3) & ~3
      }
      return found
    }
  }

  /// Sends a request; the messages of the answer until the kernel says that this was all.
  private mutating func exchange(_ request: Message) throws(Errno) -> [Message] {
    sequence += 1
    var packet = Message(kind: request.kind, flags: request.flags)
    packet.append(word: UInt32(16 + request.body.count))
    packet.append(word: UInt32(request.kind.rawValue) | UInt32(request.flags.rawValue | 1) << 16)  // NLM_F_REQUEST
    packet.append(word: sequence)
    packet.append(word: 0)
    packet.append(request.body)
    try send(socket.raw, packet.body)
    var answers: [Message] = []
    while true {
      guard let bytes = try receive(socket.raw)?.bytes else { throw .ioError }
      var offset = 0
      while offset + 16 <= bytes.count {
        let length = Int(bytes.word(at: offset))
        guard length >= 16, offset + length <= bytes.count else { throw .ioError }
        let isOurs = bytes.word(at: offset + 8) == sequence
        let kind = Message.Kind(rawValue: UInt16(bytes.word(at: offset + 4) & 0xffff))
        if isOurs, let kind {
          var message = Message(kind: kind, flags: [])
          message.body = Array(bytes[(offset + 16)..<(offset + length)])
          switch kind {
          case .error:
            guard message.body.count >= 4 else { throw .ioError }
            let code = Int32(bitPattern: message.body.word(at: 0))
            if code != 0 { throw Errno(-code) }
            return answers
          case .done: return answers
          default: answers.append(message)
          }
        }
        offset += (length + 3) & ~3
      }
    }
  }
}

extension [UInt8] {
  /// Four bytes in the order of the machine, which is little endian on all that we build for.
  fileprivate func word(at offset: Int) -> UInt32 {
    UInt32(self[offset]) | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2]) << 16
      | UInt32(self[offset + 3]) << 24
  }
}
