import OCISpec

/// Device rules as they are enforced: those of the configuration, then what every container may use.
public enum DeviceRules {
  /// One rule; nil is all.
  public struct Rule: Equatable, Sendable {
    public enum Kind: UInt8, Sendable { case block = 0x62, character = 0x63 }
    public var allow: Bool
    public var kind: Kind?
    public var major, minor: UInt32?
    /// Bits of ``Access``.
    public var access: UInt32
  }

  /// As `linux/bpf.h` has them (BPF_DEVCG_ACC_*).
  public enum Access {
    public static let makeNode: UInt32 = 1, read: UInt32 = 2, write: UInt32 = 4, all: UInt32 = 7
  }

  /// Nodes may be made, and the devices be used that the runtime itself puts into /dev.
  public static let always: [Rule] = {
    func node(_ major: UInt32, _ minor: UInt32?) -> Rule {
      Rule(allow: true, kind: .character, major: major, minor: minor, access: Access.all)
    }
    return [
      Rule(allow: true, kind: .character, major: nil, minor: nil, access: Access.makeNode),
      Rule(allow: true, kind: .block, major: nil, minor: nil, access: Access.makeNode),
      node(1, 3), node(1, 5), node(1, 7), node(1, 8), node(1, 9), node(5, 0), node(5, 1),
      node(5, 2),
      node(136, nil),
    ]
  }()

  /// The rule that an element of `linux.resources.devices` stands for; nil if it is not one.
  public static func rule(_ rule: DeviceRule) -> Rule? {
    let kind: Rule.Kind?
    switch rule.type {
    case nil, "", "a": kind = nil
    case "b": kind = .block
    case "c", "u": kind = .character
    default: return nil
    }
    var access: UInt32 = 0
    for letter in (rule.access ?? "rwm").utf8 {
      switch letter {
      case 0x72: access |= Access.read
      case 0x77: access |= Access.write
      case 0x6d: access |= Access.makeNode
      default: return nil
      }
    }
    func number(_ value: Int64?) -> (ok: Bool, number: UInt32?) {
      guard let value, value != -1 else { return (true, nil) }
      let number = UInt32(exactly: value)
      return (number != nil, number)
    }
    let (major, minor) = (number(rule.major), number(rule.minor))
    guard major.ok, minor.ok else { return nil }
    return Rule(
      allow: rule.allow, kind: kind, major: major.number, minor: minor.number, access: access)
  }

  /// Whether `rules` allow all of `access`; for each bit the last rule that speaks of it decides.
  public static func allows(
    _ rules: [Rule], kind: Rule.Kind, major: UInt32, minor: UInt32, access: UInt32
  ) -> Bool {
    var left = access
    for rule in rules.reversed() {
      if let wanted = rule.kind, wanted != kind { continue }
      if let wanted = rule.major, wanted != major { continue }
      if let wanted = rule.minor, wanted != minor { continue }
      if rule.allow { left &= ~rule.access } else if left & rule.access != 0 { return false }
      if left == 0 { return true }
    }
    return false
  }

  // MARK: the program

  /// The rules as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, 8 bytes an instruction
  /// (`struct bpf_insn`). It answers 1 to allow.
  public static func program(_ rules: [Rule]) -> [UInt64] {
    var code: [UInt64] = []
    // The context: u32 access << 16 | type, u32 major, u32 minor (struct bpf_cgroup_dev_ctx).
    code.append(word(0x61, to: 2, from: 1, offset: 0))  // r2 = access and type
    code.append(word(0xbf, to: 3, from: 2))  // r3 = r2
    code.append(word(0x57, to: 2, value: 0xffff))  // r2: type
    code.append(word(0x77, to: 3, value: 16))  // r3: access that is not decided yet
    code.append(word(0x61, to: 4, from: 1, offset: 4))  // r4: major
    code.append(word(0x61, to: 5, from: 1, offset: 8))  // r5: minor
    for rule in rules.reversed() {
      var body: [UInt64] = []
      if rule.allow {
        body.append(word(0x57, to: 3, value: Int32(bitPattern: ~rule.access & 0x7fff_ffff)))
        body.append(word(0x55, to: 3, offset: 2))  // something is left: the next rule
        body.append(word(0xb7, to: 0, value: 1))
      } else {
        body.append(word(0xbf, to: 6, from: 3))
        body.append(word(0x57, to: 6, value: Int32(rule.access)))
        body.append(word(0x15, to: 6, offset: 2))  // nothing of it is denied: the next rule
        body.append(word(0xb7, to: 0, value: 0))
      }
      body.append(word(0x95))
      func test(_ register: UInt8, _ value: UInt32) {
        // Not equal: over what is left of this rule. 32-bit comparison (BPF_JMP32).
        body.insert(
          word(0x56, to: register, offset: Int16(body.count), value: Int32(bitPattern: value)),
          at: 0)
      }
      if let minor = rule.minor { test(5, minor) }
      if let major = rule.major { test(4, major) }
      // BPF_DEVCG_DEV_BLOCK is 1, BPF_DEVCG_DEV_CHAR 2.
      if let kind = rule.kind { test(2, kind == .block ? 1 : 2) }
      code += body
    }
    code.append(word(0xb7, to: 0, value: 0))
    code.append(word(0x95))
    return code
  }

  /// One instruction: operation, registers, offset and constant.
  private static func word(
    _ operation: UInt8, to: UInt8 = 0, from: UInt8 = 0, offset: Int16 = 0, value: Int32 = 0
  ) -> UInt64 {
    UInt64(operation) | UInt64(to) << 8 | UInt64(from) << 12
      | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: value)) << 32
  }
}
