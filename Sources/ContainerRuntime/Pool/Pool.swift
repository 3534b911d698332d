import CLinux
import LinuxSystem
import OCISpec

/// `pool`: keeps sandboxes prepared up to the point where a command is all that is missing.
///
/// This process accepts clients and hands each to a holder, a process that has a sandbox ready (`PoolHolder`). It never waits for
/// one of them. Who may connect to the socket may run commands as its owner, so it is the owner's alone.
public struct Pool: ~Copyable {
  private let size: Int
  private let log: Log
  private let plan: PoolHolder.Plan
  private var made = 0
  private var holders: [Holder] = []
  /// Connected. Those at the front have said what they want, and wait for a sandbox.
  private var clients: [Client] = []
  private let listener: PoolSocket

  /// Clients that have nothing yet; more wait until they are accepted.
  private static let clientLimit = 64
  /// Sandboxes that are prepared at a time, if there are clients without one.
  private static let parallel = 4

  /// A child of this process.
  private final class Holder {
    let id: String
    let pid: Int32
    /// Closed by us, it tells the holder to end.
    let channel: DescriptorSet
    var isReady = false
    var isBusy = false

    init(id: String, pid: Int32, channel: DescriptorSet) {
      (self.id, self.pid, self.channel) = (id, pid, channel)
    }
  }

  private final class Client {
    let socket: DescriptorSet
    var hasSpoken = false

