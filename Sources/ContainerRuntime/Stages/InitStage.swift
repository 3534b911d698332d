import CLinux
import Cgroups
import Egress
import LinuxSystem
import OCISpec

/// The first process of a container, from its birth in new namespaces to the program that it becomes.
///
/// The order of the steps matters, and each says why it stands where it does.
struct InitStage: ~Copyable {
  private let shared: Shared<InitPlan>
  private let channel: Channel
  private var plan: InitPlan { shared.value }

  init(plan: InitPlan, channel: consuming Channel) {
    shared = Shared(plan)
    self.channel = channel
  }

  /// Runs the stage; what fails is told to the runtime, or to `start` if it came to that.
  consuming func run() -> Never {
    var starter: Int32? = nil
    do throws(RuntimeError) {
      try prepareAndStart(&starter)
    } catch {
      if let starter {
        try? send(starter, Channel.encodeError(error))
      } else {
        try? channel.send(.failed(error))
      }
    }
    exitNow(1)
  }

  private borrowing func prepareAndStart(_ starter: inout Int32?) throws(RuntimeError) {
    // If the runtime dies now, nobody would know of this process.
    _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    for descriptor in plan.toClose { _ = rc_close(descriptor) }
    // Modes are as they are asked for; the process gets a mask of its own later.
    _ = rc_umask(0)
    // Before the cgroup namespace: the cgroup that is current then becomes its root.
    if let join = plan.cgroupJoin { try join.enter() }
    try enterNamespaces()
    // A network namespace that was joined before this process was made has it already.
    if plan.makes(CLONE_NEWNET) || plan.joined.contains(where: { $0.kind == CLONE_NEWNET }) {
      try plan.containerEgress?.openSocket()
    }
    try nameHost()
    if plan.newKeyring { try joinKeyring() }
    // A session of its own, so that the terminal can become its controlling terminal.
    try at(.process, "starting a session") { () throws(Errno) in try startSession() }
    let rootfs = RootfsStage(plan: plan)
    let root = try rootfs.prepare { layers throws(RuntimeError) in
      if plan.tellsLayers { try channel.send(.layers, descriptors: [layers]) }
    }
    // While /dev/pts of the new root can be mounted over no more, and before the pivot hides the host.
    if let process = plan.process, process.terminal {
      try ConsoleStage(process: process).attach(in: root, channel: channel)
    }
    // The runtime runs prestart and createRuntime hooks while the host's files are still in sight, and the
    // createContainer hooks run here for the same reason.
    if plan.hostHooks {
      try channel.send(.runHooks)
      try channel.awaitProceed()
    }
    if let hooks = plan.spec.hooks, !hooks.createContainer.isEmpty {
      try HookRunner(state: plan.stateForHooks).run(hooks.createContainer, kind: "createContainer")
    }
    // Written through a private procfs, so that nothing in the container is taken for it.
    try SysctlStage.apply(plan.linux.sysctl)
    try rootfs.hide(root) { device throws(RuntimeError) in
      try channel.send(.files, descriptors: [device])
      try channel.awaitProceed()
    }
    try rootfs.enter(root)
    try rootfs.propagate()
    var program = try prepareProcess()
    // From here on the runtime's end is seen by the channel's: once it has recorded this process it says so
    // and may be gone at once.
    _ = try? processControl(PR_SET_PDEATHSIG, 0)
    try channel.send(.ready)
    program?.tellListener(try channel.awaitProceed())
    if let socket = plan.startSocket {
      starter = try at(.process, "waiting for start") { () throws(Errno) in
        try acceptConnection(socket).release()
      }
    }
    guard var program else {
      throw RuntimeError(.process, "the configuration has no process to start")
    }
    if let hooks = plan.spec.hooks, !hooks.startContainer.isEmpty {
      try HookRunner(state: plan.stateForHooks).run(hooks.startContainer, kind: "startContainer")
    }
    if plan.usesReaper { try Reaper.becomeFirst(telling: plan.waitsForClaim ? channel.raw : nil) }
    if plan.waitsForClaim { try awaitClaim(&program) }
    for (index, stream) in plan.standardStreams.enumerated() where stream != Int32(index) {
      try at(.process, "redirecting standard streams") { () throws(Errno) in
        try duplicate(stream, onto: Int32(index))
      }
    }
    try program.start(
      preservedDescriptors: plan.preservedDescriptors, sockets: starter.map { [channel.raw, $0] } ?? [channel.raw])
  }

  /// Waits for somebody who wants this sandbox.
  private borrowing func awaitClaim(_ program: inout Program) throws(RuntimeError) {
    // Descriptors of other sandboxes came along when this process was cloned. Kept open here, they would keep those from
    // hearing of the pool's end.
    let kept = [0, 1, 2, channel.raw] + (plan.filter?.listener.map { [$0.socket] } ?? [])
    try at(.process, "closing descriptors") { () throws(Errno) in try closeAll(but: kept) }
    let packet = try at(.process, "waiting for a command") { () throws(Errno) in try receiveAll(channel.raw) }
    guard let packet, packet.descriptors.raw.count == 4 else { exitNow(1) }
    let descriptors = packet.descriptors.raw
    try program.take(try Claim(file: descriptors[3]))
    for stream in 0..<3 {
      try at(.process, "redirecting standard streams") { () throws(Errno) in
        try duplicate(descriptors[stream], onto: Int32(stream))
      }
    }
  }

