import CLinux
import Cgroups
import Egress
import LinuxSystem
import OCISpec
import SeccompFilter
import SyscallCatalogue

/// Where a container may connect to, if its configuration says so: programs on its cgroup, and a resolver of its own.
enum EgressStage {
  /// Rules (``EgressRules``), `none`, or `all`; and who is asked for names instead of the host's name server.
  static let annotation = "org.rcontainer.egress", nameserverAnnotation = "org.rcontainer.egress.dns"

  /// What a configuration asks for.
  struct Plan {
    let rules: EgressRules
    let nameserver: (address: IPAddress, port: UInt16)
    /// Of the container's own resolver.
    let resolver: IPAddress
  }

  /// What the first process needs.
  struct Way {
    let resolver: IPAddress
    let channel: Int32

    /// Where the container's names are looked up: a socket in its network, which this process is in, for a process outside.
    func openSocket() throws(RuntimeError) {
      try at(
        .namespaces, "opening the container's resolver at " + resolver.description,
        hint: "the network namespace needs a free port 53 there, and the kernel IPv6"
      ) { () throws(Errno) in try NameService.openSocket(at: resolver, channel: channel) }
    }
  }

  static func isAsked(_ annotations: [StringPair]) -> Bool {
    annotations.value(of: annotation).map { $0 != "all" } ?? false
  }

  private static func wrong(_ message: String, hint: String? = nil) -> RuntimeError {
    RuntimeError(.configuration, "annotation " + annotation + ": " + message, hint: hint)
  }

  /// Reads and checks it.
  /// - Returns: nil if the configuration asks for nothing.
  static func plan(_ spec: Spec, id: String, log: Log) throws(RuntimeError) -> Plan? {
    guard isAsked(spec.annotations), let text = spec.annotations.value(of: annotation) else {
      return nil
    }
    let rules: EgressRules
    do throws(EgressRules.Mistake) {
      rules = text == "none" ? EgressRules() : try EgressRules(text)
    } catch { throw wrong(error.message, hint: "as in api.example.com:443,10.0.0.0/8:514/udp") }
    var nameserver = IPAddress.hostNameserver()
    if let text = spec.annotations.value(of: nameserverAnnotation) {
      guard let named = IPAddress.nameserver(text) else {
        throw RuntimeError(
          .configuration, "annotation " + nameserverAnnotation + ": \"" + text + "\" is no name server",
          hint: "write an address, or an IPv4 address and a port")
      }
      nameserver = named
    }
    if isRootless() {
      throw wrong(
        "needs root: an ordinary user may not attach programs to a cgroup", hint: "use rcontainer do --egress")
    }
    if !kernelIsAtLeast(5, 15) { throw wrong("needs Linux 5.15") }
    guard let namespace = spec.linux?.namespaces.first(where: { $0.type == .network }) else {
      throw wrong("the container has the host's network", hint: "give it a network namespace")
    }
    if let path = namespace.path, !path.isEmpty, isOwnNamespace(path) {
      throw wrong("network namespace " + path + " is the runtime's own", hint: "give the container another one")
    }
    if let process = spec.process { _ = try confined(process) }
    try EgressNames.check(rules, nameserver, "annotation " + annotation, log: log)
    return Plan(rules: rules, nameserver: nameserver, resolver: NameService.address(for: id))
  }

  private static func isOwnNamespace(_ path: String) -> Bool {
    guard let theirs = try? open(path, O_RDONLY), let a = try? status(at: theirs.raw),
      let ours = try? open("/proc/self/ns/net", O_RDONLY), let b = try? status(at: ours.raw)
    else { return false }
    return a.isSameFile(as: b)
  }

  // MARK: the process

  /// Capabilities that make packets or ways of their own: a process does without. And those that could take the programs
  /// away, or leave the cgroup.
  private static let taken = ["CAP_NET_RAW", "CAP_NET_ADMIN"]
  private static let refused = ["CAP_SYS_ADMIN", "CAP_BPF", "CAP_SYS_MODULE", "CAP_SYS_RAWIO"]

