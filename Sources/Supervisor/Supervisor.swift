import CLinux
import LinuxSystem
import SyscallCatalogue

/// The process beside a container that sees its system calls. It judges none: the filter does that, and what is not denied
/// there is told to this process, which lets it happen.
public enum Supervisor {
  /// What happens with the calls.
  public enum Work: Sendable {
    /// The names of those that were made are written to `result` at the end, one a line.
    case learn(result: Int32)
    /// Each is a line in `output`.
    case trace(output: Int32)
    /// Those that are told of are denied.
    case audit(Audit)
  }

  /// What becomes of denied calls.
  public struct Audit: Sendable {
    public var container: String
    /// By place in the catalogue: how a call fails.
    public var errors: [UInt16]
    /// A JSON object for each call, a line each.
    public var lines: Int32?
    /// At the end: name, error and count of each call, a line each.
    public var summary: Int32

    public init(container: String, errors: [UInt16], lines: Int32?, summary: Int32) {
      self.container = container
      self.errors = errors
      self.lines = lines
      self.summary = summary
    }
  }

  /// A supervisor that runs.
  public struct Running: Sendable {
    public let pid: Int32
    /// Where the filter's listener has to be sent to.
    public let socket: Int32
  }

  /// Starts one. It ends when no process has the filter any more, or nobody who could send the listener is left.
  /// - Parameter opened: keeps our end of the socket.
  public static func start(_ work: Work, opened: DescriptorSet) throws(Errno) -> Running {
    let sockets = try SocketPair()
    switch try clone(flags: 0) {
    case .child: be(work, sockets.theirs.raw)
    case .parent(let pid, _):
      return Running(pid: pid, socket: opened.insert(try sockets.ours.duplicate()))
    }
  }

  private static func be(_ work: Work, _ socket: Int32) -> Never {
    do throws(Errno) {
      // A terminal's Ctrl-C is for the container; this process ends after it.
      try startSession()
      try closeAll(but: [0, 1, 2, socket] + work.descriptors)
      try giveUpRights(of: work)
      guard let message = try receive(socket), let number = message.descriptor else { exitNow(0) }
      let listener = CallListener(Descriptor(owning: number))
      switch work {
      case .learn(let result): try learn(listener, result)
      case .trace(let output): try trace(listener, output)
      case .audit(let audit): try audit.run(listener)
      }
    } catch {
      try? writeAll(2, "rcontainer: supervisor: " + error.description + "\n")
      exitNow(1)
    }
    exitNow(0)
  }

  /// A trace or an audit reads memory of the container's processes (process_vm_readv(2)); nothing else needs a capability.
  private static func giveUpRights(of work: Work) throws(Errno) {
    try processControl(PR_SET_NO_NEW_PRIVS, 1)
    var kept: UInt64 = 0
    if work.readsMemory { kept = permittedCapabilities() & 1 << UInt64(RC_CAP_SYS_PTRACE) }
    try setCapabilities(effective: kept, permitted: kept, inheritable: 0)
  }

  // MARK: work

  private static func learn(_ listener: borrowing CallListener, _ result: Int32) throws(Errno) {
    var seen = [Bool](repeating: false, count: SyscallCatalogue.count)
    while let call = try listener.next() {
      if let index = index(of: call) { seen[index] = true }
      try listener.proceed(call)
    }
    var text = ""
    for index in seen.indices where seen[index] { text += SyscallCatalogue.name(at: index) + "\n" }
    try writeAll(result, text)
  }

  private static func trace(_ listener: borrowing CallListener, _ output: Int32) throws(Errno) {
    while let call = try listener.next() {
      let line = String(call.pid) + " " + CallText.describe(call, index(of: call)) + "\n"
      try? writeAll(output, line)
      try listener.proceed(call)
    }
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
    case .audit(let audit): audit.lines.map { [$0, audit.summary] } ?? [audit.summary]
    }
  }

  var readsMemory: Bool {
    switch self {
    case .learn: false
    case .trace: true
    case .audit(let audit): audit.lines != nil
    }
  }
}
