import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// Which namespaces are joined and which are made.
struct NamespacePlan {
  var joined: [(descriptor: Int32, kind: Int32)] = []
  var made: Int32 = 0

  /// Opens the paths of the namespaces to be joined, before anything changes what they mean.
  init(_ namespaces: [OCISpec.LinuxNamespace], opened: DescriptorSet) throws(RuntimeError) {
    for (index, namespace) in namespaces.enumerated() {
      let kind = Namespaces.flag(namespace.type)
      guard let path = namespace.path, !path.isEmpty else {
        made |= kind
        continue
      }
      let place = "linux.namespaces[\(index)].path (" + path + ")"
      let file = try at(.namespaces, place) { () throws(Errno) in
        let file = try open(path, O_RDONLY)
        // NS_GET_NSTYPE (ioctl_ns(2)) tells the kind of the namespace that a file stands for.
        guard try namespaceKind(file.raw) == kind else { throw .invalid }
        return file
      }
      joined.append((opened.insert(file), kind))
    }
  }

  var joinedKinds: Int32 { joined.reduce(0) { $0 | $1.kind } }
  var makesUser: Bool { made & CLONE_NEWUSER != 0 }
  var hasUser: Bool { (made | joinedKinds) & CLONE_NEWUSER != 0 }

  /// Whether a process is needed between the runtime and the first process: what setns(2) and unshare(2)
  /// do to pid and time namespaces holds for children only, and a joined namespace has to be entered
  /// before a new user namespace takes away the right to.
  var needsIntermediate: Bool {
    if made & Int32(RC_CLONE_NEWTIME) != 0 { return true }
    if joinedKinds & (CLONE_NEWPID | CLONE_NEWUSER | Int32(RC_CLONE_NEWTIME)) != 0 { return true }
    return makesUser && !joined.isEmpty
  }

  /// What clone makes; the cgroup namespace follows when the cgroup is joined, the time namespace before.
  var cloneFlags: Int32 { made & ~(CLONE_NEWCGROUP | Int32(RC_CLONE_NEWTIME)) }
}

/// Clones the first process, directly or through an intermediate one.
struct Birth {
  let plan: InitPlan
  let namespaces: NamespacePlan

  struct Child: ~Copyable {
    let pid: Int32
    let pidfd: Descriptor
    let channel: Descriptor
  }

  /// Never returns in the child.
  func give(ours: consuming Descriptor, theirs: consuming Descriptor) throws(RuntimeError) -> Child {
    namespaces.needsIntermediate
      ? try throughIntermediate(ours, theirs) : try directly(ours, theirs)
  }

  private var cgroup: Int32? { plan.cgroupJoin?.unified }

  private func directly(
    _ ours: consuming Descriptor, _ theirs: consuming Descriptor
  ) throws(RuntimeError) -> Child {
    let flags = UInt64(UInt32(bitPattern: namespaces.cloneFlags))
    switch try at(
      .namespaces, "making the namespaces", hint: Self.hint,
      {
        () throws(Errno) in try clone(flags: flags, cgroup: cgroup)
      })
    {
    case .child:
      beFirst(Channel(theirs), joins: plan.joined)
    case .parent(let pid, let pidfd):
      return Child(pid: pid, pidfd: pidfd, channel: ours)
    }
  }

  private static let hint = "creating namespaces needs CAP_SYS_ADMIN or a user namespace"

  private func throughIntermediate(
    _ ours: consuming Descriptor, _ theirs: consuming Descriptor
  ) throws(RuntimeError) -> Child {
    switch try at(
      .namespaces, "making the intermediate process",
      { () throws(Errno) in
        try clone(flags: 0, cgroup: cgroup)
      })
    {
    case .child:
      let channel = Channel(theirs)
      do throws(RuntimeError) {
        try beIntermediate(channel)
      } catch { try? channel.send(.failed(error)) }
      exitNow(1)
    case .parent(let intermediate, _):
      theirs.close()
      return try adopt(intermediate, ours)
    }
  }

  /// In the runtime: waits for the pid of the first process, answering on the way.
  private func adopt(_ intermediate: Int32, _ ours: consuming Descriptor) throws(RuntimeError)
    -> Child
  {
    let channel = Channel(ours)
    defer { _ = try? wait(intermediate) }
    switch try channel.receive().message {
    case .initProcess(let pid):
      let pidfd = try at(.process, "opening the container's process") { () throws(Errno) in
        try openProcess(pid)
      }
      try channel.proceed()
      return Child(pid: pid, pidfd: pidfd, channel: channel.release())
    case .failed(let error): throw error
    default: throw RuntimeError(.process, "the stages lost step")
    }
  }

