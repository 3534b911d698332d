import CLinux
import ConShimProxy
import LinuxSystem
import OCISpec
import SeccompFilter
import ShimPolicy
import Supervisor

/// What a supervisor is asked to do; descriptors are the caller's.
enum Supervision {
  case learn(result: Int32)
  case trace(output: Int32)
  /// Calls that the policy denies: a line for each to `lines`, a count of each to `summary`.
  case audit(lines: Int32?, summary: Int32)
}

/// The policy of a container's con-shim.
public enum PolicyStage {
  /// Where a configuration names it: one of ours, or the absolute path of a file.
  public static let annotation = "org.rcontainer.policy"

  /// The name that stands for no policy.
  public static let none = "none"

  /// What engines give a container that asks for no more (Docker's and containerd's fourteen; Podman gives eleven of them).
  private static let usualCapabilities = [
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
  ]

  /// The name of a new container's policy: what its configuration says, or the caller, or what is usual. Usual is "default" for
  /// a container whose configuration filters calls already and gives no unusual capability: that of an engine which was not
  /// told to trust it. Others have been given what a policy would take away again.
  static func name(for spec: Spec, preferred: String?) -> String? {
    if let name = asked(by: spec.annotations) { return name }
    if let preferred { return preferred }
    guard let section = spec.linux?.seccomp, !["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"].contains(section.defaultAction),
      spec.linux?.namespaces.contains(where: { $0.type == .mount }) ?? false,
      spec.process?.capabilities?.bounding.allSatisfy({ usualCapabilities.contains($0) }) ?? true
    else { return nil }
    return "default"
  }

  private static func asked(by annotations: [StringPair]) -> String? {
    annotations.last { $0.key == annotation }?.value
  }

  /// The policy that annotations name; nil for none.
  static func policy(_ annotations: [StringPair]) throws(RuntimeError) -> ShimPolicy? {
    guard let name = asked(by: annotations), name != none else { return nil }
    return try load(name)
  }

  /// A policy by its name, or the path of its file.
  public static func load(_ name: String) throws(RuntimeError) -> ShimPolicy {
    if let policy = ShimPolicy.builtIn(name) { return policy }
    guard name.utf8.first == 0x2f else {
      throw RuntimeError(
        .options, "policy \"" + name + "\" is unknown",
        hint: "use " + ShimPolicy.builtInNames.reduce("") { $0 + $1 + ", " } + none + " or the absolute path of a file")
    }
    let bytes = try at(.configuration, "reading policy " + name) { () throws(Errno) in
      let file = try open(name, O_RDONLY)
      return try readAll(file.raw, limit: 1 << 20)
    }
    do throws(SpecError) {
      return try ShimPolicy(json: bytes, file: name)
    } catch {
      throw RuntimeError(.configuration, error.description)
    }
  }

  /// The filter of a container: its own section and its policy, of which the stricter wins.
  /// - Parameter supervision: which calls of the policy go to a listener first.
  static func filter(
    _ spec: Spec, _ policy: ShimPolicy?, supervision: Supervision? = nil, log: Log
  ) throws(RuntimeError) -> SystemCallFilter? {
    let egress = EgressStage.isAsked(spec.annotations) ? [EgressStage.filter] : []
    guard let policy else {
      return try SeccompStage.compile(spec.linux?.seccomp, rules: egress, log: log)
    }
    var rules = rules(policy, try ConShim(spec.annotations))
    switch supervision {
    case nil: break
    case .learn, .trace:
      for index in rules.rules.indices where rules.rules[index].action == .allow { rules.rules[index].action = .notify }
    case .audit:
      for index in rules.rules.indices where rules.rules[index].action != .allow { rules.rules[index].action = .notify }
      rules.defaultAction = .notify
    }
    var filter = try SeccompStage.compile(spec.linux?.seccomp, rules: [rules] + egress, log: log)
    filter?.refusesWriteExecute = !policy.writeExecute
    return filter
  }

  /// What the supervisor does for a container whose policy this is.
  static func work(_ supervision: Supervision, _ policy: ShimPolicy?, id: String) -> Supervisor.Work {
    switch supervision {
    case .learn(let result): .learn(result: result)
    case .trace(let output): .trace(output: output)
    case .audit(let lines, let summary):
      .audit(Supervisor.Audit(container: id, errors: policy?.errors ?? [], lines: lines, summary: summary))
    }
  }

  /// The proxy of a process in a CCA con-shim runs it by requests to its device.
  private static func rules(_ policy: ShimPolicy, _ conShim: ConShim) -> SeccompPolicy {
    var rules = policy.seccompPolicy
    if conShim == .cca {
      let requests = ConShimDevice.requests.map {
        SeccompPolicy.Rule(
          ["ioctl"], .allow, [SeccompPolicy.Condition(argument: 1, .maskedEqual, UInt64(UInt32.max), UInt64($0))])
      }
      rules.rules.insert(contentsOf: requests, at: 0)
    }
    return rules
  }
}
