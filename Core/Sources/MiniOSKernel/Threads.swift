import ShimABI

// The life of threads: the first one's start, fork, clone, and the end.

/// The flags of clone that matter here.
private enum Clone {
  /// What threads of one process share: memory, directory, descriptors, handlers, and the process itself.
  static let sharing: UInt64 = 0x1_0f00
  static let semaphores: UInt64 = 0x4_0000
  static let detached: UInt64 = 0x40_0000
  static let memory: UInt64 = 0x100
  static let vfork: UInt64 = 0x4000
  static let thread: UInt64 = 0x10000
  static let setThreadPointer: UInt64 = 0x80000
  static let parentSetTid: UInt64 = 0x10_0000
  static let childClearTid: UInt64 = 0x20_0000
  static let childSetTid: UInt64 = 0x100_0000
}

extension Kernel {
  /// Bytes at the top of a kernel stack: the task's address, then the trap frame below.
  public static var stackHead: UInt64 { 16 }

  /// Makes the shared state and the first task out of fresh pages, which are zeros.
  ///
  /// - Parameters:
  ///   - pages: the first of `count` pages of the boot block that nothing is in.
  ///   - kernelRoot: the level-1 table of the kernel's half.
  ///   - empty: a page of zeros that stays so.
  ///   - stackTop: the end of the stack that thread 0 runs on, as a kernel address; `stackPage` is its last page.
  public static func boot(
    _ platform: P, pages: UInt64, count: UInt64, kernelRoot: UInt64, exchange: UInt64, stackTop: UInt64,
    stackPage: UInt64, empty: UInt64
  ) -> Kernel<P> {
    let memory = platform.memory
    let (sharedPage, countRoot, taskPage) = (pages, pages + 4096, pages + 8192)
    memory.zero(pages, count: 7 * Layout.page)
    let shared: Ref<SharedState> = memory.reference(sharedPage)
    shared.value.countRoot = countRoot
    shared.value.kernelRoot = kernelRoot
    shared.value.emptyRoot = empty
    shared.value.images = pages + 5 * Layout.page
    shared.value.waits = pages + 6 * Layout.page
    shared.value.slotEnd = 1
    shared.value.tasks[0] = taskPage
    let task: Ref<TaskData> = memory.reference(taskPage)
    task.value.shared = sharedPage
    task.value.exchange = exchange
    task.value.stackTop = stackTop
    task.value.frame = stackPage + Layout.page - stackHead - UInt64(MemoryLayout<TrapFrame>.size)
    task.value.state = TaskState.running
    task.value.leader = taskPage
    task.value.isHeld = 1
    task.value.threads = 1
    task.value.scratch = pages + 3 * Layout.page
    task.value.programPath = pages + 4 * Layout.page
    memory.store(memory.virtual(taskPage), at: stackPage + Layout.page - stackHead)
    let kernel = Kernel(platform: platform, task: task)
    kernel.donate(pages + 7 * Layout.page, count: count - 7)
    return kernel
  }

  /// A task for a child, with state `preparing`. EAGAIN if there is none.
  private func takeSlot() throws(Errno) -> (Ref<TaskData>, hasThread: Bool) {
    if let found = findSlot() { return found }
    if reapThreads() > 0, let found = findSlot() { return found }
    // A new slot: what was made of it stays, whether or not the rest succeeds.
    let page = try allocateZeroed()
    let new: Ref<TaskData> = memory.reference(page)
    new.value.state = TaskState.preparing
    do throws(Errno) {
      try makeSlot(new, page)
    } catch {
      if new.value.scratch != 0 { release(new.value.scratch) }
      if new.value.programPath != 0 { release(new.value.programPath) }
      release(page)
      throw error
    }
    return (new, false)
  }

  private func findSlot() -> (Ref<TaskData>, hasThread: Bool)? {
    for slot in 0..<Int(shared.value.slotEnd) {
      let address = shared.value.tasks[slot]
      if address == 0 { continue }
      let other: Ref<TaskData> = memory.reference(address)
      let state = other.value.state
      // A process of which the first thread ended goes on in its slot.
      if other.value.isHeld != 0 { continue }
      if state == TaskState.free || state == TaskState.spare,
        platform.replace(state, by: TaskState.preparing, at: address + Self.stateOffset)
      {
        return (other, state == TaskState.spare)
      }
    }
    return nil
  }

