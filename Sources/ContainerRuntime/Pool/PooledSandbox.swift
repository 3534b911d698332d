import CLinux
import Cgroups
import Egress
import LinuxSystem

/// A sandbox that was prepared before anybody asked for it. It runs one command and is thrown away.
final class PooledSandbox {
  let pid: Int32
  /// Of its first process.
  let pidfd: Int32
  /// To its process that waits for a command; closed when the command was started.
  private let channel: DescriptorSet
  private let layers: DescriptorSet
  private let connections: DescriptorSet
  private let counts: DescriptorSet
  private var launched: LaunchedContainer?
  /// Who has it.
  private var client: DescriptorSet?
  private let ended: PoolMessage.Ended
  private let cgroup: Cgroup?
  /// See ``StreamRelay``.
  private let keepsPrograms: Bool
  private var streams: [StreamRelay] = []
  /// The client is told when the sandbox is gone, and not before.
  private var waitsForAll = false

  /// - Parameter base: what is the same for all sandboxes of a pool.
  init(
    _ launched: consuming LaunchedContainer, layers: DescriptorSet, connections: DescriptorSet, counts: DescriptorSet,
    base: PoolMessage.Ended, keepsPrograms: Bool
  ) {
    self.keepsPrograms = keepsPrograms
    var launched = launched
    pid = launched.process.pid
    pidfd = launched.process.pidfd.raw
    channel = DescriptorSet()
    if let socket = launched.process.channel.take() { channel.insert(socket) }
    self.layers = layers
    self.connections = connections
    self.counts = counts
    ended = base
    cgroup = launched.stage.cgroup
    self.launched = consume launched
  }

  var isIdle: Bool { client == nil }
  var clientSocket: Int32? { client?.raw.first }
  /// Readable when no process of the command is left, or it could not be started.
  var channelSocket: Int32? { channel.raw.first }

  /// Passes a command and its streams on.
  func give(
    _ streams: DescriptorSet, to client: DescriptorSet, wantsLayers: Bool, wantsCounts: Bool
  ) throws(Errno) {
    self.client = client
    if wantsCounts, !ended.hasCounts {
      tell(
        .failed(
          RuntimeError(
            .options, "--summary: this pool does not count denied calls",
            hint: "start it with rcontainer pool --summary")))
      self.client?.closeAll()
      return kill()
    }
    // The relay and the supervisor tell at their ends what they have seen.
    waitsForAll = wantsLayers || ended.hasConnections || ended.hasCounts
    guard let socket = channelSocket else { throw .noProcess }
    var given = Array(streams.raw[0..<3])
    let opened = DescriptorSet()
    if keepsPrograms {
      self.streams = try StreamRelay.start(&given, opened: opened)
      if !self.streams.isEmpty { waitsForAll = true }
    }
    try send(
      socket, PoolMessage.claim(wantsLayers: wantsLayers, wantsCounts: wantsCounts).encoded(),
      descriptors: given + streams.raw[3...])
  }

  /// What the process that waits for a command says, which is an error, or the first process: how the command ended.
  func readChannel() {
    guard let socket = channelSocket else { return }
    let packet = try? receive(socket)
    if let packet, case .ended(let report) = PoolMessage(packet.bytes) {
      if !waitsForAll {
        var ended = ended
        (ended.status, ended.usage) = (report.status, report.usage)
        addPeaks(cgroup, to: &ended)
        tell(.ended(ended))
        client?.closeAll()
      }
    } else if let packet, packet.bytes.first == 7,
      let error = Channel.decodeError(
        packet.bytes.dropFirst().split(separator: 0, omittingEmptySubsequences: false)
          .map { String(decoding: $0, as: UTF8.self) })
    {
      tell(.failed(error))
      client?.closeAll()
    }
    channel.closeAll()
  }

  /// Does what the client says; without a client the command ends.
  func readClient() {
    guard let socket = clientSocket else { return }
    if let packet = try? receiveAll(socket), case .signal(let signal) = PoolMessage(packet.bytes) {
      try? sendSignal(signal, toProcess: pidfd)
    } else {
      client?.closeAll()
      kill()
    }
  }

  /// Ends it; its client hears no more than that the pool is gone.
  func abandon() {
    client?.closeAll()
    kill()
  }

  func kill() { try? sendSignal(SIGKILL, toProcess: pidfd) }

  private func tell(_ message: PoolMessage, _ descriptors: [Int32] = []) {
    if let socket = clientSocket { try? send(socket, message.encoded(), descriptors: descriptors) }
  }

  private func addPeaks(_ cgroup: Cgroup?, to ended: inout PoolMessage.Ended) {
    ended.memoryPeak = cgroup?.memoryPeak
    // One is ours.
    ended.tasksPeak = cgroup?.tasksPeak.map { $0 - min($0, 1) }
  }

  /// After the end of its first process, and so of all.
  func finish(_ store: borrowing StateStore, _ log: Log) {
    if let socket = channelSocket, (try? waitReadable([socket], timeout: 0))?.isEmpty == false { readChannel() }
    guard let found = try? waitWithUsage(pid), var launched = launched.take() else { return }
    Run.endHelpers(&launched)
    for stream in streams { stream.finish() }
    var ended = ended
    (ended.status, ended.usage) = (found.status, found.usage)
    addPeaks(launched.stage.cgroup, to: &ended)
    tell(.ended(ended), layers.raw + connections.raw + counts.raw)
    client?.closeAll()
    do throws(RuntimeError) { try Run.remove(launched, store, log) } catch { log.write(.warning, error.description) }
  }
}
