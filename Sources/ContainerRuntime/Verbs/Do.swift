import CLinux
import Egress
import LayerChanges
import LinuxSystem
import OCISpec
import ShimPolicy
import Supervisor
import SyscallCatalogue

/// What the caller of `do` asks for.
public struct SandboxOptions {
  public var command: [String] = []
  public var environment: [String] = []
  /// Directories of the host: writable, and as they are now but read-only.
  public var writable: [String] = []
  public var readOnly: [String] = []
  /// Made after those, in their order.
  public var mounts: [OCISpec.Mount] = []
  public var hostNetwork = false
  /// Where it may connect to, without the host's network.
  public var egress: EgressRules?
  /// Who is asked for names; as the host's /etc/resolv.conf says if it is nil.
  public var nameserver: (address: IPAddress, port: UInt16)?
  /// Bytes.
  public var memory: Int64?
  /// Thousandths of a CPU.
  public var cpus: Int64?
  public var pids: Int64?
  /// Milliseconds.
  public var timeout: Int64?
  public var workingDirectory: String?
  public var root = "/"
  public var hostname = "sandbox"
  public var conShim = ConShim.software
  /// One of ours, or the absolute path of a file.
  public var policy = "default"
  /// Denied calls go into the result.
  public var countsDenied = false
  /// Denied calls are lines of JSON in this file, too.
  public var auditFile: Int32?
  var supervision: Supervision?
  /// The output goes into the result.
  public var capturesOutput = false
  /// What the command changed goes into the result, and into this directory, which is empty.
  public var listsChanges = false
  public var keptChanges: Int32?

  public init() {}

  /// The changes in its layers are wanted.
  var wantsChanges: Bool { listsChanges || keptChanges != nil }
}

/// How a sandboxed command ended.
public struct SandboxResult {
  public var exitCode: Int32
  public var timedOut: Bool
  public var milliseconds: Int64
  public var output: [UInt8] = []
  public var errors: [UInt8] = []
  public var isTruncated = false
  /// Destinations, if there were rules for them.
  public var connections: [ConnectionCount]?
  /// Calls that the policy denied, if they were counted.
  public var denied: [DeniedCall]?
  public var usage = ResourceUsage(user: 0, system: 0, memory: 0)
  /// The most memory that all had together, in bytes, if there was a cgroup to count it.
  public var memoryPeak: UInt64?
  /// The most processes and threads that there were at a time, if there was a cgroup to count them.
  public var tasksPeak: UInt64?
  /// Files, if they were asked for.
  public var changes: ChangeList?

  /// The result as one JSON object.
  public var json: String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("exitCode", exitCode)
      if exitCode > 128, exitCode <= 128 + 64, !timedOut { writer.member("signal", exitCode - 128) }
      writer.member("timedOut", timedOut)
      writer.member("durationMilliseconds", milliseconds)
      writer.member("stdout", String(decoding: output, as: UTF8.self))
      writer.member("stderr", String(decoding: errors, as: UTF8.self))
      writer.member("outputTruncated", isTruncated)
      writeResources(&writer)
      if let connections {
        writer.key("connections")
        writer.array { writer in
          for connection in connections { connection.write(&writer) }
        }
      }
      if let denied {
        writer.key("deniedCalls")
        writer.array { writer in
          for call in denied {
            writer.object { writer in
              writer.member("call", call.name)
              writer.member("error", ErrorName.name(call.error))
              writer.member("count", call.count)
            }
          }
        }
      }
      if let changes {
        writer.key("filesChanged")
        writer.array { writer in
          for change in changes.changes { change.write(&writer) }
        }
        writer.member("filesChangedTruncated", changes.isTruncated)
      }
    }
    return writer.text
  }

  private func writeResources(_ writer: inout JSONWriter) {
    writer.key("resources")
    writer.object { writer in
      writer.member("userMilliseconds", usage.user / 1000)
      writer.member("systemMilliseconds", usage.system / 1000)
      // Without a cgroup only the largest process is known.
      writer.member("memoryPeakBytes", memoryPeak ?? UInt64(clamping: usage.memory))
      writer.member("memoryPeakOf", memoryPeak == nil ? "largestProcess" : "all")
      writer.optional("tasksPeak", tasksPeak)
    }
  }
}

/// Connections of a sandbox to one destination.
public struct ConnectionCount: Equatable, Sendable {
  public let isAllowed: Bool
  /// Empty if it was an address that the rules are about.
  public let name: String
  public let address: String
  /// `tcp` or `udp`.
  public let transport: String
  public let port: UInt16
  public let count: Int
  /// Bytes.
  public let sent, received: UInt64

