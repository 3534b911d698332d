import CConShim
import ShimABI

/// Why there is no con-shim for a program.
public struct ProxyError: Error, Sendable {
  /// What and why, without a full stop.
  public let message: String
  /// What to do, if there is something to say.
  public let hint: String?
}

/// The device of con-shims, opened by a process that will become a proxy.
public enum ConShimDevice {
  /// The requests (ioctl(2)) that a running proxy makes: a filter has to let them pass.
  public static var requests: [UInt32] { [cs_thread_request(), cs_run_request()] }

  /// Opens it while the host's files are in sight, at a high number and close-on-exec.
  public static func open() throws(ProxyError) -> Int32 {
    let result = cs_open_device()
    switch result {
    case 0...: return Int32(result)
    case -38: throw ProxyError(message: "a CCA con-shim needs an arm64 machine", hint: nil)
    case -2, -6, -19:
      throw ProxyError(
        message: "there is no /dev/conshim",
        hint: "load the driver with insmod conshim.ko; it tells in the kernel's log if it finds no Monitor")
    case -1, -13:
      throw ProxyError(message: "/dev/conshim cannot be opened: permission denied", hint: "only root may, by default")
    default: throw ProxyError(message: "/dev/conshim cannot be opened (error \(-result))", hint: nil)
    }
  }
}

/// A thread of the host that stands for one thread in a con-shim: it runs the con-shim's thread and makes the system calls
/// that the mini-OS forwards. The con-shim does not trust it, and what it makes is confined like any container's process.
public struct ConShimProxy: ~Copyable {
  private let device: Int32
  private var thread: UInt64
  private var buffer: ExchangeBuffer
  private let translator: Translator
  private let process: ProxyProcess
  /// Whether it is the thread that the process has its number of.
  private var isLeader: Bool
  private let wantsLog: Bool
  private let wantsTrace: Bool

  /// Makes a con-shim. From here on nothing is needed of the host but what the proxy calls itself.
  /// - Parameters:
  ///   - device: from ``ConShimDevice/open()``.
  ///   - path: what the mini-OS executes first, from the root of this process.
  ///   - filterLetsDriverCalls: whether the system call filter that this process will get lets ``driverCalls`` pass,
  ///     whatever their arguments are. Filters see nothing of what the driver does.
  public init(
    device: Int32, path: String, arguments: [String], environment: [String], filterLetsDriverCalls: Bool
  ) throws(ProxyError) {
    let created = cs_create(device, ShimABI.version)
    switch created {
    case 0: break
    case -71:
      throw ProxyError(
        message: "the driver of con-shims has another version than this program", hint: "build both from one source")
    case -12:
      throw ProxyError(message: "there is no memory for a con-shim", hint: "it needs 2 MiB of contiguous memory")
    case -87: throw ProxyError(message: "all con-shims of this machine are in use", hint: nil)
    default: throw ProxyError(message: "a con-shim cannot be made (error \(-created))", hint: nil)
    }
    let signals = SignalTable()
    let program = Program(
      path: path, arguments: arguments, environment: environment, ignored: signals.ignored, blocked: cs_mask())
    guard program.encoded() != nil else {
      throw ProxyError(message: "arguments and environment are longer than a con-shim takes (124 KiB)", hint: nil)
    }
    guard let buffer = Self.map(device, thread: 0) else {
      throw ProxyError(message: "the exchange buffer cannot be mapped", hint: "is the address space limited?")
    }
    self.device = device
    self.buffer = buffer
    thread = 0
    isLeader = true
    process = ProxyProcess(signals: signals, program: program)
    process.add(cs_this_thread(), buffer)
    translator = Translator(device: device, scratch: PrivateMemory())
    cs_keep_from_children(buffer.base, UInt64(Exchange.size))
    wantsLog = cs_wants_log() > 0
    wantsTrace = cs_wants_log() > 1
    // Refused to a process that has a filter already. Then it makes all calls itself.
    if filterLetsDriverCalls && !wantsTrace { _ = cs_make_calls(device) }
    cs_set_signals(buffer.base + UInt64(Exchange.signals))
  }

  /// The calls that the driver makes for this process where they do not wait.
  public static let driverCalls = ["lseek", "read", "write", "pread64", "pwrite64"]

  /// A further thread of a process.
  private init(like other: borrowing ConShimProxy, thread: UInt64, buffer: ExchangeBuffer) {
    device = other.device
    self.thread = thread
    self.buffer = buffer
    translator = Translator(device: other.device, scratch: PrivateMemory())
    process = other.process
    isLeader = false
    wantsLog = other.wantsLog
    wantsTrace = other.wantsTrace
  }

