import CLinux
import LinuxSystem
import OwnFiles
import ShimPolicy
import SyscallCatalogue

/// The processes beside a container that see its system calls: one that answers them, and one that watches over it.
public enum Supervisor {
  /// What happens with the calls.
  public enum Work: Sendable {
    /// The names of those that were made are written to `result` at the end, one a line.
    case learn(result: Int32)
    /// Each is a line in `output`.
    case trace(output: Int32)
    /// Each is judged.
    case mediate(Mediation)
  }

  /// What is judged, and how that is told.
  public struct Mediation: Sendable {
    public var container: String
    /// By place in the catalogue: how a call fails.
    public var errors: [UInt16]
    /// A JSON object for each call, a line each.
    public var lines: Int32?
    /// At the end: name, error and count of each call that was denied, a line each.
    public var summary: Int32?
    /// Which programs may be executed; nil if nobody asks.
    public var exec: ExecRule?
    /// Of the calls that execute programs: place in the catalogue and class.
    public var programCalls: [(index: Int, callClass: CallClass)] = []
    /// What calls that tell of the machine are answered with; nil if the kernel answers them.
    public var machine: MachineFigures?
    /// The calls among them that the policy allows, by place in the catalogue.
    public var machineCalls: [Int] = []
    /// A time before the first process of the container ran, in nanoseconds since 1970.
    public var begin: Int64
    /// What is made for the container; nil for nothing.
    public var nested: NestedRules?

    public init(
      container: String, errors: [UInt16], lines: Int32?, summary: Int32?, exec: ExecRule?, begin: Int64
    ) {
      self.container = container
      self.errors = errors
      self.lines = lines
      self.summary = summary
      self.exec = exec
      self.begin = begin
    }

    func lets(_ index: Int) -> Bool { machineCalls.contains(index) }
  }

  /// What a policy with `nested` means for one container.
  public struct NestedRules: Sendable {
    /// Places in the catalogue of the calls that are judged.
    public let calls: [Int]
    /// Bytes that one file system in memory may hold.
    public let memoryLimit: UInt64
    /// The configuration masks paths outside of /proc and /sys, or makes some read-only.
    public let hidesInRoot: Bool

    public init(calls: [Int], memoryLimit: UInt64, hidesInRoot: Bool) {
      self.calls = calls
      self.memoryLimit = memoryLimit
      self.hidesInRoot = hidesInRoot
    }
  }

  /// A supervisor that runs.
  public struct Running: Sendable {
    /// Of the process that watches over it, which ends last.
    public let pid: Int32
    /// Where a handle on the container's first process (a pidfd) has to be sent to first, and then the filter's listener.
    public let socket: Int32
  }

  /// What a supervisor is started with besides its work.
  public struct Surroundings: Sendable {
    /// A socket that listens: processes that join the container later send the listeners of their filters there.
    public var entrance: Int32?
    /// It lives on when its caller has ended, and leaves the caller's standard streams alone.
    public var isDetached: Bool
    /// The kernel ends all processes of the container with its first.
    public var endsWithFirst: Bool

    public init(entrance: Int32?, isDetached: Bool, endsWithFirst: Bool) {
      self.entrance = entrance
      self.isDetached = isDetached
      self.endsWithFirst = endsWithFirst
    }
  }

  /// Starts one. It ends with the container, or when nobody is left who could send what it waits for.
  /// - Parameter opened: keeps our end of the socket.
  public static func start(
    _ work: Work, _ surroundings: Surroundings, opened: DescriptorSet
  ) throws(Errno) -> Running {
    let sockets = try SocketPair()
    switch try clone(flags: 0) {
    case .child:
      do throws(Errno) {
        try Guardian.run(work, surroundings, control: sockets.theirs.raw)
      } catch { fail(error) }
    case .parent(let pid, _):
      return Running(pid: pid, socket: opened.insert(try sockets.ours.duplicate()))
    }
  }

  /// Ends this process with a line on standard error.
  static func fail(_ error: Errno) -> Never {
    try? writeAll(2, "rcontainer: supervisor: " + error.description + "\n")
    exitNow(1)
  }

  /// The place of a call in the catalogue.
  static func index(of call: CallNotification) -> Int? {
    for architecture in Architecture.allCases where architecture.auditValue == call.architecture {
      let isX32 = architecture == .x32
      if isX32 != (architecture.auditValue == Architecture.x32.auditValue && call.number & Architecture.x32Bit != 0) {
        continue
      }
      guard let name = SyscallCatalogue.name(call.number & ~(isX32 ? Architecture.x32Bit : 0), on: architecture) else {
        return nil
      }
      return SyscallCatalogue.index(of: name)
    }
    return nil
  }
}

extension Supervisor.Work {
  var descriptors: [Int32] {
    switch self {
    case .learn(let result): [result]
    case .trace(let output): [output]
    case .mediate(let mediation): [mediation.lines, mediation.summary].compactMap { $0 }
    }
  }

  var readsMemory: Bool {
    switch self {
    case .learn: false
    case .trace: true
    case .mediate(let mediation):
      mediation.lines != nil || mediation.exec != nil || mediation.nested != nil || mediation.machine != nil
    }
  }

  /// Whether it watches threads that execute programs.
  public var judgesPrograms: Bool {
    if case .mediate(let mediation) = self { mediation.exec != nil } else { false }
  }

  var makesCalls: Bool {
    if case .mediate(let mediation) = self { mediation.nested != nil } else { false }
  }

  var tellsOfMachine: Bool {
    if case .mediate(let mediation) = self { mediation.machine != nil } else { false }
  }
}
