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
    var tries: UInt64 = 0
    while !platform.replace(0, by: task.value.slot + 1, at: word) {
      tries += 1
      // The owner may need this CPU.
      if tries % 128 == 0 { platform.exit(.block, min(tries, 8192) * 128, 0) }
    }
  }

  @inline(never)
  private func releaseMap() {
    task.value.lockDepth -= 1
    if task.value.lockDepth == 0 { _ = platform.replace(task.value.slot + 1, by: 0, at: ownerAddress) }
  }

  /// Does something with the memory map for this thread alone.
  @inline(__always)
  func withMap<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    lockMap()
    defer { unlockMap() }
    return try body()
  }
}
