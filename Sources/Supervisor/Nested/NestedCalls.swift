import CLinux
import LinuxSystem
import ShimPolicy
import SyscallCatalogue

/// Judges calls that a policy with `nested` lets the container have, and makes them for it.
///
/// Strings and numbers are copied once, and judged. Then a short-lived child enters the container's namespaces, becomes who the
/// caller is, opens what the paths name, judges what it has open, and acts on that: never on a path again.
struct NestedCalls {
  let rules: Supervisor.NestedRules
  /// The namespaces of the first caller; others make their calls in vain.
  private var home: Caller.Home?
  /// Mounts that were made for the container, by their ids.
  private var made: [Int] = []

  /// What a call asks for, with everything of the caller's memory that matters.
  enum Request {
    case mount(Nested.Mount, source: String, target: String)
    case unmount(target: String, flags: UInt64)
    /// - Parameter at: what the path starts from; nil for the working directory.
    case node(Nested.Node, path: String, at: Int32?, mode: UInt32)
    case setAttribute(File, name: String, value: [UInt8], flags: Int32)
    case removeAttribute(File, name: String)

    /// Whether only the container's root may ask for it.
    var isForAdministrators: Bool {
      switch self {
      case .mount, .unmount, .node(.device, _, _, _): true
      case .node, .setAttribute, .removeAttribute: false
      }
    }
  }

  /// By a path, or open already.
  enum File {
    case path(String, followsLink: Bool)
    case open(Int32)
  }

  /// What became of a call.
  struct Outcome {
    /// 0 if it was made.
    var error: UInt16
    var reason: String
  }

  /// Milliseconds that the child has.
  private static let patience: Int32 = 10_000

  init(_ rules: Supervisor.NestedRules) { self.rules = rules }

  func judges(_ index: Int, _ call: CallNotification) -> Bool {
    call.architecture == Architecture.native.auditValue && rules.calls.contains(index)
  }

  /// Makes the call, or says why not. Nothing is done if its thread is gone.
  mutating func handle(_ call: CallNotification, _ index: Int, _ listener: CallListener) -> Outcome? {
    let opened = DescriptorSet()
    do throws(Nested.Refusal) {
      let request = try Self.request(call, SyscallCatalogue.name(at: index), rules, opened)
      let caller = try Caller(call.pid, home: home, opened)
      // What was read by the thread's number was the caller's.
      if !listener.isWaiting(call) { return nil }
      home = caller.home
      if request.isForAdministrators, !caller.isAdministrator {
        throw Nested.Refusal(UInt16(EPERM), "the caller is not the container's root")
      }
      return try act(Worker(request: request, caller: caller, made: made, hidesInRoot: rules.hidesInRoot))
    } catch { return Outcome(error: error.error, reason: "nested: " + error.reason) }
  }

  /// Runs the child.
  private mutating func act(_ worker: Worker) throws(Nested.Refusal) -> Outcome {
    do throws(Errno) {
      let pipe = try Pipe()
      let (reader, writer) = (pipe.reader.raw, pipe.writer.raw)
      switch try clone(flags: 0) {
      case .child:
        worker.run(report: writer)
      case .parent(let pid, let pidfd):
        if try waitReadable([pidfd.raw], timeout: Self.patience).isEmpty {
          try? sendSignal(SIGKILL, toProcess: pidfd.raw)
        }
        _ = try wait(pid)
        guard try !waitReadable([reader], timeout: 0).isEmpty else { throw .ioError }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try read(reader, into: &bytes)
        let report = bytes[0..<count].split(separator: 0x0a, omittingEmptySubsequences: false)
        guard report.count == 3, let error = UInt16(String(decoding: report[0], as: UTF8.self)) else { throw .ioError }
        made = report[1].split(separator: 0x20).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        return Outcome(error: error, reason: "nested: " + String(decoding: report[2], as: UTF8.self))
      }
    } catch {
      // What it did is not known: better a mount that stays than one taken for ours that is not.
      made = []
      throw Nested.Refusal(UInt16(EIO), "the child that makes calls failed: " + error.description)
    }
  }