  /// Runs the con-shim's thread, until it ends.
  public consuming func run() -> Never {
    while true {
      var request = cs_run_state(thread: UInt32(thread), reason: 0, detail: (0, 0))
      // SAFETY: the kernel writes into `request`, which lives for the call.
      let result = unsafe cs_run(device, &request)
      if result == -4 { continue }  // a signal was noted: the mini-OS looks for itself
      if result < 0, process.end == nil { fail("the con-shim does not run (error \(-result))") }
      switch request.reason {
      case UInt32(CS_EXIT_FORWARD) where result == 0: forward()
      case _ where process.end != nil, UInt32(CS_EXIT_ENDED):
        leave(status: Int32(truncatingIfNeeded: request.detail.0 & 0xff))
      default:
        fail(
          "the con-shim was ended by the Monitor (syndrome 0x" + String(request.detail.0, radix: 16) + ", address 0x"
            + String(request.detail.1, radix: 16) + ")")
      }
    }
  }

  // MARK: the forwarded call

  private mutating func forward() {
    let request = Request(buffer)
    let before = buffer
    let result = answer(request)
    if wantsTrace { trace(request, result) }
    // The child of a fork has another buffer, in which the mini-OS waits for no result.
    if before.base == buffer.base { buffer.store(Exchange.result, UInt64(bitPattern: result)) }
  }

  private mutating func answer(_ request: Request) -> Int64 {
    if let call = ProxyCall(rawValue: request.number) { return answer(call, request) }
    guard let call = CallTable.call(request.number) else { return Refusal.notImplemented.rawValue }
    switch request.number {
    case 93, 94:  // exit, exit_group
      if request.number == 94 { endProcess(.status(Int32(truncatingIfNeeded: request.arguments[0] & 0xff))) }
      return 0
    case 134: return process.signals.change(request, in: buffer, isThreaded: process.isThreaded)
    case 436: return closeRange(request)
    default: break
    }
    if process.isThreaded { keepKickable(request) }
    switch translator.translate(request, call, in: buffer) {
    case .refuse(let refusal): return refusal.rawValue
    case .call(var arguments, let afterwards):
      // SAFETY: six arguments; the addresses among them are of this call's own memory.
      let result = unsafe withUnsafePointer(to: &arguments) { unsafeArguments in
        // Changing the mask never waits, and the mini-OS does it on the way to a handler.
        unsafe unsafeArguments.withMemoryRebound(to: UInt64.self, capacity: 6) {
          unsafe request.number == 135 ? cs_call(request.number, $0) : cs_checked_call(request.number, $0)
        }
      }
      if result >= 0 { translator.finish(afterwards, in: buffer) }
      return Int64(result)
    }
  }

  /// Takes the signal that makes threads leave out of the masks that a call brings.
  private func keepKickable(_ request: Request) {
    switch request.number {
    case 133, 137: process.keepKickable(request.arguments[0], in: buffer)  // rt_sigsuspend, rt_sigtimedwait
    case 135: process.keepKickable(request.arguments[1], in: buffer)  // rt_sigprocmask
    case 73: process.keepKickable(request.arguments[3], in: buffer)  // ppoll
    case 22: process.keepKickable(request.arguments[4], in: buffer)  // epoll_pwait
    case 72:  // pselect6
      if let words = buffer.words(request.arguments[5], 1) { process.keepKickable(words[0], in: buffer) }
    default: break
    }
  }

  /// close_range(2), around the proxy's own descriptor.
  private func closeRange(_ request: Request) -> Int64 {
    let first = UInt32(truncatingIfNeeded: request.arguments[0])
    let last = UInt32(truncatingIfNeeded: request.arguments[1])
    let flags = UInt32(truncatingIfNeeded: request.arguments[2])
    let own = UInt32(device)
    guard request.pointers == 0, first <= last else { return Refusal.invalid.rawValue }
    guard first <= own, own <= last else { return Int64(cs_close_range(first, last, flags)) }
    var result = 0
    if first < own { result = cs_close_range(first, own - 1, flags) }
    if result == 0, last > own { result = cs_close_range(own + 1, last, flags) }
    return Int64(result)
  }

  // MARK: what is no call of Linux

