import CLinux
import Cgroups
import Egress
import LinuxSystem
import OCISpec
import OwnFiles

/// What of the kernel the runtime uses and an old or a locked kernel may not have.
public enum KernelFeature: String, CaseIterable, Sendable {
  case mountAPI = "mount-api"
  case mountAttributes = "mount-attributes"
  case openBelow = "openat2"
  case processDescriptors = "pidfd"
  case closeRange = "close-range"
  case userNamespaces = "user-namespaces"
  case networkNamespaces = "network-namespaces"
  case timeNamespaces = "time-namespaces"
  case overlay = "overlay-in-user-namespaces"
  case layerAttributes = "tmpfs-attributes"
  case filter = "seccomp-filter"
  case notification = "user-notification"
  case killableNotification = "killable-notification"
  case execJudging = "exec-judging"
  case writeExecute = "mdwe"
  case landlock
  case ownFiles = "own-files"
  case egressPrograms = "egress-programs"
  case ipv6 = "ipv6"
  case cgroupMemory = "cgroup-memory"
  case cgroupCPU = "cgroup-cpu"
  case cgroupPIDs = "cgroup-pids"
  case cgroupFreezer = "cgroup-freezer"

  /// The version of Linux that has it; nil for what depends on its configuration.
  public var since: String {
    switch self {
    case .mountAPI: "5.2"
    case .mountAttributes: "5.12"
    case .openBelow, .timeNamespaces: "5.6"
    case .processDescriptors: "5.3"
    case .closeRange: "5.9"
    case .userNamespaces, .networkNamespaces, .filter, .ipv6, .cgroupMemory, .cgroupCPU: "3.8"
    case .cgroupPIDs: "4.3"
    case .cgroupFreezer: "2.6"
    case .overlay: "5.11"
    case .layerAttributes: "6.6"
    case .notification: "5.0"
    case .killableNotification: "5.19"
    case .execJudging: "3.8"
    case .landlock: "5.13"
    case .ownFiles: "5.4"
    case .egressPrograms: "5.15"
    case .writeExecute: "6.3"
    }
  }

  /// What holds, and what does not, on a kernel without it.
  public var without: String {
    switch self {
    case .mountAPI, .openBelow, .processDescriptors, .closeRange: "nothing can be started"
    case .mountAttributes: "no idmapped and recursively read-only mounts, so no --ro; the rest holds"
    case .userNamespaces: "no do, trace, learn and pool; containers of root without a user namespace hold"
    case .networkNamespaces: "only do --net host, and containers in the host's network"
    case .timeNamespaces: "containers that ask for one are refused; do does not use it"
    case .overlay: "do shows the host's directories read-only: nothing but /tmp, /run and --rw can be written"
    case .layerAttributes: "in do, a directory that was removed cannot be made again"
    case .filter: "no policies: do does not start"
    case .notification: "no trace, learn, --audit and --summary; a --json result has no deniedCalls; policies hold"
    case .killableNotification:
      "no exec rules (strict) and audits of containers, sysinfo tells of the host; else signals interrupt watched calls"
    case .execJudging: "policies with exec (strict) and --audit let nothing be executed; the others hold"
    case .landlock: "a supervisor that only counts calls could open files; its own filter and lost rights hold"
    case .ownFiles: "containers with limits see the host's memory and processors in /proc; the limits hold"
    case .egressPrograms: "containers with the annotation org.rcontainer.egress are refused; do --egress holds"
    case .writeExecute: "policies with writeExecute false (strict) do not start; the others hold"
    case .ipv6: "no --egress"
    case .cgroupMemory: "no --memory; memoryPeakBytes is that of the largest process"
    case .cgroupCPU: "no --cpus"
    case .cgroupPIDs: "no --pids"
    case .cgroupFreezer: "no pause and resume"
    }
  }