  /// All of the relay's lines.
  static func read(_ text: [UInt8]) -> [ConnectionCount] {
    var all: [ConnectionCount] = []
    for line in text.split(separator: 0x0a) {
      let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
      guard words.count == 8, let port = UInt16(words[4]), let count = Int(words[5]), let sent = UInt64(words[6]),
        let received = UInt64(words[7])
      else { continue }
      all.append(
        ConnectionCount(
          isAllowed: words[0] == "allowed", name: words[1] == "-" ? "" : words[1], address: words[2],
          transport: words[3], port: port, count: count, sent: sent, received: received))
    }
    return all
  }

  func write(_ writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("decision", isAllowed ? "allowed" : "denied")
      writer.optional("name", name.isEmpty ? nil : name)
      writer.member("address", address)
      writer.member("protocol", transport)
      writer.member("port", port)
      writer.member("count", count)
      writer.member("sentBytes", sent)
      writer.member("receivedBytes", received)
    }
  }
}

/// A system call that the policy denied.
public struct DeniedCall: Equatable, Sendable {
  public let name: String
  /// errno(3).
  public let error: UInt16
  public let count: Int

  /// All of the supervisor's lines: name, error and count.
  static func read(_ text: [UInt8]) -> [DeniedCall] {
    var calls: [DeniedCall] = []
    for line in text.split(separator: 0x0a) {
      let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
      guard words.count == 3, let error = UInt16(words[1]), let count = Int(words[2]) else { continue }
      calls.append(DeniedCall(name: words[0], error: error, count: count))
    }
    return calls
  }
}

/// `do`: one command in a sandbox of its own.
public enum Do {
  /// How much of each output goes into a result.
  private static let outputLimit = 16 << 20

  public static func run(_ options: SandboxOptions, store: borrowing StateStore, log: Log)
    throws(RuntimeError) -> SandboxResult
  {
    let random = try at(.process, "making a name") { () throws(Errno) in try randomBytes(8) }
    let id = random.reduce("do-") { $0 + String($1 >> 4, radix: 16) + String($1 & 15, radix: 16) }
    let (spec, rootfs) = try specification(options)
    var launch = launchOptions(options, rootfs)
    launch.supervision = options.supervision
    if options.wantsChanges { launch.layers = DescriptorSet() }
    let outputs = try outputFiles(options)
    if !outputs.raw.isEmpty { launch.standardStreams = [0] + outputs.raw }
    let counts = DescriptorSet()
    try count(options, &launch, counts)
    var destinations: Descriptor? = nil
    if options.egress != nil {
      let file = try at(.process, "making a file for destinations") { () throws(Errno) in
        try memoryFile("destinations", [])
      }
      launch.egress = egressPlan(options, summary: file.raw)
      destinations = consume file
    }
    let begin = monotonicNanoseconds()
    let outcome = try Run.inForeground(
      id: id, spec: spec, bundle: "/", options: launch, keep: false, timeout: options.timeout,
      store: store, log: log)
    var result = SandboxResult(
      exitCode: outcome.timedOut ? 124 : outcome.status.shellCode, timedOut: outcome.timedOut,
      milliseconds: (monotonicNanoseconds() - begin) / 1_000_000)
    (result.usage, result.memoryPeak, result.tasksPeak) = (outcome.usage, outcome.memoryPeak, outcome.tasksPeak)
    if let layers = launch.layers?.raw.first {
      let sandbox = LayerWalk.Sandbox(lower: options.root, own: OverlayRoot.own, made: madePaths(spec))
      result.changes = try changes(layers, sandbox, options)
    }
    if let file = counts.raw.first { result.denied = DeniedCall.read(try lines(file, "denied calls")) }
    switch destinations {
    case .some(let file): result.connections = ConnectionCount.read(try lines(file.raw, "destinations"))
    case .none: break
    }
    if options.capturesOutput { try collect(outputs, into: &result) }
    return result
  }

  /// What all sandboxes are launched with.
  static func launchOptions(_ options: SandboxOptions, _ rootfs: RootfsSource) -> LaunchOptions {
    var launch = LaunchOptions()
    launch.startsAtOnce = true
    launch.usesReaper = true
    launch.isInForeground = true
    launch.newKeyring = false
    launch.withoutCgroup = options.memory == nil && options.cpus == nil && options.pids == nil
    launch.rootfs = rootfs
    return launch
  }

