import CLinux
import Cgroups
import LinuxSystem
import OCISpec
import ShimPolicy

/// What the caller of `exec` may ask for besides the process.
public struct ExecOptions {
  public var pidFile: String?
  public var consoleSocket: String?
  public var detach = false
  public var preservedDescriptors = 0
  /// A frozen container is no error: the process starts when it thaws.
  public var ignorePaused = false
  /// A cgroup below the container's.
  public var cgroup: String?

  public init() {}
}

/// `exec`: one more process in a container that runs.
public enum Exec {
  /// - Returns: the exit status of the process; 0 for a detached one.
  public static func run(
    id: String, options: ExecOptions, store: borrowing StateStore, log: Log,
    process: (OCISpec.Process?) throws(RuntimeError) -> OCISpec.Process
  ) throws(RuntimeError) -> Int32 {
    for number in 0..<Int32(clamping: max(0, options.preservedDescriptors)) where !isOpen(3 + number) {
      throw RuntimeError(
        .options, "--preserve-fds \(options.preservedDescriptors): descriptor \(3 + number) is not open")
    }
    let container = try Container(id, in: store)
    let status = container.status
    switch status {
    case .running, .created: break
    case .paused where options.ignorePaused: break
    case .paused:
      throw RuntimeError(
        .state, "cannot exec in a paused container", hint: "resume it, or use --ignore-paused")
    case .creating, .stopped:
      throw RuntimeError(.state, "cannot exec in a container that is " + status.rawValue)
    }
    var spec = try container.spec()
    // As they were when it was made, with what the runtime added.
    spec.annotations = container.record.annotations
    var process = try process(spec.process)
    if EgressStage.isAsked(spec.annotations) {
      process = try EgressStage.confined(process)
      try EgressStage.checkDescriptors(preserved: options.preservedDescriptors)
    }
    if process.args.isEmpty { throw RuntimeError(.options, "no command was given") }
    if options.detach && process.terminal && options.consoleSocket == nil {
      throw RuntimeError(
        .console, "cannot allocate a terminal without a console socket",
        hint: "give --console-socket, or leave --detach out")
    }
    let stage = ExecStage(
      container: container, spec: spec, process: process, options: options, log: log)
    return try stage.run()
  }
}

/// Clones a process into the namespaces of a container.
private struct ExecStage: ~Copyable {
  private let container: Container
  private let shared: Shared<(spec: Spec, process: OCISpec.Process, options: ExecOptions)>
  private let log: Log
  private var spec: Spec { shared.value.spec }
  private var process: OCISpec.Process { shared.value.process }
  private var options: ExecOptions { shared.value.options }

  init(
    container: consuming Container, spec: Spec, process: OCISpec.Process, options: ExecOptions,
    log: Log
  ) {
    self.container = container
    shared = Shared((spec, process, options))
    self.log = log
  }

  borrowing func run() throws(RuntimeError) -> Int32 {
    let linux = spec.linux ?? OCISpec.Linux()
    let policy = try PolicyStage.policy(spec.annotations)
    let supervision = supervision
    var filter = try PolicyStage.filter(
      spec, policy, supervision: supervision, machine: container.record.supervisorAnswers, log: log)
    guard let first = try container.openFirstProcess() else {
      throw RuntimeError(.state, "the container has just stopped")
    }
    let opened = DescriptorSet()
    let join = try cgroupJoin()
    var console: Int32? = nil
    if let path = options.consoleSocket {
      console = opened.insert(
        try at(.console, "connecting to console socket " + path) { () throws(Errno) in
          try connectUnix(path, kind: .stream)
        })
    }
    if let section = linux.seccomp, let path = section.listenerPath, SeccompStage.notifies(section) {
      filter?.listener = SystemCallFilter.Listener(
        socket: opened.insert(
          try at(.seccomp, "connecting to listenerPath " + path) { () throws(Errno) in
            try connectUnix(path, kind: .stream)
          }))
    }
    if supervision != nil {
      let path = container.directory.supervisorSocketPath
      let socket = try at(
        .seccomp, "reaching the container's supervisor", hint: "without it nothing may be executed in the container"
      ) { () throws(Errno) in try connectUnix(path, kind: .packets) }
      filter?.supervise(opened.insert(socket))
    }
    // Before the child is born in the container's cgroup, which may not open devices.
    let device = try ConShimStage.openDevice(spec.annotations)
    if let device { opened.insert(Descriptor(owning: device)) }
    let foreground = options.detach ? nil : try Foreground()
    let sockets = try at(.process, "making a channel") { () throws(Errno) in try SocketPair() }
    let flags = namespaceFlags
    // Born in the cgroup of v2, and with the time of the container's clocks.
    switch try at(
      .namespaces, "cloning",
      { () throws(Errno) in
        try clone(flags: 0, cgroup: join?.unified)
      })
    {
    case .child:
      _ = rc_close(sockets.ours.raw)
      let channel = Channel(sockets.theirs)
      do throws(RuntimeError) {
        try enter(
          first.raw, flags, join, channel, filter, initial: process.execCPUAffinity?.initial, conShimDevice: device)
      } catch { try? channel.send(.failed(error)) }
      exitNow(1)
    case .parent(let intermediate, _):
      sockets.theirs.close()
      let channel = Channel(sockets.ours)
      let terminal = DescriptorSet()
      var pid: Int32 = 0
      do throws(RuntimeError) {
        try serve(channel, console, terminal, &pid)
      } catch {
        // Reaped here: a zombie in the container's pid namespace would hold up its end.
        _ = try? wait(intermediate)
        if pid != 0 {
          try? sendSignal(SIGKILL, to: pid)
          _ = try? wait(pid)
        }
        throw error
      }
      _ = try? wait(intermediate)
      guard let foreground else { return 0 }
      let pidfd = try at(.process, "opening the process") { () throws(Errno) in try openProcess(pid) }
      return try foreground.wait(pid: pid, pidfd: pidfd.raw, terminal: terminal.raw.first)
        .status.shellCode
    }
  }

