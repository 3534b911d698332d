import ShimABI

// Signals: the host decides who gets which and does what is done by default; handlers run here.

/// Numbers of signals that the kernel itself knows.
enum Signal {
  static let illegal: UInt64 = 4
  static let trap: UInt64 = 5
  static let bus: UInt64 = 7
  static let arithmetic: UInt64 = 8
  static let kill: UInt64 = 9
  static let segmentation: UInt64 = 11
  static let child: UInt64 = 17
  static let stop: UInt64 = 19

  static func bit(_ signal: UInt64) -> UInt64 { 1 << (signal - 1) }
  /// What can't be blocked.
  static let unblockable = bit(kill) | bit(stop)
}

/// Flags of sigaction.
enum ActionFlag {
  static let onStack: UInt64 = 0x0800_0000
  static let restart: UInt64 = 0x1000_0000
  static let noDefer: UInt64 = 0x4000_0000
  static let reset: UInt64 = 0x8000_0000
  static let restorer: UInt64 = 0x0400_0000
}

extension Kernel {
  /// rt_sigaction. The host is told whether there is a handler, not where.
  func setAction() throws(Errno) -> Int64 {
    let number = frame.value.x[0]
    guard number >= 1, number <= 64, frame.value.x[3] == 8 else { throw .invalid }
    let index = Int(number - 1)
    let old = process.value.actions[index]
    if frame.value.x[1] != 0 {
      guard number != Signal.kill, number != Signal.stop else { throw .invalid }
      try copyIn(frame.value.x[1], to: task.value.scratch, count: 32)
      var new: SignalAction = memory.load(task.value.scratch)
      new.mask &= ~Signal.unblockable
      let disposition = min(new.handler, 2)
      if disposition != min(old.handler, 2) || new.flags != old.flags {
        var request = Request(Call.sigaction)
        guard let offset = request.reserve(32) else { throw .invalid }
        memory.store(
          SignalAction(handler: disposition, flags: new.flags & ~ActionFlag.restorer, restorer: 0, mask: 0),
          at: exchange(offset))
        request.arguments = [number, 0, 0, 8, 0, 0]
        request.setPointer(1, offset)
        _ = try require(send(request))
      }
      process.value.actions[index] = new
      if disposition == 1 { task.value.pending &= ~Signal.bit(number) }
    }
    if frame.value.x[2] != 0 {
      memory.store(old, at: task.value.scratch)
      try copyOut(task.value.scratch, to: frame.value.x[2], count: 32)
    }
    return 0
  }

  /// rt_sigprocmask.
  func setMask() throws(Errno) -> Int64 {
    guard frame.value.x[3] == 8 else { throw .invalid }
    let old = task.value.mask
    if frame.value.x[1] != 0 {
      let set = try get(frame.value.x[1], as: UInt64.self)
      let new: UInt64
      switch frame.value.x[0] & 0xffff_ffff {
      case 0: new = old | set
      case 1: new = old & ~set
      case 2: new = set
      default: throw .invalid
      }
      try changeMask(new & ~Signal.unblockable)
    }
    if frame.value.x[2] != 0 { try put(old, at: frame.value.x[2]) }
    return 0
  }

  /// Sets the mask, here and at the host.
  func changeMask(_ mask: UInt64) throws(Errno) {
    if mask != task.value.hostMask {
      var request = Request(Call.sigprocmask)
      guard let offset = request.reserve(8) else { throw .invalid }
      memory.store(mask, at: exchange(offset))
      request.arguments = [2, 0, 0, 8, 0, 0]
      request.setPointer(1, offset)
      _ = try require(send(request))
      task.value.hostMask = mask
    }
    task.value.mask = mask
  }

  /// For the time of the call the mask is another one (ppoll, sigsuspend).
  func useMaskForCall(_ mask: UInt64) {
    if task.value.hasSavedMask == 0 { task.value.savedMask = task.value.mask }
    task.value.hasSavedMask = 1
    task.value.mask = mask & ~Signal.unblockable
  }

  /// rt_sigsuspend.
  func suspend() throws(Errno) -> Int64 {
    guard frame.value.x[1] == 8 else { throw .invalid }
    useMaskForCall(try get(frame.value.x[0], as: UInt64.self))
    collectSignals()
    if task.value.pending & ~task.value.mask != 0 { return -Errno.interrupted.code }
    return try marshal(Call.sigsuspend, Shape(.fixedIn(8), .scalar))
  }

  /// rt_sigpending: the host's, and what it gave us already.
  func pendingSignals() throws(Errno) -> Int64 {
    let result = try marshal(136, Shape(.fixedOut(8), .scalar))
    if result == 0 {
      collectSignals()
      let bits = try get(frame.value.x[0], as: UInt64.self)
      try put(bits | task.value.pending & task.value.mask, at: frame.value.x[0])
    }
    return result
  }

