import CLinux
import LayerChanges
import LinuxSystem

/// `do --pool`: runs a command in a sandbox that a pool has prepared.
public enum PoolClient {
  /// - Parameter options: of which command, environment, working directory, time and what is wanted of the result count;
  ///   all else the pool has decided.
  public static func run(_ options: SandboxOptions, socket path: String) throws(RuntimeError) -> SandboxResult {
    let signals = try at(.process, "preparing signals") { () throws(Errno) in try SignalQueue() }
    let begin = monotonicNanoseconds()
    let socket = try at(.options, "--pool " + path, hint: "rcontainer pool --socket " + path + " starts one") {
      () throws(Errno) in
      guard path.utf8.count <= 107 else { throw .nameTooLong }
      return try connectUnix(path, kind: .packets)
    }
    // Who serves a socket that anybody could make sees the command's input.
    guard try at(.options, "--pool " + path, { () throws(Errno) in try peerUser(socket.raw) }) == effectiveUser() else {
      throw RuntimeError(.options, "--pool " + path + " is another user's", .accessDenied)
    }
    let outputs = try Do.outputFiles(options)
    try claim(options, socket.raw, outputs)
    let (ended, descriptors, timedOut) = try wait(socket.raw, signals, timeout: options.timeout)
    var result = SandboxResult(
      exitCode: timedOut ? 124 : ended.status.shellCode, timedOut: timedOut,
      milliseconds: (monotonicNanoseconds() - begin) / 1_000_000)
    (result.usage, result.memoryPeak, result.tasksPeak) = (ended.usage, ended.memoryPeak, ended.tasksPeak)
    if options.wantsChanges, let layers = descriptors.raw.first {
      result.changes = try Do.changes(
        layers, LayerWalk.Sandbox(lower: ended.lower, own: OverlayRoot.own, made: ended.made), options)
    }
    var files = descriptors.raw.dropFirst()
    if ended.hasConnections, let file = files.popFirst() {
      result.connections = ConnectionCount.read(try Do.lines(file, "destinations"))
    }
    if ended.hasCounts, let file = files.popFirst() {
      result.denied = DeniedCall.read(try Do.lines(file, "denied calls"))
    }
    if options.capturesOutput { try Do.collect(outputs, into: &result) }
    return result
  }

  private static func claim(_ options: SandboxOptions, _ socket: Int32, _ outputs: DescriptorSet) throws(RuntimeError) {
    if let directory = options.workingDirectory, directory.utf8.first != 0x2f {
      throw RuntimeError(.options, "--cwd " + directory + " is not an absolute path")
    }
    let claim = Claim(
      arguments: options.command, environment: options.environment,
      directory: options.workingDirectory ?? Do.callersDirectory([]),
      directoryIsRequired: options.workingDirectory != nil)
    try at(.process, "asking the pool") { () throws(Errno) in
      let file = try memoryFile("claim", claim.encoded())
      let streams = [0] + (outputs.raw.isEmpty ? [1, 2] : outputs.raw)
      try send(
        socket,
        PoolMessage.claim(wantsLayers: options.wantsChanges, wantsCounts: options.countsDenied).encoded(),
        descriptors: streams + [file.raw])
    }
  }

  /// Passes signals on until the command ends.
  private static func wait(
    _ socket: Int32, _ signals: borrowing SignalQueue, timeout: Int64?
  ) throws(RuntimeError) -> (PoolMessage.Ended, DescriptorSet, timedOut: Bool) {
    var deadline = timeout.map { monotonicNanoseconds() + $0 * 1_000_000 }
    var timedOut = false
    while true {
      let left = deadline.map { Int32(clamping: max(0, ($0 - monotonicNanoseconds()) / 1_000_000)) }
      let ready = try at(.process, "waiting") { () throws(Errno) in
        try waitReadable([socket, signals.raw], timeout: left ?? -1)
      }
      if ready.contains(1) {
        while let next = try? signals.next() {
          switch next.signal {
          // As with a sandbox of our own: a stopped client would leave the command running without anybody.
          case SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, SIGPIPE, SIGWINCH, SIGTSTP: break
          default: pass(next.signal, socket)
          }
        }
      }
      if ready.contains(0) {
        let packet = try at(.process, "listening to the pool") { () throws(Errno) in try receiveAll(socket) }
        guard let packet else { throw RuntimeError(.process, "the pool has ended, and the command with it") }
        switch PoolMessage(packet.bytes) {
        case .failed(let error): throw error
        case .ended(let ended): return (ended, packet.descriptors, timedOut)
        default: throw RuntimeError(.process, "the pool says what is not understood", hint: "is it of this version?")
        }
      }
      if let end = deadline, monotonicNanoseconds() >= end {
        pass(timedOut ? SIGKILL : SIGTERM, socket)
        deadline = timedOut ? nil : monotonicNanoseconds() + 1_000_000_000
        timedOut = true
      }
    }
  }

  private static func pass(_ signal: Int32, _ socket: Int32) {
    try? send(socket, PoolMessage.signal(signal).encoded())
  }
}
