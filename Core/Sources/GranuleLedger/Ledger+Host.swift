import ShimABI

// The calls of the host: ``ShimCall`` says what they mean.
extension Ledger {
  /// ``ShimCall/shimCreate``.
  /// - Returns: the handle, and the context of thread 0.
  public mutating func shimCreate(block: UInt64) throws(ShimError) -> (handle: UInt64, context: Int) {
    let range = try range(block, ShimABI.bootBlockGranules, alignment: ShimABI.bootBlockGranules)
    try require(Granule(.host), range)
    var free = 0
    while free < memory.shimCount, memory[shim: free].state != .free { free += 1 }
    guard free < memory.shimCount else { throw .exhausted }
    memory[shim: free].state = .active
    memory[shim: free].generation += 1
    memory[shim: free].measurement = imageDigest
    memory[thread: free] = ThreadRecord(slot: free)
    // Hidden from the host first: it must not change what is being copied.
    take(range, .claimed, slot: free)
    memory.loadImage(range)
    memory.setReachable(true, range, in: .shim(free))
    memory.invalidate(range)
    created += 1
    return (handle(slot: free), free)
  }

  /// ``ShimCall/shimDestroy``.
  public mutating func shimDestroy(_ handle: UInt64) throws(ShimError) {
    let slot = try slot(handle)
    guard memory[shim: slot].running == 0 else { throw .busy }
    guard memory[shim: slot].granules == 0 else { throw .ownsGranules }
    for index in 0..<memory.threadCount where memory[thread: index].slot == UInt8(truncatingIfNeeded: slot) {
      memory[thread: index] = ThreadRecord()
    }
    memory[shim: slot].state = .free
    memory.forgetTranslations(slot: slot)
  }

  /// ``ShimCall/delegate``.
  public mutating func delegate(_ handle: UInt64, address: UInt64, count: UInt64) throws(ShimError) {
    let slot = try slot(handle)
    let range = try range(address, count)
    guard memory[shim: slot].state == .active else { throw .ended }
    try require(Granule(.host), range)
    take(range, .delegated, slot: slot)
  }

  /// ``ShimCall/undelegate``.
  public mutating func undelegate(_ handle: UInt64, address: UInt64, count: UInt64) throws(ShimError) {
    let slot = try slot(handle)
    let range = try range(address, count)
    // A thread that still runs must not lose memory that it uses.
    let all = memory[shim: slot].state == .ended && memory[shim: slot].running == 0
    for index in range.first..<range.end {
      let entry = memory[index]
      guard entry.slot == slot else { throw .granuleState }
      switch entry.state {
      case .delegated, .released: break
      case .claimed where all: break
      default: throw .granuleState
      }
    }
    memory.setReachable(false, range, in: .shim(slot))
    memory.invalidate(range)
    memory.scrub(range)
    giveBack(range, slot: slot)
    memory.setReachable(true, range, in: .host)
    memory.invalidate(range)
  }

  /// ``ShimCall/exchangeMap``.
  /// - Returns: the context of the thread, which starts with the address of the buffer in x1.
  public mutating func exchangeMap(
    _ handle: UInt64, thread: UInt64, address: UInt64, count: UInt64
  ) throws(ShimError) -> Int {
    let slot = try slot(handle)
    let context = try context(thread, slot: slot)
    guard count == Exchange.granules else { throw .invalid }
    let range = try range(address, count)
    guard memory[shim: slot].state == .active else { throw .ended }
    guard memory[thread: context].state == .ready, !memory[thread: context].started,
      memory[thread: context].exchange < 0
    else {
      throw .busy
    }
    try require(Granule(.host), range)
    write(Granule(.exchange, slot: slot), range)
    memory[shim: slot].granules += range.count
    memory[thread: context].exchange = Int32(range.first)
    memory.setReachable(true, range, in: .shim(slot))
    memory.invalidate(range)
    return context
  }

  /// ``ShimCall/exchangeUnmap``.
  public mutating func exchangeUnmap(_ handle: UInt64, thread: UInt64) throws(ShimError) {
    let slot = try slot(handle)
    let context = try context(thread, slot: slot)
    guard memory[thread: context].state != .running else { throw .busy }
    guard memory[thread: context].exchange >= 0 else { throw .noExchange }
    let range = GranuleRange(first: Int(memory[thread: context].exchange), count: Int(Exchange.granules))
    memory.setReachable(false, range, in: .shim(slot))
    memory.invalidate(range)
    giveBack(range, slot: slot)
    memory[thread: context].exchange = -1
    if memory[thread: context].state == .ended { memory[thread: context] = ThreadRecord() }
  }

  /// ``ShimCall/shimEnd``. With threads that run it throws `busy`, and none of them is continued once it left.
  public mutating func shimEnd(_ handle: UInt64) throws(ShimError) {
    let slot = try slot(handle)
    memory[shim: slot].state = .ended
    guard memory[shim: slot].running == 0 else { throw .busy }
  }

  /// ``ShimCall/measure``.
  public func measure(_ handle: UInt64) throws(ShimError) -> Digest { memory[shim: try slot(handle)].measurement }

  /// The start of ``ShimCall/run``: from now on the thread is this CPU's.
  /// - Returns: the con-shim's slot and the context of the thread.
  public mutating func start(_ handle: UInt64, thread: UInt64) throws(ShimError) -> (slot: Int, context: Int) {
    let slot = try slot(handle)
    let context = try context(thread, slot: slot)
    guard memory[shim: slot].state == .active, memory[thread: context].state != .ended else { throw .ended }
    guard memory[thread: context].state == .ready else { throw .busy }
    guard memory[thread: context].exchange >= 0 else { throw .noExchange }
    memory[thread: context].state = .running
    memory[thread: context].started = true
    memory[shim: slot].running += 1
    return (slot, context)
  }

  private mutating func giveBack(_ range: GranuleRange, slot: Int) {
    write(Granule(.host), range)
    memory[shim: slot].granules -= range.count
  }
}
