import ShimABI

// The calls of a con-shim, told by its slot, and how its threads leave.
extension Ledger {
  /// The thread left, for `reason`. One that `ended` exists until its exchange buffer is taken; `killed` ends
  /// the con-shim.
  public mutating func stop(slot: Int, context: Int, reason: ExitReason) {
    threads[context].state = reason == .ended ? .ended : .ready
    shims[slot].running -= 1
    if reason == .killed, shims[slot].state == .active {
      shims[slot].state = .killed
      killed += 1
    }
  }

  /// ``ShimCall/claim``.
  public mutating func claim(slot: Int, address: UInt64, count: UInt64) throws(ShimError) {
    guard shims[slot].state == .active else { throw .ended }
    let range = try range(address, count)
    try require(Granule(.delegated, slot: slot), range)
    write(Granule(.claimed, slot: slot), range)
    memory.setReachable(true, range, in: .shim(slot))
    memory.invalidate(range)
  }

  /// ``ShimCall/release``.
  public mutating func release(slot: Int, address: UInt64, count: UInt64) throws(ShimError) {
    guard shims[slot].state == .active else { throw .ended }
    let range = try range(address, count)
    try require(Granule(.claimed, slot: slot), range)
    write(Granule(.released, slot: slot), range)
    memory.setReachable(false, range, in: .shim(slot))
    memory.invalidate(range)
  }

  /// ``ShimCall/threadCreate``.
  /// - Returns: the thread's number, which is that of its context too.
  public mutating func threadCreate(slot: Int) throws(ShimError) -> Int {
    guard shims[slot].state == .active else { throw .ended }
    guard threadCount > shimCount else { throw .exhausted }
    var index = nextThread
    for _ in shimCount..<threadCount {
      if index >= threadCount { index = shimCount }
      if threads[index].state == .free {
        threads[index] = ThreadRecord(state: .ready, slot: UInt8(truncatingIfNeeded: slot))
        nextThread = index + 1
        return index
      }
      index += 1
    }
    throw .exhausted
  }

  /// ``ShimCall/extend``.
  public mutating func extend(slot: Int, by digest: Digest) {
    var hash = SHA256()
    hash.update(shims[slot].measurement)
    hash.update(digest)
    shims[slot].measurement = hash.finish()
  }
}