  /// Tries it, where that is needed in a child that ends at once.
  public var isThere: Bool {
    switch self {
    case .mountAPI: Self.isKnown { () throws(Errno) in _ = try FileSystemContext(type: "tmpfs") }
    case .mountAttributes: Self.isKnown { () throws(Errno) in try setAttributes(of: -1, recursive: false) }
    case .openBelow:
      Self.isKnown { () throws(Errno) in _ = try open(".", at: Directory.current, O_PATH, resolve: [.beneath]) }
    case .processDescriptors: (try? openProcess(currentProcess())) != nil
    case .closeRange: Self.isKnown { () throws(Errno) in try LinuxSystem.closeRange(UInt32.max, UInt32.max) }
    case .userNamespaces: Self.works(CLONE_NEWUSER) { () throws(Errno) in }
    case .networkNamespaces: Self.works(CLONE_NEWUSER | CLONE_NEWNET) { () throws(Errno) in try bringLoopbackUp() }
    case .timeNamespaces: (try? status("/proc/self/ns/time", at: Directory.current)) != nil
    case .overlay: Self.works(CLONE_NEWUSER | CLONE_NEWNS) { () throws(Errno) in _ = try Self.overlay(Self.layers()) }
    case .layerAttributes:
      Self.works(CLONE_NEWUSER | CLONE_NEWNS) { () throws(Errno) in
        let layers = try Self.layers()
        let top = try open("upper", at: layers.raw, O_RDONLY | O_DIRECTORY)
        try setAttribute("user.overlay.opaque", of: top.raw, [0x79])
      }
    case .filter: rc_seccomp_knows_action(0x0005_0000) == 0  // SECCOMP_RET_ERRNO
    case .notification: rc_seccomp_knows_action(0x7fc0_0000) == 0  // SECCOMP_RET_USER_NOTIF
    // With SECCOMP_FILTER_FLAG_NEW_LISTENER, without which it is refused.
    case .killableNotification: rc_seccomp_knows_flag(8 | 32) == 0
    case .execJudging: Self.canWatch
    case .landlock: Self.canGiveUpFiles
    case .ownFiles: Self.canServeFiles
    case .egressPrograms: Self.canAttachPrograms
    case .writeExecute: (try? processControl(Int32(RC_PR_GET_MDWE))) != nil
    case .ipv6: (try? status("/proc/sys/net/ipv6", at: Directory.current)) != nil
    case .cgroupMemory: Self.hasController("memory")
    case .cgroupCPU: Self.hasController("cpu")
    case .cgroupPIDs: Self.hasController("pids")
    case .cgroupFreezer: Self.hasController("freezer")
    }
  }

  /// Nothing that an ordinary user does asks for it.
  private var isForRoot: Bool { self == .egressPrograms }

  /// All that the caller can make use of.
  private static var usable: [KernelFeature] { allCases.filter { !$0.isForRoot || !isRootless() } }

  /// A table for people.
  public static func table() -> (text: String, isComplete: Bool) {
    var text = ""
    var isComplete = true
    for feature in usable {
      let isThere = feature.isThere
      isComplete = isComplete && isThere
      text += padded(feature.rawValue, 28) + padded(isThere ? "yes" : "missing", 9)
      text += "without (Linux " + feature.since + "): " + feature.without + "\n"
    }
    return (text, isComplete)
  }

  /// Those of a list of names with commas; `all` is all.
  /// - Throws: one line that names all that are missing, or a name that is none.
  public static func require(_ names: String) throws(RuntimeError) {
    var wanted: [KernelFeature] = []
    for name in names.utf8.split(separator: 0x2c, omittingEmptySubsequences: false).map({ String(Substring($0)) }) {
      if name == "all" {
        wanted += usable
      } else if let feature = KernelFeature(rawValue: name) {
        wanted.append(feature)
      } else {
        throw RuntimeError(
          .options, "--require " + names + ": a feature of this name is unknown", hint: "use all, or " + list(allCases))
      }
    }
    let missing = allCases.filter { wanted.contains($0) && !$0.isThere }
    if missing.isEmpty { return }
    throw RuntimeError(
      .options, "this kernel lacks " + list(missing), hint: "rcontainer features --check says what holds without")
  }

  private static func list(_ features: [KernelFeature]) -> String {
    features.reduce("") { $0 + ($0.isEmpty ? "" : ", ") + $1.rawValue }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }

  // MARK: probes

  /// Whether a call does anything but to be unknown; it may well be refused.
  private static func isKnown(_ call: () throws(Errno) -> Void) -> Bool {
    do throws(Errno) { try call() } catch { return error != .notImplemented }
    return true
  }