  /// sigaltstack.
  func setAlternateStack() throws(Errno) -> Int64 {
    let isOn = isOnAlternateStack(frame.value.sp)
    let oldFlags: UInt64 = task.value.alternateSize == 0 ? 2 : isOn ? 1 : 0
    let old = (task.value.alternateStack, task.value.alternateSize)
    if frame.value.x[0] != 0 {
      guard !isOn else { throw Errno(1) }
      let stack = try get(frame.value.x[0], as: UInt64.self)
      let flags = UInt64(try get(frame.value.x[0] &+ 8, as: UInt32.self))
      let size = try get(frame.value.x[0] &+ 16, as: UInt64.self)
      if flags & 2 != 0 {
        task.value.alternateSize = 0
        task.value.alternateStack = 0
      } else {
        guard flags & ~0x8000_0001 == 0 else { throw .invalid }
        guard size >= 5120 else { throw .noMemory }
        task.value.alternateStack = stack
        task.value.alternateSize = size
      }
    }
    if frame.value.x[1] != 0 {
      try put(old.0, at: frame.value.x[1])
      try put(oldFlags, at: frame.value.x[1] &+ 8)
      try put(old.1, at: frame.value.x[1] &+ 16)
    }
    return 0
  }

  func isOnAlternateStack(_ pointer: UInt64) -> Bool {
    task.value.alternateSize != 0 && pointer &- task.value.alternateStack < task.value.alternateSize
  }

  /// Takes over what the host recorded.
  func collectSignals() {
    if header(Exchange.signals) != 0 {
      task.value.pending |= platform.takeSignals(exchange(UInt64(Exchange.signals)))
    }
  }

  /// Whether a call goes on after a handler with SA_RESTART (signal(7)).
  private func isRestartable(_ call: UInt64) -> Bool {
    switch call {
    // epoll_pwait, pselect6, ppoll, nanosleep, clock_nanosleep, sigsuspend, sigtimedwait
    case 22, 72, 73, 101, 115, 133, 137: false
    case 98: frame.value.x[3] == 0 || frame.value.x[1] & 127 != 0  // futex with a time to wait
    default: true
    }
  }

  /// The end of a call that was interrupted, and whatever else makes signals matter.
  func finishCall(_ call: UInt64, _ result: Int64) {
    collectSignals()
    let ready = task.value.pending & ~task.value.mask
    if result == -Errno.notMade.code {
      rewind()
    } else if result == -Errno.interrupted.code {
      if ready == 0 {
        rewind()
      } else {
        let first = process.value.actions[ready.trailingZeroBitCount]
        if first.flags & ActionFlag.restart != 0, isRestartable(call) { rewind() }
      }
    }
    if ready != 0 { deliver() }
    if task.value.hasSavedMask != 0 {
      task.value.mask = task.value.savedMask
      task.value.hasSavedMask = 0
    }
  }

  /// The program makes its call again.
  private func rewind() {
    frame.value.pc &-= 4
    frame.value.x[0] = frame.value.firstArgument
  }

  /// Has handlers run for all signals that may come now.
  func deliver() {
    while true {
      let ready = task.value.pending & ~task.value.mask
      if ready == 0 { return }
      if ready & Signal.bit(Signal.kill) != 0 {
        task.value.pending &= ~Signal.bit(Signal.kill)
        leaveWithOthers()
        continue
      }
      let number = UInt64(ready.trailingZeroBitCount) + 1
      task.value.pending &= ~Signal.bit(number)
      let action = withMap { process.value.actions[Int(number - 1)] }
      switch action.handler {
      case 0:
        // The disposition changed after the host recorded it. What is not ignored by default (SIGCHLD, SIGCONT,
        // SIGURG, SIGWINCH, and stops, which the host did) ends the process.
        let harmless: UInt64 = 1 << 16 | 1 << 17 | 1 << 22 | 1 << 27 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21
        if harmless & Signal.bit(number) == 0 { die(number) }
      case 1: break
      default: enterHandler(number, action, sentInfo(number))
      }
    }
  }

  /// A fault of the program: its handler runs, or it dies.
  func raiseFault(_ signal: UInt64, code: UInt32, address: UInt64) {
    let action = process.value.actions[Int(signal - 1)]
    if action.handler <= 1 || task.value.mask & Signal.bit(signal) != 0 {
      die(signal)
    } else {
      enterHandler(signal, action, SignalInfo(code: code, address: address))
    }
  }

  /// What the host says about a signal that somebody sent: code, process and user of the sender, and 32 bits, so that no
  /// pointer is among it. It can't pretend a fault.
  private func sentInfo(_ number: UInt64) -> SignalInfo {
    let place = exchange(UInt64(Exchange.signalInfo) + (number - 1) * 16)
    var info = SignalInfo(code: memory.load(place), address: 0)
    let faults =
      Signal.bit(Signal.illegal) | Signal.bit(Signal.trap) | Signal.bit(Signal.bus) | Signal.bit(Signal.arithmetic)
      | Signal.bit(Signal.segmentation)
    if faults & Signal.bit(number) != 0, Int32(bitPattern: info.code) > 0 { info.code = 0 }
    info.sender = memory.load(place + 4, as: UInt32.self)
    info.user = memory.load(place + 8, as: UInt32.self)
    info.value = memory.load(place + 12, as: UInt32.self)
    return info
  }
}