  // MARK: steps

  private borrowing func enterNamespaces() throws(RuntimeError) {
    for (descriptor, kind) in plan.joined {
      try at(
        .namespaces, "joining the " + Namespaces.name(kind) + " namespace",
        hint: "is its path of this kind?"
      ) { () throws(Errno) in try joinNamespace(descriptor, kinds: kind) }
    }
    if plan.makes(CLONE_NEWUSER), plan.mapsRoot {
      // Root of the user namespace, which owns all the other new ones.
      try at(.userMappings, "becoming root of the user namespace") { () throws(Errno) in
        try setGroup(0)
        try setUser(0)
        if plan.canSetGroups { try setSupplementaryGroups([]) }
      }
      // The change of user cleared it (prctl(2)).
      _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    }
    // Not through clone, where the cgroup of the runtime would become its root.
    if plan.makes(CLONE_NEWCGROUP) {
      try at(.namespaces, "making a cgroup namespace") { () throws(Errno) in
        try LinuxSystem.unshare(CLONE_NEWCGROUP)
      }
    }
    if plan.makes(CLONE_NEWNET) {
      try at(.namespaces, "bringing the loopback interface up") { () throws(Errno) in
        try bringLoopbackUp()
      }
      if let egress = plan.egress {
        try at(.namespaces, "opening the way to the network", hint: "--egress needs IPv6 in the kernel") {
          () throws(Errno) in try Relay.openSandbox(egress.rules, sockets: egress.sockets)
        }
      }
    }
  }

  private borrowing func nameHost() throws(RuntimeError) {
    if let name = plan.spec.hostname, !name.isEmpty {
      try at(.namespaces, "hostname (" + name + ")") { () throws(Errno) in try setHostName(name) }
    }
    if let name = plan.spec.domainname, !name.isEmpty {
      try at(.namespaces, "domainname (" + name + ")") { () throws(Errno) in
        try setDomainName(name)
      }
    }
  }

  private borrowing func joinKeyring() throws(RuntimeError) {
    do throws(Errno) {
      try joinSessionKeyring("_ses." + plan.id)
    } catch  where error == .notImplemented {
      // A kernel without keyrings: nothing to keep apart.
    } catch {
      throw RuntimeError(
        .process, "making a session keyring", error, hint: "--no-new-keyring leaves it out")
    }
  }

  /// Everything about the process that needs no more than this process has.
  private borrowing func prepareProcess() throws(RuntimeError) -> Program? {
    guard let process = plan.process else { return nil }
    var warnings: [String] = []
    var stage = ProcessStage(process, filter: plan.filter) { warnings.append($0) }
    stage.conShimDevice = plan.conShimDevice
    for warning in warnings { try channel.send(.warning(warning)) }
    if let persona = plan.linux.personality { try PersonalityStage.apply(persona) }
    if let policy = plan.linux.memoryPolicy { try MemoryPolicyStage.apply(policy) }
    try stage.setScheduling()
    try SecurityLabels.apply(process)
    return try Program(stage, canSetGroups: plan.canSetGroups, isKnown: !plan.waitsForClaim)
  }
}

/// A process that is ready to become its program.
struct Program {
  private var stage: ProcessStage
  private var path: String

  /// Enters the working directory, becomes the user and finds the program.
  /// - Parameter isKnown: the program is that of the configuration; else it follows with ``take(_:)``.
  init(_ stage: ProcessStage, canSetGroups: Bool, isKnown: Bool = true) throws(RuntimeError) {
    // Tried twice: only root may enter some directories, only the user others (NFS, FUSE).
    let entered = (try? stage.enterDirectory()) != nil
    try stage.becomeUser(canSetGroups: canSetGroups)
    if !entered { try stage.enterDirectory() }
    path = isKnown ? try stage.findProgram() : ""
    self.stage = stage
  }

  /// Becomes another program, elsewhere.
  mutating func take(_ claim: Claim) throws(RuntimeError) {
    stage.process.args = claim.arguments
    stage.process.env = claim.environment
    stage.process.cwd = claim.directory
    if claim.directoryIsRequired {
      try stage.enterDirectory()
    } else if (try? stage.enterDirectory()) == nil {
      stage.process.cwd = "/"
      try stage.enterDirectory()
    }
    path = try stage.findProgram()
  }

  /// What the agent of a seccomp listener is to be told.
  mutating func tellListener(_ state: String) {
    if !state.isEmpty { stage.filter?.listener?.state = Array(state.utf8) }
  }

  /// Starts it; returns only by throwing.
  /// - Parameter sockets: their ends tell others that it runs.
  func start(preservedDescriptors: Int, sockets: [Int32]) throws(RuntimeError) -> Never {
    resetSignals()
    if let device = stage.conShimDevice {
      try ConShimStage.become(stage, path, device: device, preservedDescriptors: preservedDescriptors)
    }
    // Nothing of the runtime's stays open in the container (CVE-2024-21626).
    try at(.process, "closing descriptors") { () throws(Errno) in
      try closeOnExec(from: 3)
      for number in 0..<Int32(preservedDescriptors) where isOpen(3 + number) {
        try setCloseOnExec(3 + number, false)
      }
    }
    try stage.letSupervisorIn(preservedDescriptors, keeping: sockets)
    try stage.installFilter()
    try stage.execute(path)
  }
}
