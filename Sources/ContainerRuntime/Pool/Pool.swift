import CLinux
import LinuxSystem
import OCISpec

/// `pool`: keeps sandboxes prepared up to the point where a command is all that is missing.
///
/// One process and one thread, which waits for all at once. A sandbox is used once. Who may connect to the socket may run
/// commands as its owner, so it is the owner's alone.
public struct Pool: ~Copyable {
  /// What all its sandboxes are.
  private let shared: Shared<(options: SandboxOptions, spec: Spec)>
  private let size: Int
  private let log: Log
  private let name: String
  private var made = 0
  private var sandboxes: [PooledSandbox] = []
  /// Connected, and did not say yet what they want.
  private var clients: [DescriptorSet] = []
  private var listener: PoolSocket

  /// Clients that have nothing yet; more wait until they are accepted.
  private static let clientLimit = 64

  /// Runs until a signal ends it.
  public static func run(
    _ options: SandboxOptions, size: Int, socket: String, store: borrowing StateStore, log: Log
  ) throws(RuntimeError) {
    if options.conShim != .software {
      throw RuntimeError(.options, "--shim cca is not for pools", hint: "a con-shim is made when its program starts")
    }
    // Before anything is cloned, so that no signal ends a half-made sandbox.
    let signals = try at(.process, "preparing signals") { () throws(Errno) in try SignalQueue() }
    let random = try at(.process, "making a name") { () throws(Errno) in try randomBytes(6) }
    let name = random.reduce("pool-") { $0 + String($1 >> 4, radix: 16) + String($1 & 15, radix: 16) } + "-"
    let listener = try PoolSocket.make(path: socket)
    let keeper = try PoolKeeper.start(name: name, socket: listener, store: store.path, log: log)
    var pool = Pool(try Do.poolSpecification(options), options, size, listener, name, log)
    do throws(RuntimeError) {
      while pool.sandboxes.count < size { try pool.add(store) }
      // Not before: who connects finds a pool that is full.
      try pool.listener.open()
    } catch {
      pool.end(store)
      throw error
    }
    try pool.serve(signals, store)
    pool.end(store)
    _ = consume keeper
  }

  private init(
    _ spec: Spec, _ options: SandboxOptions, _ size: Int, _ listener: consuming PoolSocket, _ name: String, _ log: Log
  ) {
    shared = Shared((options, spec))
    (self.size, self.name, self.log) = (size, name, log)
    self.listener = listener
  }

  private var options: SandboxOptions { shared.value.options }

  // MARK: sandboxes

  /// Makes one more.
  @discardableResult
  private mutating func add(_ store: borrowing StateStore) throws(RuntimeError) -> PooledSandbox {
    var launch = try Do.launchOptions(options)
    let (layers, connections) = (DescriptorSet(), DescriptorSet())
    launch.waitsForClaim = true
    launch.layers = layers
    if options.egress != nil {
      let file = try at(.process, "making a file for destinations") { () throws(Errno) in
        try memoryFile("destinations", [])
      }
      launch.egress = Do.egressPlan(options, summary: connections.insert(file))
    }
    made += 1
    let launched = try Create.launch(
      id: name + String(made), spec: shared.value.spec, bundle: "/", options: launch, store: store, log: log)
    let base = PoolMessage.Ended(
      status: .exited(255), usage: ResourceUsage(user: 0, system: 0, memory: 0), memoryPeak: nil, lower: options.root,
      made: Do.madePaths(shared.value.spec))
    let sandbox = PooledSandbox(launched, layers: layers, connections: connections, base: base)
    sandboxes.append(sandbox)
    return sandbox
  }

  private var missing: Int { size - sandboxes.reduce(0) { $0 + ($1.isIdle ? 1 : 0) } }

  // MARK: the loop

  private mutating func serve(_ signals: borrowing SignalQueue, _ store: borrowing StateStore) throws(RuntimeError) {
    // After a failure, not at once again.
    var pause: Int32 = 1
    while true {
      let known = sandboxes
      let waiting = clients
      var watched = [signals.raw]
      var owners: [(Source, Int)] = [(.signals, 0)]
      for (index, sandbox) in known.enumerated() {
        for (source, descriptor) in [
          (Source.channel, sandbox.channelSocket), (.client, sandbox.clientSocket), (.end, sandbox.pidfd),
        ] {
          guard let descriptor else { continue }
          watched.append(descriptor)
          owners.append((source, index))
        }
      }
      for (index, client) in waiting.enumerated() {
        watched.append(client.raw[0])
        owners.append((.newClient, index))
      }
      if waiting.count < Self.clientLimit {
        watched.append(listener.raw)
        owners.append((.listener, 0))
      }
      let isShort = missing > 0
      let ready = try at(.process, "waiting") { () throws(Errno) in
        try waitReadable(watched, timeout: isShort ? pause : -1)
      }
      for place in ready {
        let (source, index) = owners[place]
        switch source {
        case .signals: if Self.isTold(toEnd: signals) { return }
        case .channel: known[index].readChannel()
        case .client: known[index].readClient()
        case .end:
          known[index].finish(store, log)
          sandboxes.removeAll { $0 === known[index] }
        case .newClient: claim(waiting[index], store)
        case .listener: accept()
        }
      }
      // One at a time, and only while nobody wants anything.
      if ready.isEmpty, isShort {
        do throws(RuntimeError) {
          try add(store)
          pause = 1
        } catch {
          log.write(.warning, "preparing a sandbox: " + error.description)
          pause = 1000
        }
      }
    }
  }

  private enum Source { case signals, listener, newClient, channel, client, end }

  private static func isTold(toEnd signals: borrowing SignalQueue) -> Bool {
    while let next = try? signals.next() {
      if [SIGTERM, SIGINT, SIGHUP, SIGQUIT].contains(next.signal) { return true }
    }
    return false
  }

  // MARK: clients

  private mutating func accept() {
    guard let socket = try? acceptConnection(listener.raw) else { return }
    let client = DescriptorSet()
    client.insert(socket)
    guard (try? peerUser(client.raw[0])) == effectiveUser() else {
      let refusal = RuntimeError(.options, "this pool is another user's", .accessDenied)
      try? send(client.raw[0], PoolMessage.failed(refusal).encoded())
      return
    }
    clients.append(client)
  }

  /// A client says what to run, and gets a sandbox; a new one if none is ready.
  private mutating func claim(_ client: DescriptorSet, _ store: borrowing StateStore) {
    clients.removeAll { $0 === client }
    guard let packet = try? receiveAll(client.raw[0]), case .claim = PoolMessage(packet.bytes),
      packet.descriptors.raw.count == 4
    else { return }
    do throws(RuntimeError) {
      let idle = sandboxes.first { $0.isIdle }
      let sandbox = if let idle { idle } else { try add(store) }
      do throws(Errno) { try sandbox.give(packet.descriptors, to: client) } catch {
        sandbox.kill()
        throw RuntimeError(.process, "giving a sandbox away", error)
      }
    } catch {
      try? send(client.raw[0], PoolMessage.failed(error).encoded())
    }
  }

  // MARK: the end

  /// Ends and removes all sandboxes; running commands too.
  private mutating func end(_ store: borrowing StateStore) {
    listener.remove()
    for sandbox in sandboxes { sandbox.kill() }
    for sandbox in sandboxes { sandbox.finish(store, log) }
    sandboxes = []
  }
}