    init(_ socket: DescriptorSet) { self.socket = socket }
  }

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
    let (spec, rootfs) = try Do.poolSpecification(options)
    let plan = PoolHolder.Plan(
      name: name, spec: spec, rootfs: rootfs, options: options, store: store.path, lifeline: keeper.raw,
      log: log)
    var pool = Pool(plan, size, listener)
    do throws(RuntimeError) {
      try pool.fill(signals)
      // Not before: who connects finds a pool that is full.
      try pool.listener.open()
      try pool.serve(signals, store)
    } catch {
      pool.end()
      throw error
    }
    pool.end()
    _ = consume keeper
  }

  private init(_ plan: PoolHolder.Plan, _ size: Int, _ listener: consuming PoolSocket) {
    (self.plan, self.size, log) = (plan, size, plan.log)
    self.listener = listener
  }

  // MARK: holders

  /// Starts one more.
  private mutating func add() throws(RuntimeError) {
    made += 1
    let id = plan.name + String(made)
    let sockets = try at(.process, "making a channel") { () throws(Errno) in try SocketPair() }
    switch try at(.process, "starting a holder", { () throws(Errno) in try clone(flags: 0) }) {
    case .child: PoolHolder.be(plan, id: id, channel: sockets.theirs.raw)
    case .parent(let pid, _):
      let channel = DescriptorSet()
      channel.insert(sockets.ours)
      holders.append(Holder(id: id, pid: pid, channel: channel))
    }
  }

  /// Makes the first sandboxes, and fails with the first that fails.
  private mutating func fill(_ signals: borrowing SignalQueue) throws(RuntimeError) {
    for _ in 0..<size { try add() }
    while let waiting = holders.first(where: { !$0.isReady }) {
      let watched = [waiting.channel.raw[0], signals.raw]
      let ready = try at(.process, "waiting") { () throws(Errno) in try waitReadable(watched) }
      if ready.contains(1), Self.isTold(toEnd: signals) {
        throw RuntimeError(.process, "ended before the pool was full")
      }
      if ready.contains(0), let error = hear(waiting) { throw error }
    }
  }

  /// Reads what a holder says before it is busy: that it is ready, or why it ends.
  private func hear(_ holder: Holder) -> RuntimeError? {
    let packet = try? receive(holder.channel.raw[0])
    if let packet, packet.bytes == PoolHolder.ready {
      holder.isReady = true
      return nil
    }
    // Not to be listened to any more; `reap` has the rest.
    holder.isBusy = true
    if let packet, case .failed(let error) = PoolMessage(packet.bytes) { return error }
    return RuntimeError(.process, "a prepared sandbox has ended")
  }

  // MARK: the loop

  private enum Source { case signals, listener, client, holder }

  private mutating func serve(_ signals: borrowing SignalQueue, _ store: borrowing StateStore) throws(RuntimeError) {
    var hasFailed = false
    while true {
      let known = holders.filter { !$0.isBusy }
      let silent = clients.filter { !$0.hasSpoken }
      var watched = [signals.raw]
      var owners: [(Source, Int)] = [(.signals, 0)]
      for (index, holder) in known.enumerated() {
        watched.append(holder.channel.raw[0])
        owners.append((.holder, index))
      }
      for (index, client) in silent.enumerated() {
        watched.append(client.socket.raw[0])
        owners.append((.client, index))
      }
      if clients.count < Self.clientLimit {
        watched.append(listener.raw)
        owners.append((.listener, 0))
      }
      // Nobody waits for the next sandbox: it is made when no claim is under way, unless few are left. After a failure, later.
      let left = known.reduce(0) { $0 + ($1.isReady ? 1 : 0) }
      let pause: Int32 = hasFailed ? 1000 : left * 2 >= size ? 30 : left > 0 ? 10 : 1
      let isShort = known.count < size && known.allSatisfy { $0.isReady }
      let ready = try at(.process, "waiting") { () throws(Errno) in
        try waitReadable(watched, timeout: isShort ? pause : -1)
      }
      for place in ready {
        let (source, index) = owners[place]
        switch source {
        case .signals: if Self.isTold(toEnd: signals) { return }
        case .listener: accept()
        case .client: silent[index].hasSpoken = true
        case .holder:
          if let error = hear(known[index]) {
            log.write(.warning, "preparing a sandbox: " + error.description)
            hasFailed = true
          } else {
            hasFailed = false
          }
        }
      }
      reap(store)
      give()
      try refill(isIdle: ready.isEmpty, mayHurry: !hasFailed)
    }
  }

  private static func isTold(toEnd signals: borrowing SignalQueue) -> Bool {
    while let next = try? signals.next() {
      if [SIGTERM, SIGINT, SIGHUP, SIGQUIT].contains(next.signal) { return true }
    }
    return false
  }

  /// Starts what is missing: one at a time in quiet moments, several if clients wait for them.
  private mutating func refill(isIdle: Bool, mayHurry: Bool) throws(RuntimeError) {
    let free = holders.reduce(0) { $0 + ($1.isBusy ? 0 : 1) }
    let waiting = clients.reduce(0) { $0 + ($1.hasSpoken ? 1 : 0) }
    if waiting > 0, mayHurry {
      for _ in 0..<max(0, min(waiting, Self.parallel) - free) { try add() }
    } else if isIdle, free < size, holders.allSatisfy({ $0.isReady || $0.isBusy }) {
      try add()
    }
  }

  /// Waits for holders that have ended, and cleans up after those that could not do it themselves.
  private mutating func reap(_ store: borrowing StateStore) {
    while let ended = try? wait(-1, noHang: true) {
      guard let place = holders.firstIndex(where: { $0.pid == ended.pid }) else { continue }
      let id = holders.remove(at: place).id
      if ended.status == .exited(0) { continue }
      do throws(RuntimeError) { try Delete.run(id: id, force: true, store: store, log: log) } catch {
        log.write(.warning, error.description)
      }
    }
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
    clients.append(Client(client))
  }

  /// Hands clients that have spoken to holders that are ready. What they said the holder reads.
  private mutating func give() {
    while let client = clients.first(where: { $0.hasSpoken }),
      let holder = holders.first(where: { $0.isReady && !$0.isBusy })
    {
      holder.isBusy = true
      // If it is gone the client stays, for the next.
      if (try? send(holder.channel.raw[0], PoolHolder.ready, descriptors: client.socket.raw)) != nil {
        clients.removeAll { $0 === client }
      }
    }
  }

  // MARK: the end

  /// Ends and removes all sandboxes; running commands too.
  private mutating func end() {
    listener.remove()
    for holder in holders { holder.channel.closeAll() }
    for holder in holders { _ = try? wait(holder.pid) }
    holders = []
  }
}
