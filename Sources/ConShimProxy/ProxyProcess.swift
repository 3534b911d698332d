import CConShim
import ShimABI

/// What the threads of a proxy share. Only the one that runs has it: see "threads" in CConShim.h.
final class ProxyProcess {
  var signals: SignalTable
  /// What the mini-OS starts first, until it runs.
  var program: Program?
  /// How this process ends, once the mini-OS has cleaned up.
  var end: End?
  /// Whether it has had more than one thread: then ``CS_KICK`` is never blocked.
  var isThreaded = false
  /// execve goes on: there may be no new threads.
  var isClosing = false
  /// The thread of a con-shim that the first thread of the process is to go on with.
  var heir: Heir?
  private var members: [Member]

  enum End {
    case status(Int32)
    case signal(Int32)

    func come() -> Never {
      switch self {
      case .status(let status): cs_exit(status)
      case .signal(let signal): cs_die(signal)
      }
    }
  }

  /// A thread that runs one of the con-shim.
  private struct Member {
    let number: Int32
    let buffer: ExchangeBuffer
  }

  struct Heir {
    let thread: UInt64
    let buffer: ExchangeBuffer
    /// The signals that it blocks.
    let mask: UInt64
  }

  init(signals: SignalTable, program: Program?) {
    self.signals = signals
    self.program = program
    members = []
  }

  var memberCount: Int { members.count }
  /// Whether there may be a new thread.
  var mayGrow: Bool { !isClosing && end == nil }

  func add(_ number: Int32, _ buffer: ExchangeBuffer) { members.append(Member(number: number, buffer: buffer)) }
  func remove(_ number: Int32) { members.removeAll { $0.number == number } }

  /// The child of a fork has one thread.
  func restart(_ number: Int32, _ buffer: ExchangeBuffer) {
    // The buffers themselves are not here: what is given back are their places.
    for member in members { cs_unmap(member.buffer.base, UInt64(Exchange.size)) }
    members.removeAll()
    add(number, buffer)
    end = nil
    isClosing = false
    heir = nil
  }

  /// Has all threads but one leave.
  func kickOthers(than own: Int32) {
    for member in members where member.number != own {
      cs_kick(member.number, member.buffer.base + UInt64(Exchange.signals))
    }
  }

  /// Takes the signal that makes threads leave out of a mask in an exchange buffer.
  func keepKickable(_ offset: UInt64, in buffer: ExchangeBuffer) {
    guard buffer.address(offset, count: 8) != nil else { return }
    buffer.store(Int(offset), buffer.load(Int(offset)) & ~(1 << UInt64(CS_KICK - 1)))
  }
}