  /// Lets denied calls be counted and audited, as far as that is wanted.
  /// - Parameter counts: gets the file that the supervisor writes to at its end.
  static func count(
    _ options: SandboxOptions, _ launch: inout LaunchOptions, _ counts: DescriptorSet
  ) throws(RuntimeError) {
    guard options.countsDenied || options.auditFile != nil else { return }
    let file = try at(.process, "making a file for denied calls") { () throws(Errno) in try memoryFile("denied", []) }
    launch.supervision = .mediate(lines: options.auditFile, summary: counts.insert(file))
  }

  /// - Parameter summary: a file that the relay writes to at its end.
  static func egressPlan(_ options: SandboxOptions, summary: Int32) -> EgressPlan? {
    options.egress.map {
      EgressPlan(rules: $0, nameserver: options.nameserver ?? IPAddress.hostNameserver(), summary: summary)
    }
  }

  /// Files for standard output and standard error, if the result is to have them.
  static func outputFiles(_ options: SandboxOptions) throws(RuntimeError) -> DescriptorSet {
    let outputs = DescriptorSet()
    guard options.capturesOutput else { return outputs }
    for name in ["stdout", "stderr"] {
      outputs.insert(
        try at(.process, "making a file for " + name) { () throws(Errno) in
          try memoryFile(name, [])
        })
    }
    return outputs
  }

  static func collect(_ outputs: DescriptorSet, into result: inout SandboxResult) throws(RuntimeError) {
    result.output = try collect(outputs.raw[0], &result.isTruncated)
    result.errors = try collect(outputs.raw[1], &result.isTruncated)
  }

  /// Paths that the runtime may have to make in a sandbox.
  static func madePaths(_ spec: Spec) -> [String] {
    spec.mounts.map { RootDirectory.clean($0.destination) } + (spec.process.map { [$0.cwd] } ?? [])
  }

  /// Runs the command, and prints each of its system calls as a line to `output` before it is made.
  public static func trace(
    _ options: SandboxOptions, output: Int32, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) -> SandboxResult {
    var options = options
    options.supervision = .trace(output: output)
    return try run(options, store: store, log: log)
  }

  /// Runs the command under the policy "compat", and makes a policy of what it did.
  /// - Returns: how it ended, and the policy: "default" without the calls that were not made, and with those that
  ///   were made though "default" denies them.
  public static func learn(
    _ options: SandboxOptions, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) -> (result: SandboxResult, policy: LearnedPolicy) {
    var options = options
    options.policy = "compat"
    let names = try at(.process, "making a file for the calls") { () throws(Errno) in
      try memoryFile("calls", [])
    }
    options.supervision = .learn(result: names.raw)
    let result = try run(options, store: store, log: log)
    let text = try at(.process, "reading the calls") { () throws(Errno) in
      try rewind(names.raw)
      return try readAll(names.raw)
    }
    let seen = text.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
    return (result, LearnedPolicy(command: options.command, seen: seen))
  }

  /// What lies in the layers of a sandbox that has ended.
  static func changes(
    _ layers: Int32, _ sandbox: LayerWalk.Sandbox, _ options: SandboxOptions
  ) throws(RuntimeError) -> ChangeList {
    // Nothing is left to be cleaned up: from here on a signal ends this process again.
    resetSignals()
    ignoreBrokenPipes()
    return try at(.rootfs, "reading what the command changed") { () throws(Errno) in
      try LayerWalk.changes(layers, of: sandbox, keepIn: options.keptChanges)
    }
  }

  static func lines(_ file: Int32, _ what: String) throws(RuntimeError) -> [UInt8] {
    try at(.process, "reading the " + what) { () throws(Errno) in
      try rewind(file)
      return try readAll(file)
    }
  }

  private static func collect(_ file: Int32, _ truncated: inout Bool) throws(RuntimeError) -> [UInt8] {
    try at(.process, "reading the output") { () throws(Errno) in
      let size = try status(at: file).size
      try rewind(file)
      if size <= UInt64(outputLimit) { return try readAll(file) }
      truncated = true
      var bytes = [UInt8](repeating: 0, count: outputLimit)
      let count = try read(file, into: &bytes)
      return Array(bytes[0..<count])
    }
  }

  // MARK: the configuration

  /// The configuration of a sandbox whose command is not known.
  static func poolSpecification(_ options: SandboxOptions) throws(RuntimeError) -> (spec: Spec, rootfs: RootfsSource) {
    var options = options
    options.command = ["-"]
    options.workingDirectory = "/"
    return try specification(options)
  }

