import Foundation
import Glibc

/// A connection to the agent in the machine. One at a time: a lock in the state directory makes others wait.
public final class Agent {
  private let fd: Int32
  private let lock: Int32
  private var reader: FrameReader
  private let checkAlive: () throws -> Void

  /// `job`: the agent speaks first, because its command came with the initramfs.
  init(state: URL, deadline: Deadline, job: Bool, checkAlive: @escaping () throws -> Void) throws {
    self.checkAlive = checkAlive
    let lock = try System.openLock(state.appending(path: "commands.lock").plainPath)
    var fd: Int32?
    do {
      // First the lock: QEMU serves whoever connected first, and the others' connections would wait there.
      while flock(lock, LOCK_EX | LOCK_NB) != 0 {
        try checkAlive()
        guard !deadline.passed else {
          throw MachineError("another command has been running in this machine all the time")
        }
        usleep(10_000)
      }
      while true {
        fd = System.connect(directory: state.plainPath, name: "commands.sock")
        if fd != nil { break }
        try checkAlive()
        guard !deadline.passed else { throw MachineError("QEMU did not open its command socket") }
        usleep(5_000)
      }
    } catch {
      close(lock)
      throw error
    }
    self.lock = lock
    self.fd = fd ?? -1
    let nonce = (0..<Frame.nonceSize).map { _ in job ? 0 : UInt8.random(in: 0...255) }
    reader = FrameReader(nonce: nonce)
    System.setNonBlocking(self.fd)
    // A job is carried out whether or not anyone greets.
    if job { return }
    while !reader.synchronized {
      try checkAlive()
      guard !deadline.passed else { throw MachineError("the machine did not come up in time") }
      _ = try? System.write(self.fd, (Frame.magic + nonce)[...])
      _ = try System.wait([(self.fd, false)], milliseconds: 50)
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
    case bytes(ArraySlice<UInt8>)
  }

  /// Runs a command, or listens to the one that the agent has started (`arguments` nil).
  public func run(
    _ arguments: [String]?, input: Input = .none, deadline: Deadline, interruptions: Int32 = -1,
    output: (_ bytes: [UInt8], _ isError: Bool) throws -> Void
  ) throws -> Outcome {
    var source = Input.none
    // What is being sent: always whole frames, or the next command's would be taken for the rest of one.
    var sending: ArraySlice<UInt8> = []
    if let arguments {
      source = input
      let wantsInput = if case .none = input { false } else { true }
      sending = Frame.run(arguments: arguments, input: wantsInput).bytes[...]
      guard sending.count <= Frame.largest else { throw MachineError("the command line is longer than 64 KiB") }
    }
    var ending: Outcome?
    var limit = deadline
    func end(_ outcome: Outcome, signal: Int32) {
      (ending, limit, source) = (outcome, Deadline(seconds: 2), .none)
      sending += Frame.kill(UInt8(signal)).bytes
    }
    while true {
      if case .exited(let status)? = try step(output) {
        while !sending.isEmpty {
          sending = sending.dropFirst(try System.write(fd, sending))
          if !sending.isEmpty { _ = try System.wait([(fd, true)], milliseconds: 1000) }
        }
        return ending ?? .exited(status)
      }
      if limit.passed {
        // The command was told to end and did not: leaving the channel makes the agent kill it.
        if let ending { return ending }
        end(.timedOut, signal: SIGKILL)
      }
      var readable: Int32 = -1
      if sending.isEmpty {
        switch source {
        case .none: break
        case .descriptor(let fd): readable = fd
        case .bytes(let bytes):
          sending = Frame.input(Array(bytes.prefix(Self.slice))).bytes[...]
          source = bytes.isEmpty ? .none : .bytes(bytes.dropFirst(Self.slice))
        }
      }
      let ready = try System.wait(
        [(fd, false), (interruptions, false), (sending.isEmpty ? -1 : fd, true), (readable, false)],
        milliseconds: limit.milliseconds(atMost: 1000))
      if ready[0] { try receive() }
      if ready[1], ending == nil, let bytes = try System.read(interruptions), let signal = bytes.first {
        end(.interrupted(Int32(signal)), signal: Int32(signal))
      }
      if ready[2] { sending = sending.dropFirst(try System.write(fd, sending)) }
      if ready[3], let bytes = try System.read(readable, atMost: Self.slice) {
        sending = Frame.input(bytes).bytes[...]
        if bytes.isEmpty { source = .none }
      }
      if !ready.contains(true) { try checkAlive() }
    }
  }

  /// Small, so that a new greeting is not taken for the contents of an abandoned frame for long.
  private static let slice = 4096

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
