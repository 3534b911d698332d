import Foundation
import Glibc

/// A connection to the agent in the machine. One at a time: a lock in the state directory makes others wait.
public final class Agent {
  private let fd: Int32
  private let lock: Int32
  private var reader: FrameReader
  private let checkAlive: () throws -> Void

  /// `job`: the agent speaks first, because its command came with the initramfs.
  init(fd: Int32, state: URL, deadline: Deadline, job: Bool, checkAlive: @escaping () throws -> Void) throws {
    self.fd = fd
    self.checkAlive = checkAlive
    lock = try System.openLock(state.appending(path: "commands.lock").plainPath)
    let nonce = (0..<Frame.nonceSize).map { _ in job ? 0 : UInt8.random(in: 0...255) }
    reader = FrameReader(nonce: nonce)
    System.setNonBlocking(fd)
    while flock(lock, LOCK_EX | LOCK_NB) != 0 {
      try checkAlive()
      guard !deadline.passed else { throw MachineError("another command has been running in this machine all the time") }
      usleep(10_000)
    }
    // A job is carried out whether or not anyone greets.
    if job { return }
    while !reader.synchronized {
      try checkAlive()
      guard !deadline.passed else { throw MachineError("the machine did not come up in time") }
      _ = try? System.write(fd, (Frame.magic + nonce)[...])
      _ = try System.wait([(fd, false)], milliseconds: 50)
      try receive()
      _ = try reader.next()
    }
  }

  deinit {
    close(fd)
    close(lock)
  }

  public func send(_ frame: Frame) throws {
    var rest = frame.bytes[...]
    while !rest.isEmpty {
      rest = rest.dropFirst(try System.write(fd, rest))
      if !rest.isEmpty { _ = try System.wait([(fd, true)], milliseconds: 1000) }
    }
  }

  private func receive() throws {
    guard let bytes = try System.read(fd) else { return }
    if bytes.isEmpty {
      // Nothing more will come; the reason is in the logs as soon as QEMU has ended.
      usleep(50_000)
      try checkAlive()
      throw MachineError("the machine closed the command channel")
    }
    reader.append(bytes)
  }

  /// How a command ended.
  public enum Outcome: Equatable, Sendable {
    case exited(Int32)
    case timedOut
    case interrupted(Int32)
  }

  /// Where a command's standard input comes from.
  public enum Input {
    case none
    case descriptor(Int32)
    case bytes([UInt8])
  }

  /// Runs a command, or listens to the one that the agent has started (`arguments` nil).
  public func run(
    _ arguments: [String]?, input: Input = .none, deadline: Deadline, interruptions: Int32 = -1,
    output: (_ bytes: [UInt8], _ isError: Bool) throws -> Void
  ) throws -> Outcome {
    var source: Int32 = -1
    var rest: ArraySlice<UInt8> = []
    if let arguments {
      switch input {
      case .none: break
      case .descriptor(let fd): source = fd
      case .bytes(let bytes):
        for start in stride(from: 0, to: bytes.count, by: 4096) {
          rest += Frame.input(Array(bytes[start..<min(start + 4096, bytes.count)])).bytes
        }
        rest += Frame.input([]).bytes
      }
      let wantsInput = if case .none = input { false } else { true }
      let frame = Frame.run(arguments: arguments, input: wantsInput).bytes
      guard frame.count <= Frame.largest else { throw MachineError("the command line is longer than 64 KiB") }
      rest = frame + rest
    }
    var ending: Outcome?
    var limit = deadline
    while true {
      if case .exited(let status)? = try step(output) { return ending ?? .exited(status) }
      if limit.passed {
        // The command was told to end and did not: leaving the channel makes the agent kill it.
        if let ending { return ending }
        (ending, limit) = (.timedOut, Deadline(seconds: 2))
        rest = []
        try? send(.kill(UInt8(SIGKILL)))
      }
      var wanted: [(fd: Int32, write: Bool)] = [(fd, false), (interruptions, false)]
      wanted.append((rest.isEmpty ? -1 : fd, true))
      wanted.append((rest.isEmpty ? source : -1, false))
      let ready = try System.wait(wanted, milliseconds: limit.milliseconds(atMost: 1000))
      if ready[0] { try receive() }
      if ready[1], ending == nil, let bytes = try System.read(interruptions), let signal = bytes.first {
        (ending, limit) = (.interrupted(Int32(signal)), Deadline(seconds: 2))
        try? send(.kill(signal))
      }
      if ready[2] { rest = rest.dropFirst(try System.write(fd, rest)) }
      if ready[3], let bytes = try System.read(source, atMost: 4096) {
        rest = Frame.input(bytes).bytes[...]
        if bytes.isEmpty { source = -1 }
      }
      if !ready.contains(true) { try checkAlive() }
    }
  }

  /// Passes on what has come.
  private func step(_ output: ([UInt8], Bool) throws -> Void) throws -> Outcome? {
    while let frame = try reader.next() {
      switch frame {
      case .output(let bytes): try output(bytes, false)
      case .errors(let bytes): try output(bytes, true)
      case .exit(let status): return .exited(Int32(truncatingIfNeeded: status))
      default: break
      }
    }
    return nil
  }
}
