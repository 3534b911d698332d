import CLinux
import Cgroups
import Egress
import LinuxSystem
import OCISpec
import OwnFiles
import ShimPolicy
import Supervisor

/// What the caller of `create` and `run` may ask for besides the configuration.
public struct LaunchOptions {
  public var pidFile: String?
  public var consoleSocket: String?
  public var usesPivot = true
  public var newKeyring = true
  public var preservedDescriptors = 0
  /// The policy of a container whose configuration names none (`--policy`); nil for what is usual.
  public var policy: String?
  /// What a configuration gets that has no annotation of the name (`--egress`, `--dns`).
  public var annotations: [(name: String, value: String)] = []
  public static let egressAnnotation = EgressStage.annotation
  public static let nameserverAnnotation = EgressStage.nameserverAnnotation
  /// No cgroups at all (`--cgroup-manager disabled`).
  public var withoutCgroup = false
  /// The process starts at once: nobody will call `start`.
  public var startsAtOnce = false
  /// The caller stays until the process has ended.
  var isInForeground = false
  /// A process of ours is the first one: it passes signals on and reaps, the program is its child.
  var usesReaper = false
  /// Descriptors that become standard input, output and error; the caller's own if it is empty.
  var standardStreams: [Int32] = []
  var rootfs: RootfsSource?
  /// A process that sees system calls.
  var supervision: Supervision?
  /// What to run comes later, over the channel; see `Claim`.
  var waitsForClaim = false
  /// Gets the directory of the throw-away layers, which lives as long as it is open.
  var layers: DescriptorSet?
  /// Where a new network namespace may connect to.
  var egress: EgressPlan?
  /// Whether somebody asked for the container's policy: then calls that tell of the host are answered too, which takes a
  /// supervisor.
  var mayAnswerCalls = false
  /// The same by the container's configuration, with programs on its cgroup.
  var containerEgress: EgressStage.Plan?

  public init() {}
}

/// What the relay of a sandbox is started with.
struct EgressPlan {
  var rules: EgressRules
  var nameserver: (address: IPAddress, port: UInt16)
  /// A file for what was connected to.
  var summary: Int32
}

/// A container's first process, prepared, and what its creator keeps of it.
struct Launched: ~Copyable {
  let pid: Int32
  let pidfd: Descriptor
  /// The master of its terminal, when nobody else was given it.
  let terminal: Descriptor?
  /// A child of this process; see `LaunchOptions.supervision`.
  let supervisor: Int32?
  /// To a first process that waits; see `LaunchOptions.waitsForClaim`.
  var channel: Descriptor?
  /// See `LaunchOptions.egress`.
  var relay: Relay.Running?
  /// A child that ends with the first process.
  let nameService: Int32?
  /// A child that ends with the container's mounts.
  let ownFiles: Int32?
  /// Children between the container and files; see ``StreamRelay``.
  let streams: [StreamRelay]

  var terminalNumber: Int32? {
    switch terminal {
    case .some(let master): master.raw
    case .none: nil
    }
  }
}

/// The part of a launch that stays outside: prepares, clones, answers the first process, cleans up.
struct RuntimeStage: ~Copyable {
  private let shared: Shared<(spec: Spec, options: LaunchOptions)>
  let container: ContainerDirectory
  private let log: Log
  private(set) var record: ContainerRecord

  init(
    spec: Spec, options: LaunchOptions, container: consuming ContainerDirectory, log: Log,
    record: ContainerRecord
  ) {
    shared = Shared((spec, options))
    self.container = container
    self.log = log
    self.record = record
  }

  var spec: Spec { shared.value.spec }
  private var options: LaunchOptions { shared.value.options }

  private var linux: OCISpec.Linux { spec.linux ?? OCISpec.Linux() }

  /// The container's cgroup, once it is launched.
  var cgroup: Cgroup? { record.cgroup.map { Cgroup(record: $0) } }

