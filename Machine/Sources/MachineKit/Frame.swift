/// The protocol between `rcontainer-machine` and the agent in the machine; see guest/agent.c.
public enum Frame: Equatable, Sendable {
  case run(arguments: [String], input: Bool)
  /// Standard input; empty at its end.
  case input([UInt8])
  case kill(UInt8)
  case powerOff
  case output([UInt8])
  case errors([UInt8])
  case exit(UInt32)

  static let magic: [UInt8] = [0xff, 0xff] + Array("RCONTAINER-M".utf8) + [0xff, 0xff]
  static let nonceSize = 16
  static let headerSize = 5
  static let largest = 64 * 1024

  /// The bytes on the wire.
  public var bytes: [UInt8] {
    let (type, payload): (Character, [UInt8]) =
      switch self {
      case .run(let arguments, let input):
        ("E", [input ? 1 : 0] + Self.list(arguments))
      case .input(let bytes): ("I", bytes)
      case .kill(let signal): ("K", [signal])
      case .powerOff: ("Q", [])
      case .output(let bytes): ("O", bytes)
      case .errors(let bytes): ("X", bytes)
      case .exit(let status): ("C", (0..<4).map { UInt8(truncatingIfNeeded: status >> ($0 * 8)) })
      }
    let size = UInt32(payload.count)
    return [type.asciiValue ?? 0] + (0..<4).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) } + payload
  }

  /// Arguments as the agent reads them: each ends with NUL.
  static func list(_ arguments: [String]) -> [UInt8] { arguments.flatMap { Array($0.utf8) + [0] } }
}

/// Takes frames from a stream of bytes that the machine controls.
public struct FrameReader {
  private var buffer: [UInt8] = []
  private var start = 0
  private let greeting: [UInt8]
  public private(set) var synchronized = false

  /// Nothing counts before the magic with this nonce: it is left over from another connection.
  public init(nonce: [UInt8]) { greeting = Frame.magic + nonce }

  public mutating func append(_ bytes: some Sequence<UInt8>) {
    buffer.removeFirst(start)
    start = 0
    buffer += bytes
  }

  /// The next frame, nil if it has not come completely.
  public mutating func next() throws(MachineError) -> Frame? {
    if !synchronized {
      guard let found = firstGreeting() else { return nil }
      start = found + greeting.count
      synchronized = true
    }
    let left = buffer.count - start
    guard left >= Frame.headerSize else { return nil }
    let size = number(at: start + 1)
    guard size <= UInt32(Frame.largest) else { throw MachineError("the machine sent a frame of \(size) bytes") }
    guard left >= Frame.headerSize + Int(size) else { return nil }
    let type = buffer[start]
    let first = start + Frame.headerSize
    let payload = Array(buffer[first..<first + Int(size)])
    start = first + payload.count
    switch (type, payload.count) {
    case (UInt8(ascii: "O"), _): return .output(payload)
    case (UInt8(ascii: "X"), _): return .errors(payload)
    case (UInt8(ascii: "C"), 4): return .exit(number(at: first))
    default: throw MachineError("the machine sent a frame of unknown type \(type) and \(size) bytes")
    }
  }

  private func number(at index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(buffer[index + $1]) << UInt32($1 * 8) }
  }

  /// Where the greeting starts. What cannot be part of it is thrown away.
  private mutating func firstGreeting() -> Int? {
    let last = buffer.count - greeting.count
    if last >= 0 {
      for index in 0...last where buffer[index] == greeting[0] {
        if buffer[index..<index + greeting.count].elementsEqual(greeting) { return index }
      }
    }
    if buffer.count >= greeting.count { buffer.removeFirst(buffer.count - greeting.count + 1) }
    return nil
  }
}

/// A command that is part of the initramfs.
public enum Job {
  /// What the agent finds in /machine/job: arguments that end with NUL.
  public static func contents(_ arguments: [String]) -> [UInt8] { Frame.list(arguments) }
}
