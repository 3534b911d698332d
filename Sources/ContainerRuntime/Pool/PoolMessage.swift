import LinuxSystem

/// What a pool and its client say to each other, one packet per message. Each side checks what it gets, and ends the
/// connection if it is anything else.
enum PoolMessage {
  /// The client, first, with four descriptors: the command's standard streams, and a file in memory with its `Claim`.
  /// With layers it is told of the end when the sandbox's mounts are gone, else when its processes are. Counts are of denied
  /// calls.
  case claim(wantsLayers: Bool, wantsCounts: Bool)
  /// The client: a signal for the command.
  case signal(Int32)
  /// The pool: the command could not be started.
  case failed(RuntimeError)
  /// The pool, with descriptors: the layers, and files as `Ended` says.
  case ended(Ended)

  /// How a command in a sandbox of a pool ended.
  struct Ended {
    var status: ExitStatus
    var usage: ResourceUsage
    var memoryPeak: UInt64?
    var tasksPeak: UInt64?
    /// Whether there is a file that lists connections, and behind it one that counts denied calls.
    var hasConnections = false
    var hasCounts = false
    /// What its root looked like, and paths that were made in it.
    var lower: String
    var made: [String]
  }

  // A tag, then fields that each end with NUL.

  func encoded() -> [UInt8] {
    switch self {
    case .claim(let wantsLayers, let wantsCounts): return [1, (wantsLayers ? 1 : 0) | (wantsCounts ? 2 : 0)]
    case .signal(let signal): return [2] + Self.fields([String(signal)])
    case .failed(let error): return [3] + Channel.encodeError(error)
    case .ended(let ended):
      var (kind, code) = ("exited", Int32(0))
      switch ended.status {
      case .exited(let status): code = status
      case .signaled(let signal): (kind, code) = ("signaled", signal)
      }
      let usage = ended.usage
      let numbers = [
        kind, String(code), String(usage.user), String(usage.system), String(usage.memory),
        ended.memoryPeak.map { String($0) } ?? "-", ended.tasksPeak.map { String($0) } ?? "-",
        ended.hasConnections ? "1" : "0", ended.hasCounts ? "1" : "0",
      ]
      return [4] + Self.fields(numbers + [ended.lower] + ended.made)
    }
  }

  init?(_ bytes: [UInt8]) {
    guard let tag = bytes.first else { return nil }
    var fields = bytes.dropFirst().split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    if fields.last == "" { fields.removeLast() }
    switch tag {
    case 1 where bytes.count == 2 && bytes[1] < 4:
      self = .claim(wantsLayers: bytes[1] & 1 != 0, wantsCounts: bytes[1] & 2 != 0)
    case 2:
      guard fields.count == 1, let signal = Int32(fields[0]), (1...64).contains(signal) else { return nil }
      self = .signal(signal)
    case 3:
      guard let error = Channel.decodeError(fields + [""]) else { return nil }
      self = .failed(error)
    case 4:
      guard let ended = Self.ended(fields) else { return nil }
      self = .ended(ended)
    default: return nil
    }
  }

  private static func ended(_ fields: [String]) -> Ended? {
    guard fields.count >= 10, let code = Int32(fields[1]), let user = Int64(fields[2]), let system = Int64(fields[3]),
      let memory = Int64(fields[4])
    else { return nil }
    return Ended(
      status: fields[0] == "signaled" ? .signaled(code) : .exited(code),
      usage: ResourceUsage(user: user, system: system, memory: memory), memoryPeak: UInt64(fields[5]),
      tasksPeak: UInt64(fields[6]), hasConnections: fields[7] == "1", hasCounts: fields[8] == "1", lower: fields[9],
      made: Array(fields[10...]))
  }

  private static func fields(_ texts: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for text in texts { bytes += Array(text.utf8) + [0] }
    return bytes
  }
}
