import CLinux
import LinuxSystem
import OwnFiles
import SyscallCatalogue

/// Answers the calls that tell of the machine with what a container's own files of /proc tell.
///
/// The answer is written to the caller's memory by its thread's number (process_vm_writev(2)). A number may be another
/// thread's by then, even one of the host; so the thread is watched (ptrace(2)) before it is known to wait still: a number
/// is not given away again before who watches has heard of its end. It stops once it has its answer, and is let go.
struct MachineCalls {
  private var figures: MachineFigures
  private let tell: Tell
  private let sysinfo: Int?
  /// Threads that have an answer and have not stopped yet.
  private var watched: [Int32] = []

  init(_ figures: MachineFigures, tell: Tell) {
    self.figures = figures
    self.tell = tell
    sysinfo = SyscallCatalogue.index(of: "sysinfo")
  }

  /// What can't be answered here the kernel answers: nothing depends on it but what a program believes of the machine.
  mutating func handle(_ call: CallNotification, _ listener: CallListener, _ index: Int) throws(Errno) {
    let begin = tell.tellsAll ? monotonicNanoseconds() : 0
    guard call.architecture == Architecture.native.auditValue, call.number & Architecture.x32Bit == 0, call.pid > 0,
      let (bytes, place, value) = index == sysinfo ? memory(call) : processors(call)
    else {
      try listener.proceed(call)
      return
    }
    do throws(Errno) { try watch(call.pid, []) } catch {
      // It is gone, or somebody else watches it.
      try listener.proceed(call)
      return
    }
    watched.append(call.pid)
    try? interrupt(call.pid)
    guard listener.isWaiting(call) else { return }
    let text = tell.tellsAll ? CallText.describe(call, index) : ""
    let hasWritten = (try? writeMemory(of: call.pid, at: place, bytes)) != nil
    let error = hasWritten ? 0 : UInt16(EFAULT)
    if error == 0 { try listener.answer(call, value) } else { try listener.refuse(call, error: error) }
    if tell.tellsAll { tell.call(call, index, text, error: error, rule: "ownFiles", monotonicNanoseconds() - begin) }
  }

  private typealias Answer = (bytes: [UInt8], place: UInt64, value: Int64)

  private mutating func memory(_ call: CallNotification) -> Answer? { (figures.sysinfo(), call.arguments[0], 0) }

  /// The first of the thread's processors: nil if it may see all of them, or asks for another process.
  private mutating func processors(_ call: CallNotification) -> Answer? {
    let asked = Int32(truncatingIfNeeded: call.arguments[0])
    let size = UInt32(truncatingIfNeeded: call.arguments[1])
    // Too short or uneven a buffer is the kernel's to refuse.
    guard let thread = Self.named(asked, by: call.pid),
      let mask = try? LinuxSystem.processors(of: thread, size: Int(min(size, 8192)))
    else { return nil }
    let count = figures.processorCount()
    let all = mask.reduce(0) { $0 + $1.nonzeroBitCount }
    guard count > 0, count < all else { return nil }
    return (MachineFigures.first(count, of: mask), call.arguments[2], Int64(mask.count))
  }

  /// The number here of a thread that the caller names, as far as that is itself, or its process.
  private static func named(_ asked: Int32, by caller: Int32) -> Int32? {
    if asked == 0 { return caller }
    guard let status = try? ThreadStatus(caller) else { return nil }
    // The last is that of the innermost pid namespace, in which the caller counts.
    if status.words("NSpid").last == String(asked) { return caller }
    if status.words("NStgid").last == String(asked) { return status.process }
    return nil
  }

  /// Something happened to a thread.
  /// - Returns: false if it is not about a call of ours alone.
  mutating func handle(_ thread: Int32, _ event: TraceEvent) -> Bool {
    guard let place = watched.firstIndex(of: thread) else { return false }
    switch event {
    case .signal(let signal): try? resume(thread, .event, signal: signal)
    case .call, .born: try? resume(thread, .event)
    case .ended: watched.remove(at: place)
    case .stopped:
      watched.remove(at: place)
      try? release(thread)
    case .executed:
      // Another thread of its process, which took its number.
      watched.remove(at: place)
      return false
    }
    return true
  }
}