  /// The kernel ends all processes of a pid namespace with its first.
  var hasOwnPIDs: Bool { linux.namespaces.contains { $0.type == .pid && ($0.path ?? "").isEmpty } }

  /// Brings the container to where its process waits for `start`, or has started.
  /// - Throws: what failed; nothing is left of the container but its directory, which the caller removes.
  mutating func launch() throws(RuntimeError) -> Launched {
    let policy = try PolicyStage.policy(spec.annotations)
    let begin = realTimeNanoseconds()
    let audit = DescriptorSet()
    let hasOwnFiles = !options.withoutCgroup && OwnFilesStage.isWanted(policy, spec)
    let machine =
      hasOwnFiles && options.mayAnswerCalls && options.supervision?.mediates != false
      && OwnFilesStage.canAnswerCalls(spec)
    let supervision = try supervision(policy, audit, machine: machine)
    let filter = try PolicyStage.filter(spec, policy, supervision: supervision, machine: machine, log: log)
    try Validation.check(spec, log: log)
    // Recorded before it is made, so that `delete --force` finds it whatever happens in between.
    let layout = try options.withoutCgroup ? nil : CgroupLayout.detect()
    var cgroup: Cgroup? = nil
    if let layout {
      cgroup = try Cgroup.plan(
        path: linux.cgroupsPath, id: container.id, layout: layout, resources: linux.resources,
        rootless: isRootless())
      record.cgroup = cgroup?.record
    }
    try container.save(record)
    let work = supervision.map {
      PolicyStage.work(
        $0, policy, spec, id: container.id, begin: begin, machine: machine ? cgroup.map { MachineFigures($0) } : nil)
    }
    record.supervisorAnswers = machine
    record.supervisorJudges = work?.judgesPrograms ?? false
    // Outside of what cleans up: a cgroup that somebody else was quicker to use is not ours to empty.
    try cgroup?.create()
    do throws(RuntimeError) {
      try cgroup?.apply(linux.resources ?? OCISpec.Resources())
      return try cloneAndServe(
        filter, cgroup, work, hasOwnFiles: hasOwnFiles, view: HostView(policy, linux))
    } catch {
      // Whatever of it got as far as running is in its cgroup.
      if let cgroup {
        try? cgroup.killAll(SIGKILL)
        try? cgroup.destroy()
      }
      throw error
    }
  }

  /// What the caller asked for, or else the policy or the configuration.
  /// - Parameter audit: keeps the file that the configuration names.
  private func supervision(
    _ policy: ShimPolicy?, _ audit: DescriptorSet, machine: Bool
  ) throws(RuntimeError) -> Supervision? {
    if let asked = options.supervision { return asked }
    let lines = try PolicyStage.auditFile(spec.annotations).map { audit.insert(Descriptor(owning: $0)) }
    if lines != nil, policy == nil {
      throw RuntimeError(
        .configuration, "annotation " + PolicyStage.auditAnnotation + " has no effect without a policy",
        hint: "name one with " + PolicyStage.annotation)
    }
    return try PolicyStage.supervision(policy, lines: lines, machine: machine)
  }

  // MARK: clone

