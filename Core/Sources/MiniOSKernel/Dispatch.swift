import ShimABI

// What programs ask for, and how they fail.

extension Kernel {
  /// A call of the program: number in x8, arguments in x0 to x5.
  public func systemCall() {
    let number = frame.value.x[8]
    // rt_sigreturn. What x0 becomes is the result of another call, and not to be judged again.
    if number == 139 {
      returnFromHandler()
      return interrupted()
    }
    frame.value.firstArgument = frame.value.x[0]
    let result: Int64
    do throws(Errno) {
      result = try dispatch(number)
    } catch {
      result = -error.code
    }
    frame.value.x[0] = UInt64(bitPattern: result)
    if header(Exchange.signals) | task.value.hasSavedMask | task.value.pending & ~task.value.mask != 0
      || result == -Errno.interrupted.code || result == -Errno.notMade.code
    {
      finishCall(number, result)
    }
  }

  /// An interrupt: signals may have come.
  public func interrupted() {
    collectSignals()
    deliver()
  }

  @inline(__always)
  private func dispatch(_ number: UInt64) throws(Errno) -> Int64 {
    switch number {
    case 22:  // epoll_pwait
      if frame.value.x[4] != 0 { useMaskForCall(try get(frame.value.x[4], as: UInt64.self)) }
      return try marshalKnown(number)
    case 25: return try fileControl()
    case 29: return try control()
    case 56: return try marshal(number, Shape(.scalar, .path, .scalar, .scalar, result: .descriptor))  // openat
    case 63, 67: return try read(number)
    case 64, 68: return try write(number)
    case 65: return try readVector(Call.read, offset: 0)
    case 66: return try writeVector(Call.write, offset: 0)
    case 69: return try readVector(Call.pread64, offset: frame.value.x[3])
    case 70: return try writeVector(Call.pwrite64, offset: frame.value.x[3])
    case 72: return try select()
    case 73:  // ppoll
      if frame.value.x[3] != 0 { useMaskForCall(try get(frame.value.x[3], as: UInt64.self)) }
      return try marshalKnown(number)
    case 78: return try readLink()
    case 93:
      exitThread(frame.value.x[0])
      return 0
    case 94:
      exitProcess(frame.value.x[0])
      return 0
    case 96:  // set_tid_address
      task.value.clearTid = frame.value.x[0]
      return threadNumber()
    case 98: return try futex()
    case 99:  // set_robust_list
      guard frame.value.x[1] == 24 else { throw .invalid }
      task.value.robustList = frame.value.x[0]
      return 0
    case 113: return try clockGettime()
    case 124: return min(forward(number), 0)  // sched_yield
    case 132: return try setAlternateStack()
    case 133: return try suspend()
    case 134: return try withMap { () throws(Errno) in try setAction() }
    case 135: return try setMask()
    case 136: return try pendingSignals()
    case 97, 143...152, 268:  // unshare, setns, and what sets ids
      task.value.knowsIdentity = 0
      return try marshalKnown(number)
    case 160: return try marshal(number, Shape(.fixedOut(390)))  // uname
    case 167: return try processControl()
    case 169: return try getTimeOfDay()
    case 172: return processNumber()
    case 178: return threadNumber()
    case 206: return try sendTo()
    case 207: return try receiveFrom()
    case 211: return try sendMessage()
    case 212: return try receiveMessage()
    case 214: return withMap { setBreak(frame.value.x[0]) }
    case 215: return try withMap { () throws(Errno) in try unmap() }
    case 216: return try withMap { () throws(Errno) in try remap() }
    case 220: return try clone()
    case 221: return try execve()
    case 222: return try withMap { () throws(Errno) in try map() }
    case 226: return try withMap { () throws(Errno) in try protect() }
    case 227: return 0  // msync: no mapping is a file's
    case 228, 229, 230, 231, 284: return 0  // mlock and its like: nothing is ever swapped
    case 232: return try withMap { () throws(Errno) in try resident() }
    case 233: return try withMap { () throws(Errno) in try advise() }
    case 260: return try wait()
    case 278: return try getRandom()
    // rseq, membarrier, clone3, futex_waitv, userfaultfd: C libraries ask and go on without.
    case 282, 283, 293, 435, 449: throw .notImplemented
    default: return try marshalKnown(number)
    }
  }