  // MARK: arguments

  private static func request(
    _ call: CallNotification, _ name: String, _ rules: Supervisor.NestedRules, _ opened: DescriptorSet
  ) throws(Nested.Refusal) -> Request {
    let arguments = call.arguments
    switch name {
    case "mount":
      let plan = try Nested.mount(
        type: try optionalString(call, 2), flags: arguments[3], data: try optionalString(call, 4),
        memoryLimit: rules.memoryLimit)
      return .mount(plan, source: try optionalString(call, 0) ?? "", target: try string(call, 1))
    case "umount2": return .unmount(target: try string(call, 0), flags: arguments[1])
    case "mknod":
      return .node(
        try Nested.node(mode: arguments[1], device: arguments[2]), path: try string(call, 0), at: nil,
        mode: UInt32(arguments[1] & 0o7777))
    case "mknodat":
      let number = Int32(truncatingIfNeeded: arguments[0])
      let path = try string(call, 1)
      let isFree = number == Directory.current || path.utf8.first == 0x2f
      let directory = isFree ? nil : try descriptor(call, number, opened)
      return .node(
        try Nested.node(mode: arguments[2], device: arguments[3]), path: path, at: directory,
        mode: UInt32(arguments[2] & 0o7777))
    case "setxattr", "lsetxattr", "fsetxattr":
      let attribute = try attribute(call)
      if arguments[3] > UInt64(Nested.attributeValueLimit) {
        throw Nested.Refusal(UInt16(E2BIG), "the value is too long")
      }
      let value = try memory(call, arguments[2], Int(arguments[3]))
      return .setAttribute(
        try file(call, name, opened), name: attribute, value: value, flags: Int32(truncatingIfNeeded: arguments[4]))
    case "removexattr", "lremovexattr", "fremovexattr":
      return .removeAttribute(try file(call, name, opened), name: try attribute(call))
    default: throw Nested.Refusal(UInt16(EPERM), "the call is not made here")
    }
  }

  private static func string(_ call: CallNotification, _ place: Int) throws(Nested.Refusal) -> String {
    guard let text = ProgramPath.string(call.pid, call.arguments[place]) else {
      throw Nested.Refusal(UInt16(EFAULT), "argument \(place) can't be read")
    }
    return text
  }

  private static func optionalString(_ call: CallNotification, _ place: Int) throws(Nested.Refusal) -> String? {
    call.arguments[place] == 0 ? nil : try string(call, place)
  }

  private static func attribute(_ call: CallNotification) throws(Nested.Refusal) -> String {
    let name = try string(call, 1)
    try Nested.checkAttribute(name)
    return name
  }

  private static func file(_ call: CallNotification, _ name: String, _ opened: DescriptorSet) throws(Nested.Refusal)
    -> File
  {
    if name.utf8.first == 0x66 {
      return .open(try descriptor(call, Int32(truncatingIfNeeded: call.arguments[0]), opened))
    }
    return .path(try string(call, 0), followsLink: name.utf8.first != 0x6c)
  }

  /// What the caller has open by a number.
  private static func descriptor(
    _ call: CallNotification, _ number: Int32, _ opened: DescriptorSet
  ) throws(Nested.Refusal) -> Int32 {
    guard number >= 0, let file = try? open("/proc/\(call.pid)/fd/\(number)", O_PATH) else {
      throw Nested.Refusal(UInt16(EBADF), "no such descriptor")
    }
    return opened.insert(file)
  }

  private static func memory(_ call: CallNotification, _ address: UInt64, _ size: Int) throws(Nested.Refusal) -> [UInt8]
  {
    if size == 0 { return [] }
    guard let bytes = try? readMemory(of: call.pid, at: address, size: size), bytes.count == size else {
      throw Nested.Refusal(UInt16(EFAULT), "the value can't be read")
    }
    return bytes
  }
}