  private mutating func cloneAndServe(
    _ filter: SystemCallFilter?, _ cgroup: Cgroup?, _ work: Supervisor.Work?, hasOwnFiles: Bool, view: HostView
  ) throws(RuntimeError) -> Launched {
    let opened = DescriptorSet()  // ours alone: closed when the first process has its copies
    let namespaces = try NamespacePlan(linux.namespaces, opened: opened)
    try SysctlStage.check(
      linux.sysctl, isolated: namespaces.made | namespaces.joinedKinds,
      hostname: !(spec.hostname ?? "").isEmpty)
    let maps = UserMappings(uids: linux.uidMappings, gids: linux.gidMappings)
    let join = try cgroup?.joinHandles()
    var startSocket: Int32? = nil
    if !options.startsAtOnce {
      startSocket = opened.insert(
        try at(.state, "making the start socket") { () throws(Errno) in
          try listenUnix(container.startSocketPath, kind: .packets)
        })
    }
    var console: Int32? = nil
    if let path = options.consoleSocket {
      console = opened.insert(
        try at(.console, "connecting to console socket " + path) { () throws(Errno) in
          try connectUnix(path, kind: .stream)
        })
    }
    var filter = filter
    if let section = linux.seccomp, let path = section.listenerPath, SeccompStage.notifies(section) {
      let socket = try at(.seccomp, "connecting to listenerPath " + path) { () throws(Errno) in
        try connectUnix(path, kind: .stream)
      }
      filter?.listener = SystemCallFilter.Listener(socket: opened.insert(socket))
    }
    var supervisor: Supervisor.Running? = nil
    if let work {
      guard KernelFeature.notification.isThere else {
        throw RuntimeError(
          .seccomp, "seeing system calls needs user notification (Linux 5.0)",
          hint: "rcontainer features --check says what holds without")
      }
      let running = try startSupervisor(work, opened)
      supervisor = running
      filter?.supervise(running.socket)
    }
    var relay: Relay.Running? = nil
    var way: (rules: EgressRules, sockets: Int32)? = nil
    if let egress = options.egress {
      let running = try at(.process, "starting the egress relay") { () throws(Errno) in
        try Relay.start(egress.rules, nameserver: egress.nameserver, summary: egress.summary, opened: opened)
      }
      way = (egress.rules, running.sockets)
      relay = consume running
    }
    var names: NameService.Running? = nil
    if let plan = options.containerEgress {
      try EgressStage.checkDescriptors(preserved: options.preservedDescriptors)
      names = try EgressStage.start(plan, cgroup, opened: opened)
    }
    let ownFiles = hasOwnFiles ? OwnFilesStage.start(cgroup, opened: opened, log: log) : nil
    let device = try ConShimStage.openDevice(spec.annotations)
    if let device { opened.insert(Descriptor(owning: device)) }
    let prepared = try PreparedMounts.open(spec, linux, userNamespace: namespaces.hasUser, opened)
    let sockets = try at(.process, "making a channel") { () throws(Errno) in try SocketPair() }
    var streams = options.standardStreams
    var streamRelays: [StreamRelay] = []
    if view.keepsPrograms, options.isInForeground {
      if streams.isEmpty { streams = [0, 1, 2] }
      streamRelays = try at(.process, "starting relays of standard streams") { () throws(Errno) in
        try StreamRelay.start(&streams, opened: opened)
      }
    }
    let plan = InitPlan(
      spec: spec, process: spec.process, linux: linux,
      rootfs: options.rootfs ?? .directory(record.rootfs), filter: filter,
      joined: namespaces.joined, made: namespaces.made, preparedMounts: prepared, cgroupJoin: join,
      cgroupMount: cgroup?.mountPlan(), startSocket: startSocket,
      toClose: [container.raw, sockets.ours.raw] + (console.map { [$0] } ?? []),
      hostHooks: hasHostHooks, usesPivot: options.usesPivot, newKeyring: options.newKeyring,
      preservedDescriptors: options.preservedDescriptors, id: container.id,
      waitsForClaim: options.waitsForClaim, tellsLayers: options.layers != nil, usesReaper: options.usesReaper,
      standardStreams: streams,
      stateForHooks: state(.creating, pid: 1), inUserNamespace: namespaces.hasUser || isRootless(),
      canSetGroups: namespaces.makesUser ? maps.allowsSetGroups : true, conShimDevice: device,
      egress: way,
      hidden: view.hidden, keepsPrograms: view.keepsPrograms && options.rootfs == nil,
      boundsFiles: view.boundsFiles,
      ownFiles: ownFiles?.mount, mountsOwnFiles: hasOwnFiles && isRootless() && cgroup != nil,
      containerEgress: names.flatMap { names in
        options.containerEgress.map { EgressStage.Way(resolver: $0.resolver, channel: names.channel) }
      })
    let child = try Birth(plan: plan, namespaces: namespaces).give(
      ours: sockets.ours, theirs: sockets.theirs)
    let first = child.pidfd.raw
    let channel = Channel(child.channel)
    var terminal: Descriptor? = nil
    var files: Int32? = ownFiles?.pid
    do throws(RuntimeError) {
      // Before the first process can send anything there: it waits for this one.
      if let supervisor {
        try at(.seccomp, "telling the supervisor") { () throws(Errno) in
          try send(supervisor.socket, [0], descriptors: [first])
        }
        if let identity = ProcessIdentity(pid: supervisor.pid) {
          record.supervisorPID = supervisor.pid
          record.supervisorStartTime = identity.startTime
        }
      }
      if let names {
        try at(.process, "telling the resolver of the container") { () throws(Errno) in
          try NameService.tell(first, channel: names.channel)
        }
      }
      try moveDevices(namespaces, pid: child.pid)
      try serve(channel, pid: child.pid, maps: maps, console: console, terminal: &terminal, files: &files)
    } catch {
      try? sendSignal(SIGKILL, toProcess: child.pidfd.raw)
      _ = try? wait(child.pid)
      throw error
    }
    var waiting: Descriptor? = nil
    if options.waitsForClaim { waiting = channel.release() }
    return Launched(
      pid: child.pid, pidfd: child.pidfd, terminal: terminal.take(), supervisor: supervisor?.pid,
      channel: waiting.take(), relay: relay.take(), nameService: names?.pid, ownFiles: files,
      streams: streamRelays)
  }