  /// The process without what leads around the rules.
  static func confined(_ process: OCISpec.Process) throws(RuntimeError) -> OCISpec.Process {
    var process = process
    guard var sets = process.capabilities else { return process }
    func without(_ names: [String]) throws(RuntimeError) -> [String] {
      let bits = CapabilityNames.mask(refused).mask
      for name in names where CapabilityNames.mask([name]).mask & bits != 0 {
        throw wrong("does not hold for a process with " + name, hint: "take the capability away, or the annotation")
      }
      let lost = CapabilityNames.mask(taken).mask
      return names.filter { CapabilityNames.mask([$0]).mask & lost == 0 }
    }
    sets.bounding = try without(sets.bounding)
    sets.effective = try without(sets.effective)
    sets.permitted = try without(sets.permitted)
    sets.inheritable = try without(sets.inheritable)
    sets.ambient = try without(sets.ambient)
    process.capabilities = sets
    return process
  }

  /// The configuration as it is carried out.
  /// - Parameter file: see ``write(_:to:)``.
  static func confined(_ spec: Spec, file: String) throws(RuntimeError) -> Spec {
    var spec = spec
    if let process = spec.process { spec.process = try confined(process) }
    spec.mounts.removeAll { RootDirectory.clean($0.destination) == "/etc/resolv.conf" }
    spec.mounts.append(
      OCISpec.Mount("/etc/resolv.conf", "bind", file, ["bind", "ro", "nosuid", "nodev", "noexec"]))
    return spec
  }

  /// Sockets that the programs do not see, and io_uring, which makes calls that a filter does not see.
  static var filter: SeccompPolicy {
    let families: [UInt64] = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15]  // all but unix, inet, inet6 and netlink
    let conditions = families.map { SeccompPolicy.Condition(argument: 0, .equal, $0) }
    return SeccompPolicy(
      defaultAction: .allow, architectures: Architecture.allCases,
      rules: [
        SeccompPolicy.Rule(["socket"], .error(UInt16(EAFNOSUPPORT)), conditions),
        SeccompPolicy.Rule(
          ["socket"], .error(UInt16(EAFNOSUPPORT)), [SeccompPolicy.Condition(argument: 0, .greaterOrEqual, 17)]),
        SeccompPolicy.Rule(["io_uring_setup", "socketcall"], .error(UInt16(ENOSYS))),
      ])
  }

  /// What somebody hands in is a socket of another cgroup and maybe of another network.
  static func checkDescriptors(preserved: Int) throws(RuntimeError) {
    for number in 0..<Int32(3 + preserved) where Connections.isInternet(number) {
      throw wrong("descriptor \(number) is a socket of another network", hint: "hand in a pipe, or nothing")
    }
  }

  // MARK: the container

  /// The file that names the resolver.
  static func write(_ plan: Plan, in directory: Int32) throws(RuntimeError) {
    try at(.state, "writing resolv.conf") { () throws(Errno) in
      let file = try open("resolv.conf", at: directory, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
      // Whatever the mask of the caller is: the container's user reads it.
      try setMode(file.raw, 0o644)
      try writeAll(file.raw, "nameserver " + plan.resolver.description + "\n")
    }
  }

  /// Attaches the programs, before a process is in the cgroup, and starts the resolver.
  static func start(_ plan: Plan, _ cgroup: Cgroup?, opened: DescriptorSet) throws(RuntimeError) -> NameService.Running
  {
    guard let directory = cgroup?.unifiedDirectory else {
      throw wrong("needs a cgroup of version 2", hint: "mount cgroup2, as /sys/fs/cgroup/unified beside version 1")
    }
    let programs = ContainerPrograms(plan.rules, resolver: plan.resolver)
    do throws(Errno) {
      let map = try ProgramMap.make(keySize: ContainerPrograms.keySize, limit: ContainerPrograms.keyLimit)
      let target = try open(directory, O_RDONLY | O_DIRECTORY)
      for hook in CgroupHook.allCases {
        let program = try loadProgram(programs.program(for: hook, map: map.raw), for: hook)
        try attachProgram(program.raw, to: target.raw, hook)
      }
      return try NameService.start(plan.rules, nameserver: plan.nameserver, map: map.raw, opened: opened)
    } catch {
      throw RuntimeError(
        .cgroup, "annotation " + annotation + ": attaching programs to " + directory, error,
        hint: "the kernel needs CONFIG_CGROUP_BPF, and we CAP_BPF and CAP_NET_ADMIN")
    }
  }
}
