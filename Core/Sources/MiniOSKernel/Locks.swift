import ShimABI

// Threads of one process share a memory map, which one of them changes at a time. A thread that the host stops for ever
// while it has the lock holds up its own process only.

extension Kernel {
  /// Changes a word by a number: what it is then.
  func add(_ change: Int64, at address: UInt64) -> UInt64 {
    while true {
      let old: UInt64 = memory.load(address)
      let new = old &+ UInt64(bitPattern: change)
      if platform.replace(old, by: new, at: address) { return new }
    }
  }

  /// Where a field of a task is.
  @inline(__always)
  func address(of task: Ref<TaskData>, _ offset: Int?) -> UInt64 { memory.address(of: task) + UInt64(offset ?? 0) }

  private var ownerAddress: UInt64 { address(of: process, MemoryLayout<TaskData>.offset(of: \.mapOwner)) }

  /// Has the memory map for this thread alone. May be nested. A process that never had a second thread needs nothing:
  /// only its own thread could make one, and does so without the lock.
  @inline(__always)
  func lockMap() {
    if process.value.isThreaded != 0 { waitForMap() }
  }

  @inline(__always)
  func unlockMap() {
    if process.value.isThreaded != 0 { releaseMap() }
  }

  @inline(never)
  private func waitForMap() {
    task.value.lockDepth += 1
    if task.value.lockDepth > 1 { return }
    let word = ownerAddress
    var tries = 0
    while !platform.replace(0, by: task.value.slot + 1, at: word) {
      tries += 1
      // The owner may need this CPU.
      if tries % 32 == 0 { awaitMap(word) }
    }
  }

  /// Leaves to the host until the owner says that it has done, or some time is over.
  private func awaitMap(_ word: UInt64) {
    // A wait for a futex that has begun is not to be forgotten.
    if memory.load(waitAddress(task.value.slot), as: UInt64.self) != 0 { return platform.exit(.block, 200_000, 0) }
    let waiters = address(of: process, MemoryLayout<TaskData>.offset(of: \.mapWaiters))
    _ = add(1, at: waiters)
    beginWaiting(mapKey, UInt64.max)
    // Who releases the map looks for waiting threads afterwards.
    if memory.load(word, as: UInt64.self) != 0 { platform.exit(.block, 10_000_000, 0) }
    _ = stopWaiting(waitAddress(task.value.slot))
    _ = add(-1, at: waiters)
  }

  /// What threads wait for that want the memory map: no address of a program is like it.
  private var mapKey: UInt64 { 1 << 62 | memory.address(of: process) }

  @inline(never)
  private func releaseMap() {
    task.value.lockDepth -= 1
    if task.value.lockDepth > 0 { return }
    _ = platform.replace(task.value.slot + 1, by: 0, at: ownerAddress)
    platform.fence()
    if process.value.mapWaiters != 0 { _ = wake(mapKey, 1, UInt32.max) }
  }

  /// Does something with the memory map for this thread alone.
  @inline(__always)
  func withMap<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    lockMap()
    defer { unlockMap() }
    return try body()
  }
}