  /// The process that answers calls, and a socket where `exec` finds it.
  private func startSupervisor(
    _ work: Supervisor.Work, _ opened: DescriptorSet
  ) throws(RuntimeError) -> Supervisor.Running {
    try at(.seccomp, "starting the supervisor") { () throws(Errno) in
      let entrance = opened.insert(try listenUnix(container.supervisorSocketPath, kind: .packets))
      return try Supervisor.start(
        work,
        Supervisor.Surroundings(
          entrance: entrance, isDetached: !options.isInForeground, endsWithFirst: hasOwnPIDs),
        opened: opened)
    }
  }

  /// Into the namespace that the first process is in, or will join.
  private func moveDevices(_ namespaces: NamespacePlan, pid: Int32) throws(RuntimeError) {
    if linux.netDevices.isEmpty { return }
    if let joined = namespaces.joined.first(where: { $0.kind == CLONE_NEWNET }) {
      return try NetworkDevices.move(linux.netDevices, into: joined.descriptor)
    }
    let own = try at(.namespaces, "opening the network namespace of the container") { () throws(Errno) in
      try open("/proc/\(pid)/ns/net", O_RDONLY)
    }
    try NetworkDevices.move(linux.netDevices, into: own.raw)
  }

  private var hasHostHooks: Bool {
    guard let hooks = spec.hooks else { return false }
    return !hooks.prestart.isEmpty || !hooks.createRuntime.isEmpty
  }

  private func state(_ status: OCISpec.State.Status, pid: Int32) -> [UInt8] {
    record.state(status, pid: pid).encode()
  }

  // MARK: serve

