import CLinux
import CommandLineInterface
import ContainerRuntime
import Egress
import LayerChanges
import LinuxSystem
import OCISpec
import ShimPolicy

enum DoVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    if let names = context.options["require"] { try KernelFeature.require(names) }
    var sandbox = try options(context, command: context.operands)
    if let socket = context.options["pool"] { return try PoolVerb.claim(context, sandbox, socket) }
    sandbox.capturesOutput = context.options.has("json")
    // Without it the rest of a result holds, but nothing that is only about denied calls does.
    let canCount = try checkCounting(context)
    sandbox.countsDenied = canCount && (context.options.has("json") || context.options.has("summary"))
    let audit = try audit(context, &sandbox)
    let kept = try ChangesOption.prepare(context, &sandbox)
    let result: SandboxResult
    do throws(RuntimeError) { result = try Do.run(sandbox, store: try context.store(), log: context.log) } catch {
      ChangesOption.discard(context)
      throw error
    }
    _ = consume audit
    _ = consume kept
    ChangesOption.report(result, context)
    if context.options.has("summary") { try? writeAll(2, summary(result.denied ?? [])) }
    if context.options.has("json") { printOut(result.json + "\n") }
    return result.exitCode
  }

  /// Whether denied calls can be seen.
  /// - Throws: if they can't, and an option needs that.
  @discardableResult
  static func checkCounting(_ context: Context) throws(RuntimeError) -> Bool {
    if KernelFeature.notification.isThere { return true }
    if let name = ["audit", "summary"].first(where: { context.options.has($0) }) {
      throw RuntimeError(.options, "--" + name + " needs user notification (Linux 5.0)")
    }
    return false
  }

  /// Opens the file of `--audit`, which lives as long as what is returned.
  static func audit(_ context: Context, _ sandbox: inout SandboxOptions) throws(RuntimeError) -> Descriptor? {
    guard let path = context.options["audit"] else { return nil }
    let file = try at(.options, "--audit " + path) { () throws(Errno) in
      try open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    }
    sandbox.auditFile = file.raw
    return file
  }

  private static func readEgress(_ context: Context, _ sandbox: inout SandboxOptions) throws(RuntimeError) {
    switch context.options["egress"] {
    case nil, "none": break
    case "all": sandbox.hostNetwork = true
    case let text?:
      if sandbox.hostNetwork {
        throw RuntimeError(.options, "--egress has no effect on the host's network", hint: "leave --net host out")
      }
      do throws(EgressRules.Mistake) { sandbox.egress = try EgressRules(forRelay: text) } catch {
        throw RuntimeError(.options, "--egress: " + error.message, hint: "as in api.example.com:443,10.0.0.0/8:5432")
      }
    }
    if let text = context.options["dns"] {
      guard let nameserver = IPAddress.nameserver(text) else {
        throw context.bad("dns", text, "an address, or an IPv4 address and a port")
      }
      sandbox.nameserver = nameserver
    }
    if let rules = sandbox.egress { try EgressNames.check(rules, sandbox.nameserver, "--egress", log: nil) }
  }

  static func summary(_ denied: [DeniedCall]) -> String {
    if denied.isEmpty { return "rcontainer: the policy denied no call\n" }
    var text = "rcontainer: the policy denied"
    for (place, call) in denied.enumerated() {
      text += (place == 0 ? " " : ", ") + call.name + " (" + ErrorName.name(call.error) + ", \(call.count))"
    }
    return text + "\n"
  }

  /// What the caller wants of a sandbox.
  static func options(_ context: Context, command: [String]) throws(RuntimeError) -> SandboxOptions {
    let options = context.options
    var sandbox = SandboxOptions()
    sandbox.command = command
    sandbox.environment = environment(options.all("env"))
    sandbox.writable = try absolute(options.all("rw"), "--rw")
    sandbox.readOnly = try absolute(options.all("ro"), "--ro")
    for text in options.all("mount") { sandbox.mounts.append(try mount(text)) }
    switch options["net"] {
    case nil, "none": break
    case "host": sandbox.hostNetwork = true
    case let other?: throw context.bad("net", other, "none or host")
    }
    try readEgress(context, &sandbox)
    sandbox.memory = try context.bytes("memory")
    if let text = options["cpus"] {
      guard let cpus = Quantities.thousandths(text), cpus > 0 else {
        throw context.bad("cpus", text, "a number such as 1.5")
      }
      sandbox.cpus = cpus
    }
    let pids: UInt32? = try context.number("pids")
    sandbox.pids = pids.map { Int64($0) }
    if let text = options["timeout"] {
      guard let time = Quantities.milliseconds(text), time > 0 else {
        throw context.bad("timeout", text, "a time such as 500ms or 30s")
      }
      sandbox.timeout = time
    }
    sandbox.workingDirectory = options["cwd"]
    if let root = options["root"] { sandbox.root = try absolute([root], "--root")[0] }
    sandbox.hostname = options["hostname"] ?? "sandbox"
    if let name = options["shim"] {
      guard let shim = ConShim(rawValue: name) else { throw context.bad("shim", name, "software or cca") }
      sandbox.conShim = shim
    }
    if let policy = options["policy"] { sandbox.policy = try ProfileVerb.absolute(policy) }
    return sandbox
  }

  /// A mount of the sandbox. Nothing on it is a device or gives anybody rights.
  private static func mount(_ text: String) throws(RuntimeError) -> OCISpec.Mount {
    let wanted: MountText
    do throws(UsageError) { wanted = try MountText(text) } catch {
      throw RuntimeError(.options, error.message, hint: error.hint)
    }
    switch wanted.kind {
    case .bind(let source):
      let path = try absolute([source], "--mount src")[0]
      return OCISpec.Mount(
        wanted.destination, "none", path, ["rbind", wanted.isReadOnly ? "rro" : "rw", "nosuid", "nodev"])
    case .memory(let size):
      var options = ["nosuid", "nodev", "mode=1777", wanted.isReadOnly ? "ro" : "rw"]
      if let size { options.append("size=" + String(size)) }
      return OCISpec.Mount(wanted.destination, "tmpfs", "tmpfs", options)
    }
  }

  /// Where a directory of the host is, without links.
  private static func absolute(_ paths: [String], _ option: String) throws(RuntimeError) -> [String] {
    var found: [String] = []
    for path in paths {
      found.append(
        try at(.options, option + " " + path) { () throws(Errno) in
          let opened = try open(path, O_PATH)
          return try readLink("/proc/self/fd/\(opened.raw)")
        })
    }
    return found
  }

  /// A plain environment, so that secrets of the caller stay outside; and what was asked for.
  private static func environment(_ asked: [String]) -> [String] {
    var result = [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=rcontainer",
    ]
    for name in ["HOME", "USER", "LANG", "TERM", "SHELL"] + asked {
      if name.utf8.contains(0x3d) {
        result.append(name)
      } else if let value = environmentValue(name) {
        result.append(name + "=" + value)
      }
    }
    return result
  }
}