  private mutating func answer(_ call: ProxyCall, _ request: Request) -> Int64 {
    switch call {
    case .start:
      guard let bytes = process.program?.encoded(), buffer.write(bytes, at: UInt64(Exchange.data)) else {
        return Refusal.invalid.rawValue
      }
      return 0
    case .notStarted:
      return notStarted(request)
    case .executed:
      process.program = nil
      guard let name = buffer.bytes(request.arguments[0], 16) else { return Refusal.badAddress.rawValue }
      process.signals.resetHandlers()
      if process.isThreaded { process.isThreaded = !process.signals.restore(Int32(CS_KICK)) }
      cs_close_on_exec(device)
      let text = name.prefix(15) + [0]
      // SAFETY: the array ends with a NUL and lives for the call.
      unsafe Array(text).withUnsafeBytes { unsafeName in
        guard let start = unsafeName.baseAddress else { return }
        unsafe cs_set_name(start.assumingMemoryBound(to: CChar.self))
      }
      return 0
    case .fork: return fork(request)
    case .die:
      guard (1...64).contains(request.arguments[0]) else { return Refusal.invalid.rawValue }
      endProcess(.signal(Int32(request.arguments[0])))
      return 0
    case .thread: return startThread(request)
    case .alone:
      stayAlone()
      return 0
    case .log:
      guard let text = buffer.bytes(request.arguments[0], request.arguments[1]) else {
        return Refusal.badAddress.rawValue
      }
      if wantsLog { Self.write(Array("con-shim: ".utf8) + text + [0x0a]) }
      return 0
    }
  }

  /// Says why the first program does not run.
  private func notStarted(_ request: Request) -> Int64 {
    guard let program = process.program, let bytes = buffer.bytes(request.arguments[1], 4096) else {
      return Refusal.badAddress.rawValue
    }
    let file = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    let reason =
      switch request.arguments[0] {
      case 2: "no such file or directory"
      case 7: "its arguments are too long"
      case 8: "exec format error"
      case 12: "there is no memory for it"
      case 13: "permission denied"
      case 20: "not a directory"
      case 40: "too many levels of symbolic links"
      case let number: "error " + String(number)
      }
    let about = file == program.path || file.isEmpty ? "" : "its interpreter " + file + ": "
    Self.write(Array(("rcontainer: cannot execute " + program.path + ": " + about + reason + "\n").utf8))
    return 0
  }

  /// Flags of clone(2) that a fork may have: those that share no memory and write no ids; and the signal at its end.
  static func forkFlags(_ asked: UInt64) -> UInt64? {
    let sharing: UInt64 = 0x100 | 0x4000  // CLONE_VM, CLONE_VFORK: the mini-OS has copied the memory
    let ids: UInt64 = 0x8_0000 | 0x10_0000 | 0x20_0000 | 0x100_0000  // SETTLS, PARENT_SETTID, CHILD_*TID
    let tracing: UInt64 = 0x2000 | 0x80_0000 | 0x40_0000  // PTRACE, UNTRACED, DETACHED
    let allowed: UInt64 =
      0xff | 0x200 | 0x400 | 0x8000 | 0x4_0000 | 0x8000_0000  // signal, FS, FILES, PARENT, SYSVSEM, IO
      | 0x2_0000 | 0x200_0000 | 0x400_0000 | 0x800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000  // namespaces
    let left = asked & ~(sharing | ids | tracing)
    return left & ~allowed == 0 ? left : nil
  }

  private mutating func fork(_ request: Request) -> Int64 {
    guard let flags = Self.forkFlags(request.arguments[0]), request.pointers == 0 else {
      return Refusal.invalid.rawValue
    }
    let newThread = buffer.load(Exchange.newThread)
    let made = cs_thread(device, newThread)
    if made < 0 { return Int64(made) }
    // Before there is a child, so that whatever fails is told to the parent.
    guard let childBuffer = Self.map(device, thread: newThread) else { return Refusal.outOfMemory.rawValue }
    let pid = cs_fork(flags, childBuffer.base + UInt64(Exchange.signals))
    guard pid == 0 else {
      cs_unmap(childBuffer.base, UInt64(Exchange.size))
      return Int64(pid)
    }
    buffer = childBuffer
    thread = newThread
    cs_keep_from_children(buffer.base, UInt64(Exchange.size))
    isLeader = true
    process.restart(cs_this_thread(), buffer)
    return 0
  }

  private static func map(_ device: Int32, thread: UInt64) -> ExchangeBuffer? {
    var error = 0
    // SAFETY: `error` lives for the call.
    let base = unsafe cs_map(device, thread, UInt64(Exchange.size), &error)
    return base == 0 ? nil : ExchangeBuffer(base: base)
  }

