import SyscallCatalogue

/// Which system calls a process may make, in the words of libseccomp that the runtime-spec uses
/// (config-linux.md, "Seccomp").
public struct SeccompPolicy: Equatable, Sendable {
  /// What happens to calls that no rule names.
  public var defaultAction: SeccompAction
  /// Architectures whose calls the rules are about; a call of any other ends the process.
  public var architectures: [Architecture]
  public var rules: [Rule]

  public init(
    defaultAction: SeccompAction, architectures: [Architecture] = [.native], rules: [Rule] = []
  ) {
    self.defaultAction = defaultAction
    self.architectures = architectures
    self.rules = rules
  }

  /// Whether all of the calls are made whatever their arguments are, and nobody is told.
  public func alwaysAllows(_ names: [String]) -> Bool {
    names.allSatisfy { name in
      let rules = rules.filter { $0.names.contains(name) }
      return rules.allSatisfy { $0.action == .allow }
        && (defaultAction == .allow || rules.contains { $0.conditions.isEmpty })
    }
  }

  /// Sends what the policy allows of some calls to a listener instead.
  public mutating func notify(_ names: [String]) {
    var changed: [Rule] = []
    for var rule in rules {
      let found = rule.action == .allow ? rule.names.filter { names.contains($0) } : []
      if !found.isEmpty {
        rule.names.removeAll { names.contains($0) }
        changed.append(Rule(found, .notify, rule.conditions))
      }
      if !rule.names.isEmpty { changed.append(rule) }
    }
    rules = changed
  }

  /// What happens to some calls. All conditions have to hold; of several rules for a call any may. Two
  /// conditions on one argument are alternatives, as runc reads them.
  public struct Rule: Equatable, Sendable {
    public var names: [String]
    public var action: SeccompAction
    public var conditions: [Condition]

    public init(_ names: [String], _ action: SeccompAction, _ conditions: [Condition] = []) {
      self.names = names
      self.action = action
      self.conditions = conditions
    }
  }

  /// A comparison of one 64-bit argument.
  public struct Condition: Equatable, Sendable {
    /// 0 to 5.
    public var argument: Int
    public var comparison: Comparison
    /// What is compared with; for `maskedEqual` the mask.
    public var value: UInt64
    /// For `maskedEqual` what the masked argument has to be.
    public var second: UInt64

    public init(argument: Int, _ comparison: Comparison, _ value: UInt64, _ second: UInt64 = 0) {
      self.argument = argument
      self.comparison = comparison
      self.value = value
      self.second = second
    }

    /// Whether it holds for `argument`.
    public func holds(_ argument: UInt64) -> Bool {
      switch comparison {
      case .notEqual: argument != value
      case .less: argument < value
      case .lessOrEqual: argument <= value
      case .equal: argument == value
      case .greaterOrEqual: argument >= value
      case .greater: argument > value
      case .maskedEqual: argument & value == second
      }
    }
  }

  /// Comparisons, unsigned.
  public enum Comparison: String, CaseIterable, Sendable {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    case maskedEqual = "SCMP_CMP_MASKED_EQ"
  }
}

/// What the kernel does with a call: a value that a filter returns (seccomp(2), "SECCOMP_RET_*").
public struct SeccompAction: Equatable, Hashable, Sendable {
  public let rawValue: UInt32

  init(_ rawValue: UInt32) { self.rawValue = rawValue }

  public static let killProcess = SeccompAction(0x8000_0000)
  public static let killThread = SeccompAction(0)
  public static let trap = SeccompAction(0x0003_0000)
  public static let notify = SeccompAction(0x7fc0_0000)
  public static let log = SeccompAction(0x7ffc_0000)
  public static let allow = SeccompAction(0x7fff_0000)
  /// The call fails with `number`.
  public static func error(_ number: UInt16) -> SeccompAction {
    SeccompAction(0x0005_0000 | UInt32(number))
  }
  /// A tracer is told `number`.
  public static func trace(_ number: UInt16) -> SeccompAction {
    SeccompAction(0x7ff0_0000 | UInt32(number))
  }

  /// The action that the runtime-spec names.
  /// - Parameter errno: `errnoRet`; EPERM if there is none.
  public init?(name: String, errno: UInt32?) {
    let number = UInt16(truncatingIfNeeded: errno ?? 1)
    switch name {
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": self = .killThread
    case "SCMP_ACT_KILL_PROCESS": self = .killProcess
    case "SCMP_ACT_TRAP": self = .trap
    case "SCMP_ACT_ERRNO": self = .error(number)
    case "SCMP_ACT_TRACE": self = .trace(number)
    case "SCMP_ACT_ALLOW": self = .allow
    case "SCMP_ACT_LOG": self = .log
    case "SCMP_ACT_NOTIFY": self = .notify
    default: return nil
    }
  }

  /// All names that ``init(name:errno:)`` knows.
  public static let names = [
    "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
  ]

  /// Lower is stricter: the kernel takes the lowest of what several filters say, the errno and the like left out.
  var rank: Int32 { Int32(bitPattern: rawValue & 0xffff_0000) }

  var lets: Bool { self == .allow || self == .log }
}

/// An architecture by the name that libseccomp and the runtime-spec give it.
public enum SeccompArchitecture {
  /// A name that stands for an architecture a kernel of this machine runs, or for another one: its calls
  /// can't happen here, so nothing is compiled for it.
  public enum Meaning: Equatable, Sendable { case here(Architecture), elsewhere }

  /// Nil for a name that is not one.
  public static func meaning(of name: String) -> Meaning? {
    switch name {
    case "SCMP_ARCH_X86_64": onX86(.x86_64)
    case "SCMP_ARCH_X86": onX86(.i386)
    case "SCMP_ARCH_X32": onX86(.x32)
    case "SCMP_ARCH_AARCH64": onArm(.aarch64)
    case "SCMP_ARCH_ARM": onArm(.arm)
    default: others.contains(name) ? .elsewhere : nil
    }
  }

  /// All names.
  public static var names: [String] {
    ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
      + others
  }

  private static func onX86(_ architecture: Architecture) -> Meaning {
    Architecture.native == .x86_64 ? .here(architecture) : .elsewhere
  }

  private static func onArm(_ architecture: Architecture) -> Meaning {
    Architecture.native == .aarch64 ? .here(architecture) : .elsewhere
  }

  private static var others: [String] {
    [
      "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",
      "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64",
      "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_PARISC",
      "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
      "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
    ]
  }
}