  /// Gives a task pages of its own, a kernel stack and a slot.
  private func makeSlot(_ new: Ref<TaskData>, _ page: UInt64) throws(Errno) {
    new.value.scratch = try allocateZeroed()
    new.value.programPath = try allocateZeroed()
    var number: UInt64?
    for slot in 0..<480 where shared.value.tasks[slot] == 0 {
      // Kept by its own address until it is whole.
      if platform.replace(0, by: page, at: slotAddress(UInt64(slot))) {
        number = UInt64(slot)
        break
      }
    }
    guard let number else { throw .again }
    new.value.slot = number
    while shared.value.slotEnd <= number {
      let end = shared.value.slotEnd
      _ = platform.replace(
        end, by: number + 1,
        at: task.value.shared + UInt64(MemoryLayout<SharedState>.offset(of: \.slotEnd) ?? 0))
    }
    let bottom =
      Layout.kernelStacks + (number + 1) * Layout.kernelStackSlot - Layout.kernelStackPages * Layout.page
    var last: UInt64 = 0
    do throws(Errno) {
      for index in 0..<Layout.kernelStackPages {
        last = try mapKernel(bottom + index * Layout.page)
      }
    } catch {
      // What is mapped of the stack stays for who takes the slot next.
      _ = platform.replace(page, by: 0, at: slotAddress(number))
      throw error
    }
    new.value.stackTop = bottom + Layout.kernelStackPages * Layout.page
    new.value.frame = last + Layout.page - Self.stackHead - UInt64(MemoryLayout<TrapFrame>.size)
    memory.store(memory.virtual(page), at: last + Layout.page - Self.stackHead)
  }

  /// clone: a thread, or fork and vfork. The child of vfork has a copy of the memory too, which programs can't tell
  /// apart but by writing to it.
  func clone() throws(Errno) -> Int64 {
    let flags = frame.value.x[0]
    if flags & Clone.thread != 0 { return try cloneThread(flags) }
    if flags & Clone.memory != 0 && flags & Clone.vfork == 0 { throw .notImplemented }
    let (child, hasThread) = try takeSlot()
    do throws(Errno) {
      try fill(child, flags)
      if !hasThread {
        guard let number = platform.createThread(stack: child.value.stackTop) else {
          freeSpace(memory.reference(child.value.space))
          throw Errno.again
        }
        child.value.thread = number
      }
    } catch {
      child.value.isHeld = 0
      child.value.state = hasThread ? TaskState.spare : TaskState.free
      throw error
    }
    platform.fence()
    child.value.state = TaskState.ready
    setHeader(Exchange.newThread, child.value.thread)
    let result = forward(
      ProxyCall.fork.rawValue,
      flags & ~(Clone.memory | Clone.setThreadPointer | Clone.parentSetTid | Clone.childClearTid | Clone.childSetTid))
    if result <= 0 || result > Int64(Int32.max) {
      // Unless the host started the child after all, its thread waits for the next fork.
      if platform.replace(
        TaskState.ready, by: TaskState.preparing, at: memory.address(of: child) + Self.stateOffset)
      {
        freeSpace(memory.reference(child.value.space))
        child.value.isHeld = 0
        child.value.state = TaskState.spare
      }
      return result < 0 ? result : -Errno.inputOutput.code
    }
    child.value.isBegun = UInt64(result)
    if flags & Clone.parentSetTid != 0 { try? put(UInt32(result), at: frame.value.x[2]) }
    return result
  }

  /// Makes a child's task a copy of this one.
  private func fill(_ child: Ref<TaskData>, _ flags: UInt64) throws(Errno) {
    let copy = try withMap { () throws(Errno) in try copySpace(asid: child.value.slot + 1) }
    child.value.space = memory.address(of: copy)
    child.value.leader = memory.address(of: child)
    child.value.pid = 0
    child.value.threads = 1
    child.value.isHeld = 1
    child.value.isThreaded = 0
    child.value.leaving = Leaving.not
    child.value.mapOwner = 0
    child.value.mapWaiters = 0
    child.value.finisher = 0
    child.value.oldSpace = 0
    child.value.go = 1
    fillBoth(child, flags)
    child.value.setTid = flags & Clone.childSetTid != 0 ? frame.value.x[4] : 0
    child.value.alternateStack = task.value.alternateStack
    child.value.alternateSize = task.value.alternateSize
    child.value.alternateFlags = task.value.alternateFlags
    child.value.actions = process.value.actions
    memory.copy(from: process.value.programPath, to: child.value.programPath, count: Layout.page)
  }

