import ConShimProxy
import LinuxSystem
import OCISpec
import SeccompFilter
import SyscallCatalogue

/// From the seccomp section of a configuration to a program for the kernel.
enum SeccompStage {
  /// - Parameter rules: those of the con-shim's policy, and others; the strictest of all wins.
  static func compile(_ section: OCISpec.Seccomp?, rules: [SeccompPolicy] = [], log: Log) throws(RuntimeError)
    -> SystemCallFilter?
  {
    var policies: [SeccompPolicy] = []
    if let section { policies.append(try policy(section)) }
    policies += rules
    var compiled: CompiledFilter? = nil
    do throws(SeccompError) {
      for policy in policies {
        let next = try FilterCompiler.compile(policy)
        if let first = compiled { compiled = try FilterCompiler.stricter(first, next) } else { compiled = next }
      }
    } catch {
      switch error {
      case .tooLong(let count):
        throw fail("", "needs \(count) instructions, the kernel takes 4096", hint: "use fewer rules")
      case .argumentOutOfRange(let index):
        throw fail("syscalls", "argument index \(index) is not 0 to 5")
      }
    }
    guard let compiled else { return nil }
    for name in compiled.unknownNames {
      log.write(.debug, "seccomp: system call \"" + name + "\" is unknown, its rules have no effect")
    }
    var flags: UInt32 = 0
    if let section { flags = try Self.flags(section) }
    return SystemCallFilter(
      program: compiled.encoded, flags: flags,
      letsDriverCalls: policies.allSatisfy { $0.alwaysAllows(ConShimProxy.driverCalls) })
  }

  private static func fail(_ path: String, _ message: String, hint: String? = nil) -> RuntimeError {
    RuntimeError(
      .seccomp, "linux.seccomp" + (path.isEmpty ? "" : "." + path) + ": " + message, hint: hint)
  }

  private static func list(_ names: [String]) -> String {
    names.reduce("") { $0 + ($0.isEmpty ? "" : ", ") + $1 }
  }

  static func policy(_ section: OCISpec.Seccomp) throws(RuntimeError) -> SeccompPolicy {
    guard let fallback = SeccompAction(name: section.defaultAction, errno: section.defaultErrnoRet)
    else {
      throw fail(
        "defaultAction", "\"" + section.defaultAction + "\" is unknown",
        hint: "use one of " + list(SeccompAction.names))
    }
    if fallback == .notify {
      throw fail("defaultAction", "SCMP_ACT_NOTIFY can't be the default, the agent would wait for itself")
    }
    var architectures: [Architecture] = [.native]
    for (index, name) in section.architectures.enumerated() {
      guard let meaning = SeccompArchitecture.meaning(of: name) else {
        throw fail("architectures[\(index)]", "\"" + name + "\" is unknown")
      }
      if case .here(let architecture) = meaning, !architectures.contains(architecture) {
        architectures.append(architecture)
      }
    }
    var policy = SeccompPolicy(defaultAction: fallback, architectures: architectures)
    policy.rules.reserveCapacity(section.syscalls.count)
    for (index, rule) in section.syscalls.enumerated() {
      let place = "syscalls[\(index)]"
      guard let action = SeccompAction(name: rule.action, errno: rule.errnoRet) else {
        throw fail(
          place + ".action", "\"" + rule.action + "\" is unknown",
          hint: "use one of " + list(SeccompAction.names))
      }
      if rule.names.isEmpty { throw fail(place + ".names", "must not be empty") }
      if action == .notify {
        if section.listenerPath?.isEmpty ?? true {
          throw fail(place, "SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath")
        }
      }
      var conditions: [SeccompPolicy.Condition] = []
      for (number, argument) in rule.args.enumerated() {
        guard let comparison = SeccompPolicy.Comparison(rawValue: argument.op) else {
          throw fail(
            place + ".args[\(number)].op", "\"" + argument.op + "\" is unknown",
            hint: "use one of " + list(SeccompPolicy.Comparison.allCases.map { $0.rawValue }))
        }
        guard argument.index <= 5 else {
          throw fail(place + ".args[\(number)].index", "\(argument.index) is not 0 to 5")
        }
        conditions.append(
          SeccompPolicy.Condition(
            argument: Int(argument.index), comparison, argument.value, argument.valueTwo ?? 0))
      }
      policy.rules.append(SeccompPolicy.Rule(rule.names, action, conditions))
    }
    return policy
  }

  /// Flags of seccomp(2) by the names that the specification gives them.
  static func flags(_ section: OCISpec.Seccomp) throws(RuntimeError) -> UInt32 {
    var flags: UInt32 = 0
    for (index, name) in section.flags.enumerated() {
      switch name {
      case "SECCOMP_FILTER_FLAG_TSYNC": flags |= 1
      case "SECCOMP_FILTER_FLAG_LOG": flags |= 2
      case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags |= 4
      case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": flags |= 32
      default: throw fail("flags[\(index)]", "\"" + name + "\" is unknown")
      }
    }
    return flags
  }

  /// The names of all flags, for `features`.
  static let flagNames = [
    "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
  ]

  /// Whether any call goes to an agent.
  static func notifies(_ section: OCISpec.Seccomp) -> Bool {
    section.syscalls.contains { $0.action == "SCMP_ACT_NOTIFY" }
  }
}