  private static func specification(_ options: SandboxOptions) throws(RuntimeError) -> (
    spec: Spec, rootfs: RootfsSource
  ) {
    let (uid, gid) = (effectiveUser(), effectiveGroup())
    var spec = Spec()
    spec.ociVersion = OCISpec.State.version
    spec.hostname = options.hostname
    var process = OCISpec.Process()
    process.args = options.command
    process.env = options.environment
    process.cwd = try workingDirectory(options)
    process.user.uid = uid
    process.user.gid = gid
    process.capabilities = OCISpec.Capabilities()
    process.noNewPrivileges = true
    spec.process = process
    spec.mounts = mounts(options)
    spec.annotations.append(StringPair(PolicyStage.annotation, options.policy))
    if options.conShim != .software {
      spec.annotations.append(StringPair(ConShim.annotation, options.conShim.rawValue))
    }
    var linux = OCISpec.Linux()
    linux.namespaces = ([.user, .mount, .pid, .ipc, .uts, .cgroup] as [LinuxNamespace.Kind])
      .map { LinuxNamespace($0) }
    if !options.hostNetwork { linux.namespaces.append(LinuxNamespace(.network)) }
    // Root keeps its ids, without any capability over the host; a user has but its own.
    let isRoot = uid == 0
    linux.uidMappings = [IDMapping(isRoot ? 0 : uid, host: uid, isRoot ? UInt32.max : 1)]
    linux.gidMappings = [IDMapping(isRoot ? 0 : gid, host: gid, isRoot ? UInt32.max : 1)]
    linux.maskedPaths = Spec.maskedPaths + HostView.paths(rootIsHosts: isRoot)
    linux.readonlyPaths = Spec.readonlyPaths
    linux.resources = resources(options)
    spec.linux = linux
    var kept: KeptPrograms? = nil
    if HostView(try PolicyStage.policy(spec.annotations), linux).keepsPrograms {
      kept = try KeptPrograms(spec.process, &spec.mounts, lower: options.root)
    }
    return (spec, .overlay(lower: options.root, sizeLimit: nil, kept: kept))
  }

  private static func workingDirectory(_ options: SandboxOptions) throws(RuntimeError) -> String {
    if let directory = options.workingDirectory {
      guard directory.utf8.first == 0x2f else {
        throw RuntimeError(.options, "--cwd " + directory + " is not an absolute path")
      }
      return directory
    }
    if options.root != "/" { return "/" }
    return callersDirectory(options.writable + options.readOnly)
  }

  /// Where the caller is, unless the sandbox has a directory of its own there.
  /// - Parameter shown: directories of the host that it has nevertheless.
  static func callersDirectory(_ shown: [String]) -> String {
    let here = (try? currentDirectory()) ?? "/"
    let isHidden = ["/tmp", "/run", "/proc", "/dev"].contains { isAtOrBelow(here, $0) }
    return isHidden && !shown.contains { isAtOrBelow(here, $0) } ? "/" : here
  }

  private static func mounts(_ options: SandboxOptions) -> [OCISpec.Mount] {
    var mounts = [
      OCISpec.Mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
      OCISpec.Mount("/tmp", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=1777"]),
      OCISpec.Mount("/run", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=755"]),
      OCISpec.Mount("/dev", "tmpfs", "tmpfs", ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]),
      OCISpec.Mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
      OCISpec.Mount("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777"]),
    ]
    // sysfs belongs to the network namespace.
    mounts.append(
      options.hostNetwork
        ? OCISpec.Mount("/sys", "none", "/sys", ["rbind", "rro", "nosuid", "noexec", "nodev"])
        : OCISpec.Mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]))
    for path in options.readOnly {
      mounts.append(OCISpec.Mount(path, "none", path, ["rbind", "rro", "nosuid", "nodev"]))
    }
    for path in options.writable {
      mounts.append(OCISpec.Mount(path, "none", path, ["rbind", "rw", "nosuid", "nodev"]))
    }
    mounts += options.mounts
    return mounts
  }

  private static func resources(_ options: SandboxOptions) -> OCISpec.Resources? {
    var resources = OCISpec.Resources()
    if let bytes = options.memory {
      var memory = OCISpec.Memory()
      memory.limit = bytes
      resources.memory = memory
    }
    if let thousandths = options.cpus {
      var cpu = OCISpec.CPU()
      cpu.period = 100_000
      cpu.quota = max(1000, thousandths * 100)
      resources.cpu = cpu
    }
    if let limit = options.pids {
      var pids = OCISpec.Pids()
      pids.limit = limit
      resources.pids = pids
    }
    return resources
  }
}
