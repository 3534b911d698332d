import CLinux
import LinuxSystem
import OCISpec

/// A process of a pool that prepares one sandbox, waits for a client, and stands between the two until the command has ended.
/// It is the parent of the sandbox, which ends with it.
enum PoolHolder {
  /// What all holders of a pool are started with.
  struct Plan {
    /// What ids begin with.
    let name: String
    let spec: Spec
    let rootfs: RootfsSource
    let options: SandboxOptions
    let store: String
    /// Kept open, so that the keeper waits for us.
    let lifeline: Int32
    let log: Log
  }

  /// The holder, when its sandbox is ready; the pool, with a client's socket.
  static let ready: [UInt8] = [0]

  /// Ends with 0 if nothing is left of the sandbox.
  static func be(_ plan: Plan, id: String, channel: Int32) -> Never {
    do throws(RuntimeError) {
      // Others' channels, of which a copy here would keep those from hearing of the pool's end.
      let audit = plan.options.auditFile.map { [$0] } ?? []
      try at(.process, "closing descriptors") { () throws(Errno) in
        try closeAll(but: [0, 1, 2, channel, plan.lifeline, plan.log.file] + audit)
      }
      let store = try StateStore(path: plan.store)
      let sandbox = try prepare(plan, id, store)
      try? send(channel, ready)
      serve(sandbox, channel)
      sandbox.finish(store, plan.log)
      exitNow(0)
    } catch {
      try? send(channel, PoolMessage.failed(error).encoded())
      // What a launch that failed has made it has removed.
      exitNow(0)
    }
  }

  private static func prepare(_ plan: Plan, _ id: String, _ store: borrowing StateStore) throws(RuntimeError)
    -> PooledSandbox
  {
    var launch = Do.launchOptions(plan.options, plan.rootfs)
    let (layers, connections, counts) = (DescriptorSet(), DescriptorSet(), DescriptorSet())
    launch.waitsForClaim = true
    launch.layers = layers
    if plan.options.egress != nil {
      let file = try at(.process, "making a file for destinations") { () throws(Errno) in
        try memoryFile("destinations", [])
      }
      launch.egress = Do.egressPlan(plan.options, summary: connections.insert(file))
    }
    try Do.count(plan.options, &launch, counts)
    let launched = try Create.launch(
      id: id, spec: plan.spec, bundle: "/", options: launch, store: store, log: plan.log)
    let base = PoolMessage.Ended(
      status: .exited(255), usage: ResourceUsage(user: 0, system: 0, memory: 0), memoryPeak: nil,
      hasConnections: plan.options.egress != nil, hasCounts: plan.options.countsDenied, lower: plan.options.root,
      made: Do.madePaths(plan.spec))
    return PooledSandbox(
      launched, layers: layers, connections: connections, counts: base.hasCounts ? counts : DescriptorSet(), base: base,
      keepsPrograms: plan.rootfs.kept != nil)
  }

  /// Until the sandbox's first process has ended.
  private static func serve(_ sandbox: PooledSandbox, _ channel: Int32) {
    var poolIsThere = true
    while true {
      var watched = [sandbox.pidfd]
      // While the channel of the sandbox is open it is read first: it knows why a command could not be started.
      if let socket = sandbox.channelSocket { watched.append(socket) }
      if let socket = sandbox.clientSocket { watched.append(socket) }
      if poolIsThere { watched.append(channel) }
      guard let ready = try? waitReadable(watched) else { continue }
      for place in ready {
        switch watched[place] {
        case sandbox.channelSocket: sandbox.readChannel()
        case sandbox.clientSocket: sandbox.readClient()
        case channel:
          if sandbox.isIdle, let packet = try? receiveAll(channel), packet.descriptors.raw.count == 1 {
            claim(sandbox, packet.descriptors)
          } else {
            // The pool ends, or is gone.
            poolIsThere = false
            sandbox.abandon()
          }
        default: break
        }
      }
      if ready.contains(0) { return }
    }
  }

  /// A client has said what it wants.
  private static func claim(_ sandbox: PooledSandbox, _ client: DescriptorSet) {
    guard let packet = try? receiveAll(client.raw[0]),
      case .claim(let wantsLayers, let wantsCounts) = PoolMessage(packet.bytes),
      packet.descriptors.raw.count == 4
    else { return sandbox.kill() }
    do throws(Errno) {
      try sandbox.give(packet.descriptors, to: client, wantsLayers: wantsLayers, wantsCounts: wantsCounts)
    } catch { sandbox.kill() }
  }
}