  /// The namespaces of the container that the runtime is not in itself.
  private var namespaceFlags: Int32 {
    container.record.namespaces.reduce(0) { flags, name in
      guard let kind = LinuxNamespace.Kind.allCases.first(where: { Namespaces.file($0) == name })
      else { return flags }
      return flags | Namespaces.flag(kind)
    }
  }

  private borrowing func cgroupJoin() throws(RuntimeError) -> CgroupJoin? {
    guard let cgroup = container.cgroup else { return nil }
    if let below = options.cgroup { return try cgroup.child(below).joinHandles() }
    return try cgroup.joinHandles()
  }

  /// What the container's supervisor does, as far as the filter has to know.
  private var supervision: Supervision? {
    guard container.record.supervisorPID != 0 else { return nil }
    let isAudited = container.record.annotations.value(of: PolicyStage.auditAnnotation) != nil
    return .mediate(lines: isAudited ? -1 : nil, summary: nil)
  }

  // MARK: in the runtime

  /// Answers the new process until it is its program.
  private borrowing func serve(
    _ channel: borrowing Channel, _ console: Int32?, _ terminal: DescriptorSet, _ pid: inout Int32
  ) throws(RuntimeError) {
    while true {
      let (message, descriptor) = try channel.receive()
      switch message {
      case .initProcess(let number):
        pid = number
        try ProcessStage.setLimits(process.rlimits, pid: pid)
        if let score = process.oomScoreAdj {
          _ = try? writeFile("/proc/\(pid)/oom_score_adj", String(score))
        }
        try channel.proceed()
      case .console:
        guard let descriptor else { throw RuntimeError(.console, "no terminal came") }
        let master = Descriptor(owning: descriptor)
        if let console {
          try at(.console, "sending the terminal") { () throws(Errno) in
            try send(console, Array("/dev/ptmx".utf8), descriptors: [master.raw])
          }
        } else {
          terminal.insert(master)
        }
      case .warning(let text): log.write(.warning, text)
      case .failed(let error): throw error
      case .ready:
        if let path = options.pidFile { try PIDFile.write(path, pid) }
        if let final = process.execCPUAffinity?.final {
          try CPUList.apply(final, pid: pid, field: "process.execCPUAffinity.final")
        }
        try channel.proceed(listenerState: listenerState(pid))
        return try channel.awaitEnd()
      case .mapUsers, .runHooks, .layers, .files, .proceed:
        throw RuntimeError(.process, "the stages lost step")
      }
    }
  }

  private borrowing func listenerState(_ pid: Int32) -> String {
    guard let section = spec.linux?.seccomp, SeccompStage.notifies(section) else { return "" }
    let state = ContainerProcessState(
      pid: Int(pid), metadata: section.listenerMetadata ?? "", state: container.state())
    return String(decoding: state.encode(), as: UTF8.self)
  }

  // MARK: in the container