  /// What is the same for a child and for a thread.
  private func fillBoth(_ child: Ref<TaskData>, _ flags: UInt64) {
    child.value.shared = task.value.shared
    child.value.tid = 0
    child.value.lockDepth = 0
    child.value.isBegun = 0
    child.value.hasLeft = 0
    child.value.robustList = 0
    child.value.threadPointer =
      flags & Clone.setThreadPointer != 0 ? frame.value.x[3] : platform.threadPointer
    child.value.clearTid = flags & Clone.childClearTid != 0 ? frame.value.x[4] : 0
    child.value.setTid = 0
    child.value.mask = task.value.mask
    child.value.hostMask = task.value.hostMask
    child.value.hasSavedMask = 0
    child.value.pending = 0
    child.value.alternateStack = 0
    child.value.alternateSize = 0
    child.value.alternateFlags = 0
    child.value.clockOffsets = task.value.clockOffsets
    child.value.clockFetched = task.value.clockFetched
    // Two with the same key would answer the same.
    child.value.randomSeeded = 0
    child.value.identity = task.value.identity
    child.value.knowsIdentity = task.value.knowsIdentity
    child.value.unknownCalls = InlineArray(repeating: 0)
    child.value.unknownCounts = InlineArray(repeating: 0)
    let registers: Ref<TrapFrame> = memory.reference(child.value.frame)
    registers.value = frame.value
    registers.value.x[0] = 0
    if frame.value.x[1] != 0 { registers.value.sp = frame.value.x[1] }
    platform.saveFloats(child.value.scratch)
  }

  /// clone with CLONE_THREAD. The new thread waits until this one has written its number.
  private func cloneThread(_ flags: UInt64) throws(Errno) -> Int64 {
    let ids = Clone.setThreadPointer | Clone.parentSetTid | Clone.childClearTid | Clone.childSetTid
    guard flags & Clone.sharing == Clone.sharing,
      flags & ~(Clone.sharing | Clone.semaphores | Clone.detached | ids) == 0
    else { throw .invalid }
    _ = try require(processNumber())
    let (child, hasThread) = try takeSlot()
    if !hasThread {
      guard let number = platform.createThread(stack: child.value.stackTop) else {
        child.value.state = TaskState.free
        throw .again
      }
      child.value.thread = number
    }
    child.value.leader = task.value.leader
    child.value.go = 0
    fillBoth(child, flags)
    process.value.isThreaded = 1
    let threads = address(of: process, MemoryLayout<TaskData>.offset(of: \.threads))
    _ = add(1, at: threads)
    platform.fence()
    child.value.state = TaskState.ready
    setHeader(Exchange.newThread, child.value.thread)
    let result = forward(ProxyCall.thread.rawValue, Clone.sharing | Clone.semaphores)
    guard result > 0, withMap({ takeNumber(child, result) }) else {
      if platform.replace(
        TaskState.ready, by: TaskState.preparing, at: memory.address(of: child) + Self.stateOffset)
      {
        _ = add(-1, at: threads)
        child.value.state = TaskState.spare
      } else {
        // The host started it after all.
        letGo(child, 3)
      }
      return result < 0 ? result : -Errno.inputOutput.code
    }
    child.value.isBegun = 1
    if flags & Clone.parentSetTid != 0 { try? put(UInt32(result), at: frame.value.x[2]) }
    if flags & Clone.childSetTid != 0 { try? put(UInt32(result), at: frame.value.x[4]) }
    letGo(child, 1)
    return result
  }

  /// Gives a new thread its number, unless another one has it: locks of programs are marked by it. One thread at a time
  /// does so.
  private func takeNumber(_ new: Ref<TaskData>, _ number: Int64) -> Bool {
    guard number <= 0x3fff_ffff, UInt64(number) != process.value.pid else { return false }
    for slot in 0..<Int(shared.value.slotEnd) {
      let address = shared.value.tasks[slot]
      if address == 0 { continue }
      let other: Ref<TaskData> = memory.reference(address)
      if other.value.leader == task.value.leader, other.value.tid == UInt64(number),
        other.value.state != TaskState.free, other.value.state != TaskState.spare,
        other.value.state != TaskState.preparing
      {
        return false
      }
    }
    new.value.tid = UInt64(number)
    return true
  }

  /// Has a new thread begin, or end.
  private func letGo(_ child: Ref<TaskData>, _ how: UInt64) {
    let word = address(of: child, MemoryLayout<TaskData>.offset(of: \.go))
    if platform.replace(0, by: how, at: word) { return }
    _ = platform.replace(2, by: how, at: word)
    wakeThreads(child.value.thread)
  }

