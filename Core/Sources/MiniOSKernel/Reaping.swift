import ShimABI

// Threads that the host does not continue, because their process was killed there (SIGKILL, the default action of a
// signal). Nothing runs here when that happens. The Monitor, which is trusted, knows it: a thread whose exchange buffer
// was taken runs no more. So a thread asks for others, and frees what they had.

extension Kernel {
  /// Frees what threads had that were killed: how many there were.
  /// - Parameter reported: the number of a child that the host said is dead.
  @discardableResult
  func reapThreads(reported: UInt64 = 0) -> Int {
    var count = 0
    for slot in 0..<Int(shared.value.slotEnd) {
      let address = shared.value.tasks[slot]
      if address != 0, address != memory.address(of: task), reap(memory.reference(address), reported) { count += 1 }
    }
    return count
  }

  private func reap(_ other: Ref<TaskData>, _ reported: UInt64) -> Bool {
    let word = memory.address(of: other) + Self.stateOffset
    let state = other.value.state
    // One that was never run has no exchange buffer either, and may get one yet, unless the host says that it is dead.
    guard
      state == TaskState.running || state == TaskState.ready && reported != 0 && other.value.isBegun == reported,
      platform.replace(state, by: TaskState.reaping, at: word)
    else { return false }
    guard platform.reapThread(other.value.thread) else {
      // It lives. If it ended in this moment it has written another state.
      _ = platform.replace(TaskState.reaping, by: state, at: word)
      return false
    }
    let leader: Ref<TaskData> = memory.reference(other.value.leader)
    memory.store(UInt64(0), at: shared.value.waits + other.value.slot * 8)
    other.value.isLooking = 0
    donateRest(other)
    if other.value.pageInHand != 0 {
      // Its tables are there as long as it is counted.
      if other.value.hasLeft == 0, entry(at: other.value.slotInHand).page != other.value.pageInHand {
        release(other.value.pageInHand)
      }
      other.value.pageInHand = 0
    }
    if other.value.hasLeft == 0 {
      leaveProcess(other)
    } else if leader.value.finisher == other.value.slot + 1 {
      // It was killed while it freed what the process had: go on where it was.
      finishProcess(leader)
    }
    platform.fence()
    other.value.state = TaskState.free
    return true
  }

  private func entry(at slot: UInt64) -> PageEntry { PageEntry(bits: memory.load(slot)) }

  /// A thread is no more part of its process, which ends with its last one.
  func leaveProcess(_ thread: Ref<TaskData>) {
    let leader: Ref<TaskData> = memory.reference(thread.value.leader)
    thread.value.hasLeft = 1
    platform.fence()
    guard add(-1, at: address(of: leader, MemoryLayout<TaskData>.offset(of: \.threads))) == 0 else { return }
    leader.value.finisher = thread.value.slot + 1
    finishProcess(leader)
  }

  /// Frees what a process had. May be begun again by another thread if this one does not go on.
  private func finishProcess(_ leader: Ref<TaskData>) {
    freeSpace(at: address(of: leader, MemoryLayout<TaskData>.offset(of: \.oldSpace)))
    freeSpace(at: address(of: leader, MemoryLayout<TaskData>.offset(of: \.space)))
    leader.value.finisher = 0
    platform.fence()
    leader.value.isHeld = 0
  }
}
