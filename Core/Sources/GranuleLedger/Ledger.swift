import ShimABI

/// A con-shim's place in the ledger.
public struct ShimRecord: Sendable {
  enum State: UInt8 { case free, active, killed, ended }

  public init() {}

  var state = State.free
  /// How often the slot was used: what tells an old handle from a new one.
  var generation: UInt64 = 0
  /// Granules that are not the host's because of this con-shim, with exchange buffers.
  var granules = 0
  /// Threads that run on a CPU now.
  var running = 0
  var measurement = Digest()
}

/// A thread's place in the ledger.
public struct ThreadRecord: Sendable {
  enum State: UInt8 { case free, ready, running, ended }

  public init() {}

  init(slot: Int) {
    state = .ready
    self.slot = UInt8(truncatingIfNeeded: slot)
  }

  var state = State.free
  var slot: UInt8 = 0
  /// It ran: it knows the address of its exchange buffer, so it gets no other.
  var started = false
  /// First granule of the exchange buffer, or -1.
  var exchange: Int32 = -1
}

/// Who owns what: granules, con-shims and threads. Pure: whatever the machine has to do is asked of `Memory`.
///
/// A call checks everything before it changes anything, so that a refused call has no effect. Calls are made
/// one at a time: the caller holds the lock.
///
/// Thread 0 of a con-shim has the context with the number of the con-shim's slot. Every other thread has the
/// context with its own number, which is at least `Memory.shimCount`.
public struct Ledger<Memory: GranuleMemory> {
  public internal(set) var memory: Memory
  /// Where the search for a free thread starts.
  var nextThread = 0
  public internal(set) var created: UInt64 = 0
  public internal(set) var killed: UInt64 = 0
  /// Of the mini-OS, which every con-shim starts with.
  let imageDigest: Digest

  /// - Parameters:
  ///   - memory: with all granules the host's, and new records.
  ///   - reserved: granules at the start of RAM that stay the Monitor's.
  public init(memory: Memory, imageDigest: Digest, reserved: Int = 0) {
    self.memory = memory
    self.imageDigest = imageDigest
    for index in 0..<reserved { self.memory[index] = Granule(.reserved) }
  }

  // MARK: - Numbers

  static var slotBits: UInt64 { 8 }

  func handle(slot: Int) -> UInt64 { memory[shim: slot].generation << Self.slotBits | UInt64(slot) }

  /// The slot of an existing con-shim.
  func slot(_ handle: UInt64) throws(ShimError) -> Int {
    let slot = Int(handle & (1 << Self.slotBits - 1))
    guard slot < memory.shimCount, memory[shim: slot].state != .free,
      memory[shim: slot].generation == handle >> Self.slotBits
    else {
      throw .noSuchShim
    }
    return slot
  }

  /// The context of an existing thread; also of one that ended and still has an exchange buffer.
  func context(_ thread: UInt64, slot: Int) throws(ShimError) -> Int {
    if thread == 0, memory[thread: slot].state != .free { return slot }
    guard thread >= UInt64(memory.shimCount), thread < UInt64(memory.threadCount) else { throw .noSuchShim }
    let index = Int(thread)
    guard memory[thread: index].state != .free, memory[thread: index].slot == UInt8(truncatingIfNeeded: slot) else {
      throw .noSuchShim
    }
    return index
  }

  /// How many con-shims and threads there are, and granules that only con-shims reach, or nobody.
  public var inUse: (shims: UInt64, threads: UInt64, granules: UInt64) {
    var (shims, threads, granules) = (0 as UInt64, 0 as UInt64, 0 as UInt64)
    for slot in 0..<memory.shimCount where memory[shim: slot].state != .free {
      shims += 1
      granules += UInt64(memory[shim: slot].granules)
    }
    for index in 0..<memory.threadCount where memory[thread: index].state != .free { threads += 1 }
    return (shims, threads, granules)
  }

  // MARK: - Granules

  func range(_ address: UInt64, _ count: UInt64, alignment: UInt64 = 1) throws(ShimError) -> GranuleRange {
    try GranuleRange(address: address, count: count, alignment: alignment, granules: memory.count)
  }

  func require(_ entry: Granule, _ range: GranuleRange) throws(ShimError) {
    for index in range.first..<range.end where memory[index] != entry { throw .granuleState }
  }

  mutating func write(_ entry: Granule, _ range: GranuleRange) {
    for index in range.first..<range.end { memory[index] = entry }
  }

  /// Hides the granules of the host from it and makes them the con-shim's.
  mutating func take(_ range: GranuleRange, _ state: GranuleState, slot: Int) {
    write(Granule(state, slot: slot), range)
    memory[shim: slot].granules += range.count
    memory.setReachable(false, range, in: .host)
    memory.invalidate(range)
  }
}