  /// A line for each forwarded call, as strace(1) would show it.
  private func trace(_ request: Request, _ result: Int64) {
    let name = CallTable.call(request.number)?.name.description ?? ("call " + String(request.number))
    var line = "con-shim: " + String(cs_this_thread()) + " " + name + "("
    for index in 0..<6 {
      if index > 0 { line += ", " }
      if request.pointers >> UInt64(index) & 1 != 0 { line += "&" }
      line += "0x" + String(request.arguments[index], radix: 16)
    }
    Self.write(Array((line + ") = " + String(result) + "\n").utf8))
  }

  // MARK: threads

  private func startThread(_ request: Request) -> Int64 {
    // CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM
    guard request.arguments[0] == 0x5_0f00, request.pointers == 0 else { return Refusal.invalid.rawValue }
    guard process.mayGrow else { return Refusal.again.rawValue }
    let newThread = buffer.load(Exchange.newThread)
    let made = cs_thread(device, newThread)
    if made < 0 { return Int64(made) }
    guard let newBuffer = Self.map(device, thread: newThread) else { return Refusal.outOfMemory.rawValue }
    cs_keep_from_children(newBuffer.base, UInt64(Exchange.size))
    let isFirst = !process.isThreaded
    process.isThreaded = true
    // SAFETY: the new thread moves out what is put here, and frees it; if there is none that is done below.
    let place = UnsafeMutablePointer<ConShimProxy>.allocate(capacity: 1)
    unsafe place.initialize(to: ConShimProxy(like: self, thread: newThread, buffer: newBuffer))
    let number = unsafe cs_start_thread(
      request.arguments[0], newBuffer.base + UInt64(Exchange.signals),
      { unsafeContext in
        // SAFETY: as above; nobody else has it.
        guard let place = unsafe unsafeContext?.assumingMemoryBound(to: ConShimProxy.self) else { return }
        let proxy = unsafe place.move()
        unsafe place.deallocate()
        proxy.run()
      }, place)
    if number > 0 {
      process.add(Int32(number), newBuffer)
    } else {
      if isFirst { process.isThreaded = !process.signals.restore(Int32(CS_KICK)) }
      // SAFETY: no thread has it.
      let proxy = unsafe place.move()
      unsafe place.deallocate()
      proxy.translator.scratch.free()
      cs_unmap(newBuffer.base, UInt64(Exchange.size))
    }
    return Int64(number)
  }

  /// The process ends in this way, unless another thread said so before; all threads leave.
  private func endProcess(_ end: ProxyProcess.End) {
    if process.end == nil { process.end = end }
    process.kickOthers(than: cs_this_thread())
  }

  /// All other threads leave. The one that goes on is the first of the process, as after execve(2).
  private mutating func stayAlone() {
    let own = cs_this_thread()
    process.isClosing = true
    process.kickOthers(than: own)
    while process.memberCount > 1 { cs_wait_for_change(cs_changes()) }
    process.isClosing = false
    guard !isLeader else { return }
    process.heir = ProxyProcess.Heir(thread: thread, buffer: buffer, mask: cs_mask())
    process.remove(own)
    translator.scratch.free()
    cs_announce_change()
    cs_end_thread()
  }

  /// The con-shim's thread is no more. Returns if this one goes on as another.
  private mutating func leave(status: Int32) {
    process.remove(cs_this_thread())
    cs_unmap(buffer.base, UInt64(Exchange.size))
    cs_announce_change()
    guard isLeader else {
      translator.scratch.free()
      cs_end_thread()
    }
    // The first thread of a process stays as long as it has others. Signals are theirs.
    _ = cs_set_mask(UInt64.max)
    while true {
      if let heir = process.heir {
        process.heir = nil
        thread = heir.thread
        buffer = heir.buffer
        process.add(cs_this_thread(), buffer)
        cs_set_signals(buffer.base + UInt64(Exchange.signals))
        _ = cs_set_mask(heir.mask)
        buffer.store(Exchange.result, 0)
        return
      }
      if process.memberCount == 0 {
        if let end = process.end { end.come() }
        cs_exit(status)
      }
      cs_wait_for_change(cs_changes())
    }
  }

  // MARK: the end

  private func fail(_ message: String) -> Never {
    Self.write(Array(("rcontainer: " + message + "\n").utf8))
    cs_die(9)
  }

  private static func write(_ bytes: [UInt8]) {
    // SAFETY: the array lives for the call, with its own count.
    unsafe bytes.withUnsafeBytes { unsafeBytes in
      guard let start = unsafeBytes.baseAddress else { return }
      unsafe cs_write_line(start.assumingMemoryBound(to: CChar.self), unsafeBytes.count)
    }
  }
}
