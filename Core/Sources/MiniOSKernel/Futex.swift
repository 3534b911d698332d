import ShimABI

// futex: threads that wait for a word of memory to change. What a thread waits for is one word, a key, in a page that
// all threads of the con-shim have; 0 says that it does not wait. Who wakes it writes the 0, in one step, and then tells
// the host. So a thread that is stopped for ever leaves nothing half done, and a host that wakes wrongly, or not at all,
// changes nothing but the time.

/// Commands of futex(2).
private enum FutexCommand {
  static let wait: UInt64 = 0
  static let wake: UInt64 = 1
  static let requeue: UInt64 = 3
  static let compareRequeue: UInt64 = 4
  static let wakeOperation: UInt64 = 5
  static let waitBits: UInt64 = 9
  static let wakeBits: UInt64 = 10
  static let realTime: UInt64 = 256
  static let privateFlag: UInt64 = 128
}

/// Bits in the word of a lock (uapi/linux/futex.h).
private enum LockWord {
  static let number: UInt32 = 0x3fff_ffff
  static let ownerDied: UInt32 = 0x4000_0000
  static let waiters: UInt32 = 0x8000_0000
}

/// When a wait is over: a time of a clock.
private struct Deadline {
  /// As for `now`.
  var clock: Int
  var time: Int64
}