  /// In the intermediate: enters what must be entered from outside, then clones the first process as a
  /// child of the runtime (CLONE_PARENT).
  private func beIntermediate(_ channel: borrowing Channel) throws(RuntimeError) {
    _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    // Processes of a joined pid or user namespace may not look into this one (CVE-2016-9962).
    if namespaces.joinedKinds & (CLONE_NEWPID | CLONE_NEWUSER) != 0 {
      _ = try? processControl(PR_SET_DUMPABLE, 0)
    }
    for descriptor in plan.toClose { _ = rc_close(descriptor) }
    if let join = plan.cgroupJoin { try join.enter() }
    try joinAll()
    if plan.makes(Int32(RC_CLONE_NEWTIME)) { try makeTimeNamespace() }
    let flags =
      UInt64(UInt32(bitPattern: namespaces.cloneFlags)) | UInt64(CLONE_PARENT)
    switch try at(
      .namespaces, "making the namespaces", hint: Self.hint,
      {
        () throws(Errno) in try clone(flags: flags)
      })
    {
    case .child:
      let own = try at(.process, "keeping the channel") { () throws(Errno) in
        try channel.duplicate()
      }
      // What it says would come before its pid otherwise, if the intermediate process is slow.
      try channel.awaitProceed()
      beFirst(Channel(own), joins: [])
    case .parent(let pid, _):
      try channel.send(.initProcess(pid))
      exitNow(0)
    }
  }

  /// The user namespace last if the rights outside suffice, else first: then the others belong to it.
  private func joinAll() throws(RuntimeError) {
    let user = namespaces.joined.filter { $0.kind == CLONE_NEWUSER }
    var later: [(descriptor: Int32, kind: Int32)] = []
    for one in namespaces.joined where one.kind != CLONE_NEWUSER {
      do throws(Errno) {
        try joinNamespace(one.descriptor, kinds: one.kind)
      } catch  where error == .notPermitted && !user.isEmpty {
        later.append(one)
        continue
      } catch { throw Self.joinError(one.kind, error) }
      try openResolver(in: one.kind)
    }
    for one in user + later {
      do throws(Errno) { try joinNamespace(one.descriptor, kinds: one.kind) } catch {
        throw Self.joinError(one.kind, error)
      }
      try openResolver(in: one.kind)
    }
    if !user.isEmpty {
      // Root of the joined namespace, if it maps one.
      try? setGroup(0)
      try? setUser(0)
    }
  }

  /// Here, where the right to a low port is that of whom the network namespace belongs to: the container's user namespace,
  /// which comes after, may be another (network_namespaces(7), "CAP_NET_BIND_SERVICE").
  private func openResolver(in kind: Int32) throws(RuntimeError) {
    if kind == CLONE_NEWNET { try plan.containerEgress?.openSocket() }
  }

  private static func joinError(_ kind: Int32, _ error: Errno) -> RuntimeError {
    RuntimeError(.namespaces, "joining the " + Namespaces.name(kind) + " namespace", error)
  }

  /// The clocks can only be moved before a process is in the namespace (time_namespaces(7)).
  private func makeTimeNamespace() throws(RuntimeError) {
    try at(.namespaces, "making a time namespace") { () throws(Errno) in
      try LinuxSystem.unshare(Int32(RC_CLONE_NEWTIME))
    }
    for offset in plan.linux.timeOffsets {
      try at(.namespaces, "linux.timeOffsets." + offset.clock) { () throws(Errno) in
        try writeFile(
          "/proc/self/timens_offsets", "\(offset.clock) \(offset.secs) \(offset.nanosecs)")
      }
    }
  }

  /// In the first process.
  private func beFirst(
    _ channel: consuming Channel, joins: [(descriptor: Int32, kind: Int32)]
  ) -> Never {
    var plan = plan
    plan.joined = joins
    if namespaces.needsIntermediate { plan.toClose = [] }
    if plan.makes(CLONE_NEWUSER) {
      // The map is written from outside; until then this process is nobody.
      do throws(RuntimeError) {
        try channel.send(.mapUsers)
        try channel.awaitProceed()
      } catch { exitNow(1) }
    }
    InitStage(plan: plan, channel: channel).run()
  }
}