  /// Answers the first process until it is ready, and lets it go on.
  private mutating func serve(
    _ channel: borrowing Channel, pid: Int32, maps: UserMappings, console: Int32?,
    terminal: inout Descriptor?, files: inout Int32?
  ) throws(RuntimeError) {
    try ProcessStage.setLimits(spec.process?.rlimits ?? [], pid: pid)
    try setOOMScore(pid)
    while true {
      let (message, descriptor) = try channel.receive()
      switch message {
      case .mapUsers:
        try maps.write(pid: pid)
        try channel.proceed()
      case .runHooks:
        let runner = HookRunner(state: state(.creating, pid: pid))
        if let hooks = spec.hooks {
          try runner.run(hooks.prestart, kind: "prestart")
          try runner.run(hooks.createRuntime, kind: "createRuntime")
        }
        try channel.proceed()
      case .console:
        guard let descriptor else { throw RuntimeError(.console, "no terminal came") }
        terminal = try hand(Descriptor(owning: descriptor), to: console)
      case .layers:
        guard let descriptor else { throw RuntimeError(.rootfs, "no layers came") }
        options.layers?.insert(Descriptor(owning: descriptor))
      case .files:
        guard let descriptor, let cgroup else { throw RuntimeError(.mounts, "no device came") }
        let device = Descriptor(owning: descriptor)
        files = try at(.process, "starting the server of own files") { () throws(Errno) in
          try OwnFiles.serve(device.raw, cgroup)
        }
        try channel.proceed()
      case .warning(let text): log.write(.warning, text)
      case .failed(let error): throw error
      case .ready:
        try remember(pid)
        try channel.proceed(listenerState: listenerState(pid))
        if options.startsAtOnce, !options.waitsForClaim { try channel.awaitEnd() }
        return
      case .initProcess, .proceed:
        throw RuntimeError(.process, "the stages lost step")
      }
    }
  }

  /// Passes the master on, or keeps it when nobody asked for it.
  private func hand(_ master: consuming Descriptor, to console: Int32?) throws(RuntimeError)
    -> Descriptor?
  {
    guard let console else { return master }
    try at(.console, "sending the terminal") { () throws(Errno) in
      try send(console, Array("/dev/ptmx".utf8), descriptors: [master.raw])
    }
    return nil
  }

  /// What the agent of a seccomp listener is told.
  private func listenerState(_ pid: Int32) -> String {
    guard let section = linux.seccomp, SeccompStage.notifies(section) else { return "" }
    let state = ContainerProcessState(
      pid: Int(pid), metadata: section.listenerMetadata ?? "",
      state: record.state(options.startsAtOnce ? .running : .created, pid: pid))
    return String(decoding: state.encode(), as: UTF8.self)
  }

  /// Records the process before it is let go: from here on every other verb can find it.
  private mutating func remember(_ pid: Int32) throws(RuntimeError) {
    guard let identity = ProcessIdentity(pid: pid) else {
      throw RuntimeError(.process, "the container's process is gone")
    }
    record.pid = pid
    record.startTime = identity.startTime
    record.phase = options.startsAtOnce ? .running : .created
    try container.save(record)
    if let path = options.pidFile { try PIDFile.write(path, pid) }
  }

  private func setOOMScore(_ pid: Int32) throws(RuntimeError) {
    guard let score = spec.process?.oomScoreAdj else { return }
    do throws(Errno) {
      try writeFile("/proc/\(pid)/oom_score_adj", String(score))
    } catch  where error == .accessDenied && isRootless() {
      // Below what an ordinary user's processes have: that user can't, and engines ask all the same.
    } catch {
      throw RuntimeError(
        .process, "process.oomScoreAdj (\(score))", error,
        hint: "lowering it needs CAP_SYS_RESOURCE")
    }
  }
}

/// The file that engines read a pid from.
enum PIDFile {
  /// Written under another name and renamed, so that a reader never sees half a number.
  static func write(_ path: String, _ pid: Int32) throws(RuntimeError) {
    try at(.process, "writing pid file " + path) { () throws(Errno) in
      var (parent, name) = (".", path)
      if let slash = path.utf8.lastIndex(of: 0x2f) {
        parent = String(path[...slash])
        name = String(path[path.utf8.index(after: slash)...])
      }
      let directory = try open(parent, O_PATH | O_DIRECTORY)
      let temporary = "." + name + ".new"
      let file = try open(
        temporary, at: directory.raw, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
      try writeAll(file.raw, String(pid))
      try rename(temporary, to: name, at: directory.raw)
    }
  }
}