  /// wait4. A child that was killed left everything where it was.
  private func wait() throws(Errno) -> Int64 {
    let result = try marshalKnown(260)
    if result > 0 {
      var signal: UInt32?
      if frame.value.x[1] != 0 { signal = try get(frame.value.x[1], as: UInt32.self) & 127 }
      if signal != 0, signal != 127 { reapThreads(reported: UInt64(result)) }
    }
    return result
  }

  private func marshalKnown(_ number: UInt64) throws(Errno) -> Int64 {
    guard let shape = Shape.of(number) else {
      countUnknown(number)
      throw .notImplemented
    }
    return try marshal(number, shape)
  }

  private func countUnknown(_ number: UInt64) {
    let short = UInt32(truncatingIfNeeded: number)
    for index in 0..<16 {
      if task.value.unknownCounts[index] == 0 { task.value.unknownCalls[index] = short }
      if task.value.unknownCalls[index] == short {
        task.value.unknownCounts[index] &+= 1
        return
      }
    }
  }

  /// Tells the host's log which calls nobody knew.
  func reportUnknownCalls() {
    for index in 0..<16 where task.value.unknownCounts[index] != 0 {
      log("unknown system call ", UInt64(task.value.unknownCalls[index]))
    }
  }

  /// A line for the log of the proxy: a text and a number.
  func log(_ text: StaticString, _ number: UInt64) {
    var request = Request(ProxyCall.log.rawValue)
    guard let offset = request.reserve(256) else { return }
    var length: UInt64 = 0
    for index in 0..<min(text.utf8CodeUnitCount, 200) {
      memory.store(text.byte(index), at: exchange(offset + length))
      length += 1
    }
    var scale: UInt64 = 1_000_000_000_000
    var isLeading = true
    while scale > 0 {
      let digit = number / scale % 10
      scale /= 10
      if digit == 0, isLeading, scale > 0 { continue }
      isLeading = false
      memory.store(UInt8(48 + digit), at: exchange(offset + length))
      length += 1
    }
    request.setPointer(0, offset)
    request.arguments[1] = length
    _ = send(request)
  }

  /// An exception of the program that is no call.
  ///
  /// - Parameters:
  ///   - syndrome: ESR_EL1.
  ///   - address: FAR_EL1, for aborts.
  public func exception(syndrome: UInt64, address: UInt64) {
    let code = syndrome >> 26 & 63
    switch code {
    case 0x20, 0x24:  // Instruction or data abort from EL0
      let access: Access = code == 0x20 ? .execute : syndrome & 64 != 0 ? .write : .read
      let status = syndrome & 63
      // Translation, access flag and permission faults are ours to solve; all others are the machine's.
      guard status >> 2 >= 1, status >> 2 <= 3 else {
        raiseFault(Signal.bus, code: status == 0x21 ? 1 : 2, address: address)
        return finishFault()
      }
      do throws(FaultKind) {
        _ = try resolve(space, address, access)
      } catch {
        switch error {
        case .unmapped: raiseFault(Signal.segmentation, code: 1, address: address)
        case .forbidden: raiseFault(Signal.segmentation, code: 2, address: address)
        case .exhausted: die(Signal.kill)
        }
      }
    case 0x22, 0x26: raiseFault(Signal.bus, code: 1, address: frame.value.pc)  // PC or SP alignment
    case 0x2c: raiseFault(Signal.arithmetic, code: 0, address: frame.value.pc)
    case 0x30, 0x32, 0x34, 0x3c: raiseFault(Signal.trap, code: 1, address: frame.value.pc)  // BRK and debug
    default: raiseFault(Signal.illegal, code: 1, address: frame.value.pc)
    }
    finishFault()
  }

  private func finishFault() {
    if header(Exchange.signals) != 0 { interrupted() }
  }
}