  /// In the intermediate process: enters the namespaces and clones the one that belongs to them.
  private borrowing func enter(
    _ first: Int32, _ flags: Int32, _ join: CgroupJoin?, _ channel: borrowing Channel,
    _ filter: SystemCallFilter?, initial: String?, conShimDevice: Int32?
  ) throws(RuntimeError) {
    _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    // Processes of the container may not look into this one while it has descriptors of the host
    // (CVE-2016-9962).
    _ = try? processControl(PR_SET_DUMPABLE, 0)
    try join?.enter()
    if let initial {
      try CPUList.apply(initial, pid: 0, field: "process.execCPUAffinity.initial")
    }
    // All at once, or none: setns(2) takes a pidfd.
    try at(.namespaces, "joining the namespaces of the container") { () throws(Errno) in
      try joinNamespace(first, kinds: flags)
    }
    switch try at(
      .namespaces, "cloning",
      { () throws(Errno) in
        try clone(flags: UInt64(CLONE_PARENT))
      })
    {
    case .child:
      let own = try at(.process, "keeping the channel") { () throws(Errno) in
        try channel.duplicate()
      }
      become(Channel(own), filter, joinedUser: flags & CLONE_NEWUSER != 0, conShimDevice: conShimDevice)
    case .parent(let pid, _):
      try channel.send(.initProcess(pid))
      exitNow(0)
    }
  }

  private borrowing func become(
    _ channel: consuming Channel, _ filter: SystemCallFilter?, joinedUser: Bool, conShimDevice: Int32?
  ) -> Never {
    do throws(RuntimeError) {
      _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
      try channel.awaitProceed()
      if joinedUser {
        try at(.process, "becoming root of the user namespace") { () throws(Errno) in
          try setGroup(0)
          try setUser(0)
        }
      }
      try at(.process, "starting a session") { () throws(Errno) in try startSession() }
      if process.terminal {
        let root = RootDirectory(
          try at(.console, "opening the root") { () throws(Errno) in
            try open("/", O_PATH | O_DIRECTORY)
          })
        try ConsoleStage(process: process).attach(in: root, channel: channel, mounts: false)
      }
      var warnings: [String] = []
      var stage = ProcessStage(process, filter: filter) { warnings.append($0) }
      stage.conShimDevice = conShimDevice
      for warning in warnings { try channel.send(.warning(warning)) }
      if let persona = spec.linux?.personality { try PersonalityStage.apply(persona) }
      if let policy = spec.linux?.memoryPolicy { try MemoryPolicyStage.apply(policy) }
      try stage.setScheduling()
      try SecurityLabels.apply(process)
      var program = try Program(stage, canSetGroups: canSetGroups)
      _ = try? processControl(PR_SET_PDEATHSIG, 0)
      try channel.send(.ready)
      program.tellListener(try channel.awaitProceed())
      try program.start(preservedDescriptors: options.preservedDescriptors, sockets: [channel.raw])
    } catch { try? channel.send(.failed(error)) }
    exitNow(1)
  }

  /// In a namespace where an ordinary user mapped itself, setgroups(2) is denied.
  private var canSetGroups: Bool {
    guard let text = try? readFile("/proc/self/setgroups") else { return true }
    return text.utf8.first != 0x64  // "deny"
  }
}

/// Lists of CPUs such as `0-3,7`.
enum CPUList {
  /// The mask of a list, 64 CPUs a word; nil if it is not one.
  static func mask(_ list: String) -> [UInt64]? {
    var mask: [UInt64] = []
    for part in list.utf8.split(separator: 0x2c, omittingEmptySubsequences: false) {
      let ends = part.split(separator: 0x2d, omittingEmptySubsequences: false)
        .map { Int(String(Substring($0))) }
      guard let first = ends[0], ends.count <= 2, let last = ends[ends.count - 1], first >= 0,
        last >= first, last < 8192
      else { return nil }
      while mask.count <= last / 64 { mask.append(0) }
      for cpu in first...last { mask[cpu / 64] |= 1 << UInt64(cpu % 64) }
    }
    return mask
  }

  static func apply(_ list: String, pid: Int32, field: String) throws(RuntimeError) {
    if list.isEmpty { return }
    guard let mask = mask(list) else {
      throw RuntimeError(.process, field + ": \"" + list + "\" is not a list of CPUs")
    }
    try at(.process, field + " (" + list + ")") { () throws(Errno) in
      try setAffinity(mask, pid: pid)
    }
  }
}
