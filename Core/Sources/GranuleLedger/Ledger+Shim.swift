import ShimABI

// The calls of a con-shim, told by its slot, and how its threads leave.
extension Ledger {
  /// The thread left, for `reason`. One that `ended` exists until its exchange buffer is taken; `killed` ends
  /// the con-shim.
  public mutating func stop(slot: Int, context: Int, reason: ExitReason) {
    memory[thread: context].state = reason == .ended ? .ended : .ready
    memory[shim: slot].running -= 1
    if reason == .killed, memory[shim: slot].state == .active {
      memory[shim: slot].state = .killed
      killed += 1
    }
  }

  /// ``ShimCall/claim``.
  public mutating func claim(slot: Int, address: UInt64, count: UInt64) throws(ShimError) {
    guard memory[shim: slot].state == .active else { throw .ended }
    let range = try range(address, count)
    try require(Granule(.delegated, slot: slot), range)
    write(Granule(.claimed, slot: slot), range)
    memory.setReachable(true, range, in: .shim(slot))
    memory.invalidate(range)
  }

  /// ``ShimCall/release``.
  public mutating func release(slot: Int, address: UInt64, count: UInt64) throws(ShimError) {
    guard memory[shim: slot].state == .active else { throw .ended }
    let range = try range(address, count)
    try require(Granule(.claimed, slot: slot), range)
    write(Granule(.released, slot: slot), range)
    memory.setReachable(false, range, in: .shim(slot))
    memory.invalidate(range)
  }

  /// ``ShimCall/threadCreate``.
  /// - Returns: the thread's number, which is that of its context too.
  public mutating func threadCreate(slot: Int) throws(ShimError) -> Int {
    guard memory[shim: slot].state == .active else { throw .ended }
    guard memory.threadCount > memory.shimCount else { throw .exhausted }
    var index = max(nextThread, memory.shimCount)
    for _ in memory.shimCount..<memory.threadCount {
      if index >= memory.threadCount { index = memory.shimCount }
      if memory[thread: index].state == .free {
        memory[thread: index] = ThreadRecord(slot: slot)
        nextThread = index + 1
        return index
      }
      index += 1
    }
    throw .exhausted
  }

  /// ``ShimCall/threadReap``.
  public mutating func threadReap(slot: Int, thread: UInt64) throws(ShimError) {
    let context = try context(thread, slot: slot)
    guard memory[thread: context].exchange < 0 else { throw .busy }
    memory[thread: context] = ThreadRecord()
  }

  /// ``ShimCall/extend``.
  public mutating func extend(slot: Int, by digest: Digest) {
    var hash = SHA256()
    hash.update(memory[shim: slot].measurement)
    hash.update(digest)
    memory[shim: slot].measurement = hash.finish()
  }
}