  /// Waits until the thread that made this one lets it go. Whether it may begin.
  private func mayBegin() -> Bool {
    let word = address(of: task, MemoryLayout<TaskData>.offset(of: \.go))
    while true {
      switch memory.load(word, as: UInt64.self) {
      case 1:
        platform.fence()
        return process.value.leaving == Leaving.not
      case 0: _ = platform.replace(0, by: 2, at: word)
      case 2:
        collectSignals()
        platform.exit(.block, UInt64.max, 0)
      default: return false
      }
    }
  }

  /// What a child or thread does first. One that must not run ends.
  public func startChild(exchange: UInt64) {
    let state = memory.address(of: task) + Self.stateOffset
    while !platform.replace(TaskState.ready, by: TaskState.running, at: state) {
      guard task.value.state == TaskState.reaping else {
        platform.end(1, state: memory.reference(state))
        return
      }
    }
    task.value.exchange = exchange
    guard mayBegin() else { return leave(0) }
    platform.switchSpace(root: space.value.root, asid: space.value.asid)
    platform.loadFloats(task.value.scratch)
    platform.threadPointer = task.value.threadPointer
    if task.value.setTid != 0 { try? put(UInt32(truncatingIfNeeded: processNumber()), at: task.value.setTid) }
    interrupted()
  }

  /// The process's number, asked for once.
  func processNumber() -> Int64 {
    if process.value.pid == 0 {
      let result = forward(Call.getpid)
      guard result > 0, result <= Int64(Int32.max) else { return -Errno.inputOutput.code }
      process.value.pid = UInt64(result)
    }
    return Int64(process.value.pid)
  }

  /// This thread's number: of the first one the process's.
  func threadNumber() -> Int64 { task.value.tid == 0 ? processNumber() : Int64(task.value.tid) }

  /// exit: this thread ends, and the process with its last one.
  func exitThread(_ status: UInt64) {
    if process.value.isThreaded == 0 { return exitProcess(status) }
    reportUnknownCalls()
    releaseFutexes()
    clearNumber()
    leave(status & 0xff)
  }

  /// exit_group: the process ends by its own will.
  func exitProcess(_ status: UInt64) {
    reportUnknownCalls()
    releaseFutexes()
    clearNumber()
    if startLeaving(Leaving.end) { _ = forward(Call.exitGroup, status & 0xff) }
    leave(status & 0xff)
  }

  /// The process ends by a signal.
  func die(_ signal: UInt64) {
    releaseFutexes()
    if startLeaving(Leaving.end) { _ = forward(ProxyCall.die.rawValue, signal) }
    leave(128 + signal)
  }

  /// Has all other threads leave: the host gets them out of what they are at. False if they leave already.
  private func startLeaving(_ how: UInt64) -> Bool {
    platform.replace(
      Leaving.not, by: how, at: address(of: process, MemoryLayout<TaskData>.offset(of: \.leaving)))
  }

  /// The host says that all leave. Returns if that is not so.
  func leaveWithOthers() {
    guard process.value.leaving != Leaving.not else { return }
    releaseFutexes()
    leave(0)
  }

  /// execve: this thread stays alone. EAGAIN if the process ends.
  func becomeAlone() throws(Errno) {
    guard process.value.isThreaded != 0 else { return }
    guard startLeaving(Leaving.execute) else { throw .again }
    let threads = address(of: process, MemoryLayout<TaskData>.offset(of: \.threads))
    repeat {
      _ = forward(ProxyCall.alone.rawValue)
    } while memory.load(threads, as: UInt64.self) != 1
    platform.fence()
    process.value.isThreaded = 0
    process.value.leaving = Leaving.not
    task.value.tid = 0
    task.value.robustList = 0
  }

  /// set_tid_address: who waits for the thread's end is told.
  private func clearNumber() {
    let address = task.value.clearTid
    task.value.clearTid = 0
    if address == 0 { return }
    try? put(UInt32(0), at: address)
    if process.value.isThreaded != 0 { wakeFutex(address, count: 1) }
  }

  /// Ends this thread, and frees what the process has if it was the last.
  func leave(_ detail: UInt64) {
    platform.switchSpace(root: shared.value.emptyRoot, asid: 0)
    leaveProcess(task)
    platform.end(detail, state: memory.reference(memory.address(of: task) + Self.stateOffset))
  }

  /// Where the shared state has the address of a slot's task.
  private func slotAddress(_ slot: UInt64) -> UInt64 {
    task.value.shared + UInt64(MemoryLayout<SharedState>.offset(of: \.tasks) ?? 0) + slot * 8
  }

  /// Where the state is in the task.
  static var stateOffset: UInt64 { UInt64(MemoryLayout<TaskData>.offset(of: \.state) ?? 0) }
}
