import LinuxSystem

/// What the stages of one container say to each other, one packet per message.
enum Message {
  /// Init, to the runtime: a user namespace is there; write its maps.
  case mapUsers
  /// Intermediate, to the runtime: the pid of init as the runtime sees it.
  case initProcess(Int32)
  /// Init, to the runtime: namespaces and mounts are there; run the hooks that belong before the pivot.
  case runHooks
  /// Init, to the runtime, with a descriptor: the master of the container's terminal.
  case console
  /// Init, to the runtime, with a descriptor: the throw-away layers of its root.
  case layers
  /// Init, to the runtime, with a descriptor: the device of the own files that it has mounted; serve them.
  case files
  /// Init, to the runtime: all is prepared; what is left is to start.
  case ready
  /// Init, to the runtime: something that the user should read.
  case warning(String)
  /// Any, to its peer: it failed and is gone.
  case failed(RuntimeError)
  /// The runtime, to init: go on. What it carries is for the agent of a seccomp listener.
  case proceed(listenerState: String)
}

/// One end of the socket between two stages. A closed other end is an error: a stage whose runtime was
/// killed ends too, so that nothing runs that is recorded nowhere.
struct Channel: ~Copyable {
  private let socket: Descriptor

  init(_ socket: consuming Descriptor) { self.socket = socket }

  var raw: Int32 { socket.raw }

  /// The socket itself.
  consuming func release() -> Descriptor { socket }

  /// A second end at the same place, for a process that is cloned while this one is borrowed.
  borrowing func duplicate() throws(Errno) -> Descriptor { try socket.duplicate() }

  borrowing func send(_ message: Message, descriptors: [Int32] = []) throws(RuntimeError) {
    try at(.process, "talking to the other stage") { () throws(Errno) in
      try LinuxSystem.send(socket.raw, Self.encode(message), descriptors: descriptors)
    }
  }

  /// The next message and the descriptor that came with it.
  borrowing func receive() throws(RuntimeError) -> (message: Message, descriptor: Int32?) {
    let packet = try at(.process, "talking to the other stage") { () throws(Errno) in
      try LinuxSystem.receive(socket.raw)
    }
    guard let packet, let message = Self.decode(packet.bytes) else {
      throw RuntimeError(.process, "the other stage ended before its work was done")
    }
    return (message, packet.descriptor)
  }

  /// Lets the other side go on.
  borrowing func proceed(listenerState: String = "") throws(RuntimeError) {
    try send(.proceed(listenerState: listenerState))
  }

  /// Waits for permission to go on.
  @discardableResult
  borrowing func awaitProceed() throws(RuntimeError) -> String {
    guard case .proceed(let state) = try receive().message else {
      throw RuntimeError(.process, "the stages lost step")
    }
    return state
  }

  /// Waits until the other side is gone, which execve(2) makes it, and throws what it says instead.
  borrowing func awaitEnd() throws(RuntimeError) {
    let packet = try at(.process, "talking to the other stage") { () throws(Errno) in
      try LinuxSystem.receive(socket.raw)
    }
    guard let packet else { return }
    if case .failed(let error) = Self.decode(packet.bytes) { throw error }
    throw RuntimeError(.process, "the stages lost step")
  }

  // A message is a tag, then fields that each end with NUL.

  private static func encode(_ message: Message) -> [UInt8] {
    switch message {
    case .mapUsers: [1]
    case .initProcess(let pid): [2] + Array(String(pid).utf8) + [0]
    case .runHooks: [3]
    case .console: [4]
    case .ready: [5]
    case .layers: [9]
    case .files: [10]
    case .warning(let text): [6] + Array(text.utf8) + [0]
    case .failed(let error): [7] + encodeError(error)
    case .proceed(let state): [8] + Array(state.utf8) + [0]
    }
  }

  private static func decode(_ bytes: [UInt8]) -> Message? {
    guard let tag = bytes.first else { return nil }
    let fields = bytes.dropFirst().split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    switch tag {
    case 1: return .mapUsers
    case 2: return Int32(fields.first ?? "").map { .initProcess($0) }
    case 3: return .runHooks
    case 4: return .console
    case 5: return .ready
    case 9: return .layers
    case 10: return .files
    case 6: return .warning(fields.first ?? "")
    case 7: return decodeError(fields).map { .failed($0) }
    case 8: return .proceed(listenerState: fields.first ?? "")
    default: return nil
    }
  }

  static func encodeError(_ error: RuntimeError) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in [
      error.stage.rawValue, String(error.errno?.rawValue ?? 0), error.message, error.hint ?? "",
    ] {
      bytes += Array(field.utf8) + [0]
    }
    return bytes
  }

  static func decodeError(_ fields: [String]) -> RuntimeError? {
    guard fields.count >= 4, let stage = Stage(rawValue: fields[0]), let number = Int32(fields[1])
    else { return nil }
    return RuntimeError(
      stage, fields[2], number == 0 ? nil : Errno(number), hint: fields[3].isEmpty ? nil : fields[3])
  }
}
