import CLinux
import CommandLineInterface
import ContainerRuntime
import Egress
import LinuxSystem

/// What every verb gets: its options and what the global ones mean.
struct Context {
  let options: Invocation.Values
  let operands: [String]
  let root: String
  let log: Log
  let withoutCgroup: Bool
  /// The policy of containers that name none.
  let policy: String?
  /// Annotations of containers that have none of these names.
  let annotations: [(name: String, value: String)]

  init(_ invocation: Invocation) throws(RuntimeError) {
    options = invocation.options
    operands = invocation.operands
    let global = invocation.global
    root = global["root"] ?? StateStore.defaultPath()
    let format: Log.Format
    switch global["log-format"] {
    case nil, "text": format = .text
    case "json": format = .json
    case let other?:
      throw RuntimeError(.options, "--log-format " + other + " is unknown", hint: "use text or json")
    }
    log = try Log(path: global["log"], format: format, debug: global.has("debug"))
    policy = global["policy"]
    annotations = try Self.egress(global)
    if global.has("systemd-cgroup") { throw Self.systemd }
    switch global["cgroup-manager"] {
    case nil, "cgroupfs": withoutCgroup = false
    case "disabled": withoutCgroup = true
    case "systemd": throw Self.systemd
    case let other?:
      throw RuntimeError(
        .options, "--cgroup-manager " + other + " is unknown", hint: "use cgroupfs or disabled")
    }
  }

  /// What `--egress` and `--dns` mean.
  private static func egress(_ global: Invocation.Values) throws(RuntimeError) -> [(name: String, value: String)] {
    var annotations: [(name: String, value: String)] = []
    if let text = global["egress"] {
      do throws(EgressRules.Mistake) { if !["none", "all"].contains(text) { _ = try EgressRules(text) } } catch {
        throw RuntimeError(.options, "--egress: " + error.message, hint: "as in api.example.com:443,10.0.0.0/8:514/udp")
      }
      annotations.append((LaunchOptions.egressAnnotation, text))
    }
    if let text = global["dns"] {
      guard IPAddress.nameserver(text) != nil else {
        throw RuntimeError(.options, "--dns " + text + " is not an address, or an IPv4 address and a port")
      }
      annotations.append((LaunchOptions.nameserverAnnotation, text))
    }
    return annotations
  }

  private static var systemd: RuntimeError {
    RuntimeError(
      .options, "the systemd cgroup driver is not supported",
      hint: "choose the cgroupfs driver of the engine")
  }

  /// The first operand.
  var id: String { operands[0] }

  func store() throws(RuntimeError) -> StateStore { try StateStore(path: root) }

  /// A whole number from an option.
  func number<T: FixedWidthInteger & UnsignedInteger>(_ name: String) throws(RuntimeError) -> T? {
    guard let text = options[name] else { return nil }
    guard let number: T = Quantities.unsigned(text) else { throw bad(name, text, "a whole number") }
    return number
  }

  /// A whole number that may be negative.
  func signed(_ name: String) throws(RuntimeError) -> Int64? {
    guard let text = options[name] else { return nil }
    guard let number = Int64(text), text.utf8.first != 0x2b else {
      throw bad(name, text, "a whole number")
    }
    return number
  }

  /// Bytes from an option.
  func bytes(_ name: String) throws(RuntimeError) -> Int64? {
    guard let text = options[name] else { return nil }
    guard let bytes = Quantities.bytes(text) else {
      throw bad(name, text, "a size such as 512m or 2g")
    }
    return bytes
  }

  func bad(_ name: String, _ text: String, _ wanted: String) -> RuntimeError {
    RuntimeError(.options, "--" + name + " " + text + " is not " + wanted)
  }

  /// The file of `--output`, made anew, or a copy of a standard stream.
  func output(otherwise stream: Int32) throws(RuntimeError) -> Descriptor {
    try at(.options, "--output " + (options["output"] ?? "")) { () throws(Errno) in
      guard let path = options["output"] else { return try duplicate(stream) }
      return try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    }
  }

  /// Options that `create` and `run` share.
  func launchOptions() throws(RuntimeError) -> LaunchOptions {
    var launch = LaunchOptions()
    launch.pidFile = options["pid-file"]
    launch.consoleSocket = options["console-socket"]
    launch.usesPivot = !options.has("no-pivot")
    launch.newKeyring = !options.has("no-new-keyring")
    let preserved: UInt32 = try number("preserve-fds") ?? 0
    // systemd's socket activation passes descriptors by this variable (sd_listen_fds(3)).
    let listening: UInt32 =
      environmentValue("LISTEN_FDS").flatMap { Quantities.unsigned($0) } ?? 0
    launch.preservedDescriptors = Int(min(preserved &+ listening, 65536))
    launch.withoutCgroup = withoutCgroup
    launch.annotations = annotations
    if let policy { launch.policy = policy == PolicyStage.none ? policy : try ProfileVerb.absolute(policy) }
    return launch
  }
}
