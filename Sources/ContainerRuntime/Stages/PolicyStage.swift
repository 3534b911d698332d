import CLinux
import ConShimProxy
import LinuxSystem
import OCISpec
import OwnFiles
import SeccompFilter
import ShimPolicy
import Supervisor
import SyscallCatalogue

/// What a supervisor is asked to do; descriptors are the caller's.
enum Supervision {
  case learn(result: Int32)
  case trace(output: Int32)
  /// What the policy says of programs, and calls that it denies: a line for each to `lines`, a count
  /// of each denied one to `summary`. Without either nobody is told of denied calls.
  case mediate(lines: Int32?, summary: Int32?)

  /// Whether it answers calls itself.
  var mediates: Bool {
    if case .mediate = self { true } else { false }
  }

  var tells: Bool {
    if case .mediate(nil, nil) = self { false } else { true }
  }
}

/// The policy of a container's con-shim.
public enum PolicyStage {
  /// Where a configuration names a file for the lines of an audit, by an absolute path.
  static let auditAnnotation = "org.rcontainer.audit"

  /// Opens the file for the lines of an audit; nil if the configuration names none.
  static func auditFile(_ annotations: [StringPair]) throws(RuntimeError) -> Int32? {
    guard let path = annotations.value(of: auditAnnotation) else { return nil }
    guard path.utf8.first == 0x2f else {
      throw RuntimeError(
        .configuration, "annotation " + auditAnnotation + ": \"" + path + "\" is not an absolute path")
    }
    return try at(.configuration, "annotation " + auditAnnotation + ": " + path) { () throws(Errno) in
      try open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600).release()
    }
  }

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
    if let name = spec.annotations.value(of: annotation) { return name }
    if let preferred { return preferred }
    guard let section = spec.linux?.seccomp, !["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"].contains(section.defaultAction),
      spec.linux?.namespaces.contains(where: { $0.type == .mount }) ?? false,
      spec.process?.capabilities?.bounding.allSatisfy({ usualCapabilities.contains($0) }) ?? true
    else { return nil }
    return "default"
  }

  /// The policy that annotations name; nil for none.
  static func policy(_ annotations: [StringPair]) throws(RuntimeError) -> ShimPolicy? {
    guard let name = annotations.value(of: annotation), name != none else { return nil }
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
  /// - Parameters:
  ///   - supervision: which calls of the policy go to a listener first.
  ///   - machine: those that tell of the machine too.
  static func filter(
    _ spec: Spec, _ policy: ShimPolicy?, supervision: Supervision?, machine: Bool = false, log: Log
  ) throws(RuntimeError) -> SystemCallFilter? {
    let egress = EgressStage.isAsked(spec.annotations) ? [EgressStage.filter] : []
    guard let policy else {
      return try SeccompStage.compile(spec.linux?.seccomp, rules: egress, log: log)
    }
    var rules = rules(policy, try ConShim(spec.annotations))
    switch supervision {
    case nil: break
    case .learn, .trace:
      if policy.exec != .any || policy.nested {
        throw RuntimeError(
          .options,
          "policy " + policy.name + " has \"" + (policy.nested ? "nested" : "exec")
            + "\", which has no effect while a command is watched", hint: "choose a policy without it")
      }
      for index in rules.rules.indices where rules.rules[index].action == .allow { rules.rules[index].action = .notify }
    case .mediate(let lines, _):
      if policy.exec != .any || lines != nil { rules.notify(programCalls) }
      if machine { rules.notify(MachineFigures.calls) }
      if supervision?.tells == true {
        for index in rules.rules.indices where rules.rules[index].action != .allow {
          rules.rules[index].action = .notify
        }
        rules.defaultAction = .notify
      }
      if policy.nested {
        try checkNested(spec, policy)
        let calls = policy.nestedCalls
        for index in rules.rules.indices where rules.rules[index].action != .allow {
          rules.rules[index].names.removeAll { calls.contains($0) }
        }
        rules.rules.removeAll { $0.names.isEmpty }
        rules.rules.append(SeccompPolicy.Rule(calls, .notify))
      }
    }
    if supervision != nil, let section = spec.linux?.seccomp, SeccompStage.notifies(section) {
      throw RuntimeError(
        .configuration,
        "linux.seccomp.listenerPath: the policy " + policy.name + " needs the filter's only listener itself",
        hint: "leave the SCMP_ACT_NOTIFY rules out, or choose a policy without \"exec\" and \"nested\"")
    }
    var filter = try SeccompStage.compile(spec.linux?.seccomp, rules: [rules] + egress, log: log)
    filter?.refusesWriteExecute = !policy.writeExecute
    return filter
  }

  /// What is mounted for a container without a mount namespace would be mounted on the host.
  private static func checkNested(_ spec: Spec, _ policy: ShimPolicy) throws(RuntimeError) {
    if spec.linux?.namespaces.contains(where: { $0.type == .mount }) ?? false { return }
    throw RuntimeError(
      .configuration, "policy " + policy.name + " has \"nested\", and linux.namespaces has no mount namespace",
      hint: "add one, or choose a policy without it")
  }

  /// What `nested` means for a container.
  private static func nestedRules(_ policy: ShimPolicy?, _ spec: Spec) -> Supervisor.NestedRules? {
    guard let policy, policy.nested else { return nil }
    let limit = spec.linux?.resources?.memory?.limit ?? 0
    let hidden = (spec.linux?.maskedPaths ?? []) + (spec.linux?.readonlyPaths ?? [])
    return Supervisor.NestedRules(
      calls: policy.nestedCalls.compactMap { SyscallCatalogue.index(of: $0) },
      memoryLimit: limit > 0 ? UInt64(limit) : usualMemoryLimit,
      hidesInRoot: hidden.contains { path in
        !["/proc/", "/sys/"].contains { RootDirectory.clean(path).utf8.starts(with: $0.utf8) }
      })
  }

  /// Bytes of a file system in memory in a container without a limit of memory.
  private static let usualMemoryLimit: UInt64 = 256 << 20

  /// The calls that execute programs.
  private static let programCalls = ["execve", "execveat"]

  /// What a container's supervisor does if nobody asks for more; nil if it needs none.
  /// - Parameters:
  ///   - lines: a file for the lines of an audit.
  ///   - machine: it answers calls that tell of the machine.
  static func supervision(_ policy: ShimPolicy?, lines: Int32?, machine: Bool) throws(RuntimeError) -> Supervision? {
    guard let policy, policy.exec != .any || policy.nested || lines != nil else {
      return machine ? .mediate(lines: nil, summary: nil) : nil
    }
    // Without it a signal would take a call back that the supervisor has begun (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV).
    if !kernelIsAtLeast(5, 19) {
      throw RuntimeError(
        .seccomp, "policy " + policy.name + " needs Linux 5.19 for \"exec\", \"nested\" or an audit",
        hint: "choose a policy without them")
    }
    return .mediate(lines: lines, summary: nil)
  }

  /// What the supervisor does for a container whose policy this is.
  /// - Parameters:
  ///   - begin: see `Supervisor.Mediation.begin`.
  ///   - machine: what tells of the machine the container's own way.
  static func work(
    _ supervision: Supervision, _ policy: ShimPolicy?, _ spec: Spec, id: String, begin: Int64, machine: MachineFigures?
  ) -> Supervisor.Work {
    switch supervision {
    case .learn(let result): return .learn(result: result)
    case .trace(let output): return .trace(output: output)
    case .mediate(let lines, let summary):
      let exec = policy?.exec ?? .any
      var mediation = Supervisor.Mediation(
        container: id, errors: policy?.errors ?? [], lines: lines, summary: summary,
        exec: exec == .any && lines == nil ? nil : exec, begin: begin)
      for name in programCalls {
        guard let index = SyscallCatalogue.index(of: name), let policy else { continue }
        mediation.programCalls.append((index, policy.classes[index]))
      }
      mediation.nested = nestedRules(policy, spec)
      mediation.machine = machine
      mediation.machineCalls = MachineFigures.calls.compactMap { SyscallCatalogue.index(of: $0) }
        .filter { policy?.classes[$0] == .direct }
      return .mediate(mediation)
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
