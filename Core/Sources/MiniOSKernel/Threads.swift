import ShimABI

// The life of threads: the first one's start, fork, and the end.

/// The flags of clone that matter here.
private enum Clone {
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
    memory.zero(pages, count: 6 * Layout.page)
    let shared: Ref<SharedState> = memory.reference(sharedPage)
    shared.value.countRoot = countRoot
    shared.value.kernelRoot = kernelRoot
    shared.value.emptyRoot = empty
    shared.value.images = pages + 5 * Layout.page
    shared.value.tasks[0] = taskPage
    let task: Ref<TaskData> = memory.reference(taskPage)
    task.value.shared = sharedPage
    task.value.exchange = exchange
    task.value.stackTop = stackTop
    task.value.frame = stackPage + Layout.page - stackHead - UInt64(MemoryLayout<TrapFrame>.size)
    task.value.state = TaskState.running
    task.value.scratch = pages + 3 * Layout.page
    task.value.programPath = pages + 4 * Layout.page
    memory.store(memory.virtual(taskPage), at: stackPage + Layout.page - stackHead)
    let kernel = Kernel(platform: platform, task: task)
    kernel.donate(pages + 6 * Layout.page, count: count - 6)
    return kernel
  }

  /// A task for a child, with state `preparing`. EAGAIN if there is none.
  private func takeSlot() throws(Errno) -> (Ref<TaskData>, hasThread: Bool) {
    for slot in 0..<480 {
      let address = shared.value.tasks[slot]
      if address == 0 { continue }
      let other: Ref<TaskData> = memory.reference(address)
      let state = other.value.state
      if state == TaskState.free || state == TaskState.spare,
        platform.replace(state, by: TaskState.preparing, at: address + Self.stateOffset)
      {
        return (other, state == TaskState.spare)
      }
    }
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

  /// clone without CLONE_THREAD: fork and vfork. The child of vfork has a copy of the memory too, which programs
  /// can't tell apart but by writing to it.
  func clone() throws(Errno) -> Int64 {
    let flags = frame.value.x[0]
    if flags & Clone.thread != 0 || flags & Clone.memory != 0 && flags & Clone.vfork == 0 {
      throw .notImplemented
    }
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
      child.value.state = hasThread ? TaskState.spare : TaskState.free
      throw error
    }
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
        child.value.state = TaskState.spare
      }
      return result < 0 ? result : -Errno.inputOutput.code
    }
    if flags & Clone.parentSetTid != 0 { try? put(UInt32(result), at: frame.value.x[2]) }
    return result
  }

  /// Makes a child's task a copy of this one.
  private func fill(_ child: Ref<TaskData>, _ flags: UInt64) throws(Errno) {
    let copy = try copySpace(asid: child.value.slot + 1)
    child.value.shared = task.value.shared
    child.value.space = memory.address(of: copy)
    child.value.pid = 0
    child.value.threadPointer =
      flags & Clone.setThreadPointer != 0 ? frame.value.x[3] : platform.threadPointer
    child.value.clearTid = flags & Clone.childClearTid != 0 ? frame.value.x[4] : 0
    child.value.setTid = flags & Clone.childSetTid != 0 ? frame.value.x[4] : 0
    child.value.mask = task.value.mask
    child.value.hostMask = task.value.hostMask
    child.value.hasSavedMask = 0
    child.value.pending = 0
    child.value.alternateStack = task.value.alternateStack
    child.value.alternateSize = task.value.alternateSize
    child.value.alternateFlags = task.value.alternateFlags
    child.value.clockOffsets = task.value.clockOffsets
    child.value.clockFetched = task.value.clockFetched
    // Two processes with the same key would answer the same.
    child.value.randomSeeded = 0
    child.value.actions = task.value.actions
    child.value.identity = task.value.identity
    child.value.knowsIdentity = task.value.knowsIdentity
    child.value.unknownCalls = InlineArray(repeating: 0)
    child.value.unknownCounts = InlineArray(repeating: 0)
    memory.copy(from: task.value.programPath, to: child.value.programPath, count: Layout.page)
    let registers: Ref<TrapFrame> = memory.reference(child.value.frame)
    registers.value = frame.value
    registers.value.x[0] = 0
    if frame.value.x[1] != 0 { registers.value.sp = frame.value.x[1] }
    platform.saveFloats(child.value.scratch)
  }

  /// What a child does first. One that must not run ends.
  public func startChild(exchange: UInt64) {
    let state = memory.address(of: task) + Self.stateOffset
    guard platform.replace(TaskState.ready, by: TaskState.running, at: state) else {
      platform.end(1, state: memory.reference(state))
      return
    }
    task.value.exchange = exchange
    platform.switchSpace(root: space.value.root, asid: space.value.asid)
    platform.loadFloats(task.value.scratch)
    platform.threadPointer = task.value.threadPointer
    if task.value.setTid != 0 { try? put(UInt32(truncatingIfNeeded: processNumber()), at: task.value.setTid) }
  }

  /// The process's number, asked for once.
  func processNumber() -> Int64 {
    if task.value.pid == 0 {
      let result = forward(Call.getpid)
      guard result > 0, result <= Int64(Int32.max) else { return -Errno.inputOutput.code }
      task.value.pid = UInt64(result)
    }
    return Int64(task.value.pid)
  }

  /// The process ends by its own will.
  func exitProcess(_ status: UInt64) {
    reportUnknownCalls()
    if task.value.clearTid != 0 { try? put(UInt32(0), at: task.value.clearTid) }
    _ = forward(Call.exitGroup, status & 0xff)
    leave(status & 0xff)
  }

  /// The process ends by a signal.
  func die(_ signal: UInt64) {
    _ = forward(ProxyCall.die.rawValue, signal)
    leave(128 + signal)
  }

  /// Frees what the process has and ends its thread.
  func leave(_ detail: UInt64) {
    let old = space
    task.value.space = 0
    platform.switchSpace(root: shared.value.emptyRoot, asid: 0)
    freeSpace(old)
    platform.end(detail, state: memory.reference(memory.address(of: task) + Self.stateOffset))
  }

  /// Where the shared state has the address of a slot's task.
  private func slotAddress(_ slot: UInt64) -> UInt64 {
    task.value.shared + UInt64(MemoryLayout<SharedState>.offset(of: \.tasks) ?? 0) + slot * 8
  }

  /// Where the state is in the task.
  static var stateOffset: UInt64 { UInt64(MemoryLayout<TaskData>.offset(of: \.state) ?? 0) }
}