extension Kernel {
  /// futex.
  func futex() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let value = UInt32(truncatingIfNeeded: frame.value.x[2])
    let count = max(Int64(Int32(bitPattern: value)), 0)
    let last = UInt32(truncatingIfNeeded: frame.value.x[5])
    let isReal = frame.value.x[1] & FutexCommand.realTime != 0
    let isPrivate = frame.value.x[1] & FutexCommand.privateFlag != 0
    switch frame.value.x[1] & 127 {
    case FutexCommand.wait:
      guard !isReal else { throw .notImplemented }
      var deadline: Deadline?
      if frame.value.x[3] != 0 {
        let time = try futexTime()
        guard let now = now(1) else { throw .inputOutput }
        deadline = Deadline(clock: 1, time: now + time)
      }
      return try waitFutex(address, value, UInt32.max, deadline)
    case FutexCommand.waitBits:
      var deadline: Deadline?
      if frame.value.x[3] != 0 { deadline = Deadline(clock: isReal ? 0 : 1, time: try futexTime()) }
      return try waitFutex(address, value, last, deadline)
    case FutexCommand.wake: return wake(try futexKey(address, isPrivate: isPrivate), max(count, 1), UInt32.max)
    case FutexCommand.wakeBits:
      guard last != 0 else { throw .invalid }
      return wake(try futexKey(address, isPrivate: isPrivate), max(count, 1), last)
    case FutexCommand.requeue, FutexCommand.compareRequeue:
      let key = try futexKey(address, isPrivate: isPrivate)
      let other = try futexKey(frame.value.x[4], isPrivate: isPrivate)
      if frame.value.x[1] & 127 == FutexCommand.compareRequeue, try get(address, as: UInt32.self) != last {
        throw .again
      }
      let moved = max(Int64(Int32(truncatingIfNeeded: frame.value.x[3])), 0)
      return wake(key, count, UInt32.max) + requeue(key, to: other, moved)
    case FutexCommand.wakeOperation:
      let key = try futexKey(address, isPrivate: isPrivate)
      let other = try futexKey(frame.value.x[4], isPrivate: isPrivate)
      let wakesOther = try futexOperation(frame.value.x[4], last)
      let woken = wake(key, max(count, 1), UInt32.max)
      if !wakesOther { return woken }
      return woken + wake(other, max(Int64(Int32(truncatingIfNeeded: frame.value.x[3])), 1), UInt32.max)
    default: throw .notImplemented
    }
  }

  /// The time in argument 3, in nanoseconds. EINVAL.
  private func futexTime() throws(Errno) -> Int64 {
    let seconds = try get(frame.value.x[3], as: Int64.self)
    let nanoseconds = try get(frame.value.x[3] &+ 8, as: Int64.self)
    guard seconds >= 0, nanoseconds >= 0, nanoseconds < 1_000_000_000 else { throw .invalid }
    return min(seconds, 1 << 32) * 1_000_000_000 + nanoseconds
  }

  /// What threads wait for: the physical address of memory that processes share, else process and address. It is the
  /// mapping that says which, since private memory moves when it is copied; or the program (FUTEX_PRIVATE_FLAG).
  private func futexKey(_ address: UInt64, isPrivate: Bool) throws(Errno) -> UInt64 {
    guard address % 4 == 0 else { throw .invalid }
    if isPrivate { return space.value.asid << 48 | address }
    lockMap()
    defer { unlockMap() }
    guard let area = findArea(space, address) else { throw .fault }
    guard area.kind.contains(.shared) else { return space.value.asid << 48 | address }
    return 1 << 63 | (try translate(space, address, .read))
  }

  /// Where it is counted how often threads began to wait.
  private var waitCountAddress: UInt64 {
    task.value.shared + UInt64(MemoryLayout<SharedState>.offset(of: \.waitCount) ?? 0)
  }

  /// Where a slot's key is.
  func waitAddress(_ slot: UInt64) -> UInt64 { shared.value.waits + slot * 8 }

  private func waitFutex(
    _ address: UInt64, _ value: UInt32, _ bits: UInt32, _ deadline: Deadline?
  ) throws(Errno) -> Int64 {
    guard bits != 0 else { throw .invalid }
    let key = try futexKey(address, isPrivate: frame.value.x[1] & FutexCommand.privateFlag != 0)
    // As long as somebody waits for it the page is not another's.
    let held = key >> 63 != 0 ? key & ~(1 << 63) & ~(Layout.page - 1) : 0
    if held != 0 { guard hold(held) else { throw .noMemory } }
    defer { if held != 0 { release(held) } }
    let word = waitAddress(task.value.slot)
    // Who changes the value looks for waiting threads afterwards, so that one of the two sees the other.
    beginWaiting(key, UInt64(bits))
    do throws(Errno) {
      if try get(address, as: UInt32.self) != value { throw .again }
    } catch {
      if stopWaiting(word) { return 0 }
      throw error
    }
    while memory.load(word, as: UInt64.self) != 0 {
      collectSignals()
      if task.value.pending & ~task.value.mask != 0 { return stopWaiting(word) ? 0 : -Errno.interrupted.code }
      var duration = UInt64.max
      if let deadline {
        guard let now = now(deadline.clock) else { return stopWaiting(word) ? 0 : -Errno.inputOutput.code }
        if now >= deadline.time { return stopWaiting(word) ? 0 : -Errno.timedOut.code }
        duration = UInt64(deadline.time - now)
        // The real time can be set.
        if deadline.clock == 0 { duration = min(duration, 1_000_000_000) }
      }
      platform.exit(.block, duration, 0)
    }
    platform.fence()
    return 0
  }

  func beginWaiting(_ key: UInt64, _ bits: UInt64) {
    task.value.waitBits = bits
    task.value.waitOrder = add(1, at: waitCountAddress)
    let word = waitAddress(task.value.slot)
    _ = platform.replace(memory.load(word), by: key, at: word)
    platform.fence()
  }

  /// Waits no more. Whether somebody had woken this thread: then the wake is not to be lost.
  func stopWaiting(_ word: UInt64) -> Bool {
    while true {
      let key: UInt64 = memory.load(word)
      if key == 0 { return true }
      if platform.replace(key, by: 0, at: word) { return false }
    }
  }

  /// The thread that waits for a key the longest, of those that heed the bits and began no later than `last`: its slot.
  private func longestWaiting(_ key: UInt64, _ bits: UInt32, last: UInt64) -> UInt64? {
    var found: UInt64?
    var order = UInt64.max
    for slot in 0..<shared.value.slotEnd where memory.load(waitAddress(slot), as: UInt64.self) == key {
      let other: Ref<TaskData> = memory.reference(shared.value.tasks[Int(slot)])
      if other.value.waitBits & UInt64(bits) == 0 || other.value.waitOrder >= order { continue }
      if other.value.waitOrder > last { continue }
      order = other.value.waitOrder
      found = slot
    }
    return found
  }

  /// Wakes threads: how many.
  func wake(_ key: UInt64, _ count: Int64, _ bits: UInt32) -> Int64 {
    platform.fence()
    // Threads that are woken may wait for the key again, and again, while this one still wakes.
    let last = memory.load(waitCountAddress, as: UInt64.self)
    var woken: Int64 = 0
    var batch = 0
    while true {
      if woken < count, batch < Exchange.wakeLimit, let slot = longestWaiting(key, bits, last: last) {
        guard platform.replace(key, by: 0, at: waitAddress(slot)) else { continue }
        let other: Ref<TaskData> = memory.reference(shared.value.tasks[Int(slot)])
        setHeader(Exchange.grants + batch * 8, other.value.thread)
        batch += 1
        woken += 1
        continue
      }
      if batch == 0 { return woken }
      // One that the host does not know was killed while it waited: another one is woken for it.
      woken -= tellWoken(batch)
      batch = 0
    }
  }

  /// Tells the host which threads go on, by the numbers that are in the exchange buffer: how many are no more.
  private func tellWoken(_ count: Int) -> Int64 {
    platform.exit(.wake, UInt64(count), 0)
    var gone: Int64 = 0
    for index in 0..<count where header(Exchange.grants + index * 8) == 0 { gone += 1 }
    return gone
  }

  /// Has a thread go on that waits for something else than a key.
  func wakeThreads(_ thread: UInt64) {
    setHeader(Exchange.grants, thread)
    platform.exit(.wake, 1, 0)
  }

  /// Wakes threads that wait for an address of this process.
  func wakeFutex(_ address: UInt64, count: Int64) {
    do throws(Errno) { _ = wake(try futexKey(address, isPrivate: false), count, UInt32.max) } catch {}
  }

  /// Has threads wait for something else: how many.
  private func requeue(_ key: UInt64, to other: UInt64, _ count: Int64) -> Int64 {
    var moved: Int64 = 0
    while moved < count, key != other, let slot = longestWaiting(key, UInt32.max, last: UInt64.max) {
      if platform.replace(key, by: other, at: waitAddress(slot)) { moved += 1 }
    }
    return moved
  }

  // MARK: words of programs

  /// Changes a word of the program by a function, in one step: what it was. The function may refuse.
  private func changeWord(_ address: UInt64, _ change: (UInt32) -> UInt32?) throws(Errno) -> UInt32 {
    guard address % 4 == 0 else { throw .invalid }
    lockMap()
    defer { unlockMap() }
    let place = try translate(space, address, .write)
    let shift = (place & 4) * 8
    while true {
      let both: UInt64 = memory.load(place & ~7)
      let old = UInt32(truncatingIfNeeded: both >> shift)
      guard let new = change(old) else { return old }
      let changed = both & ~(UInt64(UInt32.max) << shift) | UInt64(new) << shift
      if platform.replace(both, by: changed, at: place & ~7) { return old }
    }
  }

  /// FUTEX_WAKE_OP: changes a word; whether what it was compares as the operation says.
  private func futexOperation(_ address: UInt64, _ code: UInt32) throws(Errno) -> Bool {
    var operand = Int32(bitPattern: code << 8) >> 20
    let compared = Int32(bitPattern: code << 20) >> 20
    if code >> 31 != 0 { operand = Int32(truncatingIfNeeded: 1 << UInt64(operand & 31)) }
    let bits = UInt32(bitPattern: operand)
    guard code >> 28 & 7 <= 4, code >> 24 & 15 <= 5 else { throw .notImplemented }
    let old = Int32(
      bitPattern: try changeWord(address) { word in
        switch code >> 28 & 7 {
        case 0: bits
        case 1: word &+ bits
        case 2: word | bits
        case 3: word & ~bits
        default: word ^ bits
        }
      })
    return switch code >> 24 & 15 {
    case 0: old == compared
    case 1: old != compared
    case 2: old < compared
    case 3: old <= compared
    case 4: old > compared
    default: old >= compared
    }
  }

  // MARK: the end of a thread

  /// The locks that a thread holds when it ends are marked, and somebody who waits for them is told (robust futexes).
  func releaseFutexes() {
    let head = task.value.robustList
    task.value.robustList = 0
    if head == 0 { return }
    let number = threadNumber()
    if number <= 0 { return }
    do throws(Errno) {
      var entry = try get(head, as: UInt64.self)
      let offset = try get(head &+ 8, as: UInt64.self)
      let pending = try get(head &+ 16, as: UInt64.self)
      var count = 0
      // As many as Linux looks at (ROBUST_LIST_LIMIT).
      while entry & ~1 != head, count < 2048 {
        let next = try get(entry & ~1, as: UInt64.self)
        if entry != pending { try releaseLock((entry & ~1) &+ offset, UInt32(number), isPending: false) }
        entry = next
        count += 1
      }
      if pending != 0 { try releaseLock((pending & ~1) &+ offset, UInt32(number), isPending: true) }
    } catch {}
  }

  private func releaseLock(_ address: UInt64, _ number: UInt32, isPending: Bool) throws(Errno) {
    let old = try changeWord(address) { word in
      word & LockWord.number == number ? word & LockWord.waiters | LockWord.ownerDied : nil
    }
    let wasOurs = old & LockWord.number == number
    if wasOurs && old & LockWord.waiters != 0 || isPending && old == 0 { wakeFutex(address, count: 1) }
  }
}