  /// Whether `body` succeeds as root of a new user namespace.
  private static func works(_ kinds: Int32, _ body: () throws(Errno) -> Void) -> Bool {
    let (uid, gid) = (effectiveUser(), effectiveGroup())
    return tries(kinds) { () throws(Errno) in
      try? writeFile("/proc/self/setgroups", "deny")
      try writeFile("/proc/self/uid_map", "0 " + String(uid) + " 1")
      try writeFile("/proc/self/gid_map", "0 " + String(gid) + " 1")
      try body()
    }
  }

  /// Whether `body` succeeds in a child with some namespaces of its own.
  private static func tries(_ kinds: Int32 = 0, _ body: () throws(Errno) -> Void) -> Bool {
    guard let result = try? clone(flags: UInt64(UInt32(bitPattern: kinds))) else { return false }
    switch consume result {
    case .child:
      do throws(Errno) { try body() } catch { exitNow(1) }
      exitNow(0)
    case .parent(let pid, _):
      guard let ended = try? wait(pid) else { return false }
      return ended.status == .exited(0)
    }
  }

  /// As ``ExecWatch`` watches a thread.
  private static var canWatch: Bool {
    guard let result = try? clone(flags: 0) else { return false }
    switch consume result {
    case .child:
      while true { _ = try? waitReadable([], timeout: 1000) }
    case .parent(let pid, let pidfd):
      let works = (try? watch(pid, [.stopsAtExecute, .endsWithUs])) != nil
      try? sendSignal(SIGKILL, toProcess: pidfd.raw)
      _ = try? wait(pid)
      return works
    }
  }

  private static var canGiveUpFiles: Bool {
    tries { () throws(Errno) in
      try processControl(PR_SET_NO_NEW_PRIVS, 1)
      try giveUpFiles()
      // It holds.
      if (try? open("/", O_RDONLY | O_DIRECTORY)) != nil { throw .notImplemented }
    }
  }

  /// As ``OwnFiles`` mounts them.
  private static var canServeFiles: Bool {
    if !isRootless() { return tries { () throws(Errno) in try OwnFiles.probe() } }
    return works(CLONE_NEWUSER | CLONE_NEWNS) { () throws(Errno) in try OwnFiles.probe() }
  }

  /// As ``EgressStage`` loads them.
  private static var canAttachPrograms: Bool {
    guard let rules = try? EgressRules("a.test:1,10.0.0.0/8:1-9,[fe80::/10]:1/udp"),
      (try? CgroupLayout.detect())?.hierarchies.contains(where: { $0.isUnified }) ?? false
    else { return false }
    return tries { () throws(Errno) in
      let map = try ProgramMap.make(keySize: ContainerPrograms.keySize, limit: ContainerPrograms.keyLimit)
      let programs = ContainerPrograms(rules, resolver: NameService.address(for: ""))
      for hook in CgroupHook.allCases { _ = try loadProgram(programs.program(for: hook, map: map.raw), for: hook) }
    }
  }

  /// As ``OverlayRoot`` makes them.
  private static func layers() throws(Errno) -> Descriptor {
    try mount(source: nil, target: "/", type: nil, flags: UInt(MS_REC) | UInt(MS_PRIVATE))
    let layers = try FileSystemContext(type: "tmpfs").mount(attributes: 0)
    let place = try open("/tmp", O_PATH | O_DIRECTORY)
    try attach(layers.raw, to: place.raw)
    for name in ["lower", "upper", "work"] { try makeDirectory(name, at: layers.raw, mode: 0o755) }
    return layers
  }

  private static func overlay(_ layers: consuming Descriptor) throws(Errno) -> Descriptor {
    let base = "/proc/self/fd/\(layers.raw)/"
    let context = try FileSystemContext(type: "overlay")
    try context.set("lowerdir", base + "lower")
    try context.set("upperdir", base + "upper")
    try context.set("workdir", base + "work")
    try context.set("userxattr")
    return try context.mount(attributes: 0)
  }

  private static func hasController(_ name: String) -> Bool {
    guard let layout = try? CgroupLayout.detect() else { return false }
    if layout.isUnified {
      // cgroup v2 freezes without a controller.
      if name == "freezer" { return true }
      let text = (try? readFile("/sys/fs/cgroup/cgroup.controllers")) ?? ""
      return text.utf8.split { $0 == 0x20 || $0 == 0x0a }.contains { $0.elementsEqual(name.utf8) }
    }
    return layout.hierarchies.contains { $0.controllers.contains(name) || ($0.isUnified && name == "freezer") }
  }
}
