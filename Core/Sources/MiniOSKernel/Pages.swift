import ShimABI

// The allocator of pages. Free ones are a list through their first words; what is held is counted per page, so
// that processes can share pages after fork. There are no locks: the host can stop a thread for ever at any
// instruction (SIGKILL for its proxy), and what it was at may be lost, but not what others do.

extension Kernel {
  /// Counts of one leaf page: 16 bits each.
  private static var leafCounts: UInt64 { 2048 }

  /// The address of a page's count; nil if no page near it was ever claimed.
  private func countAddress(_ page: UInt64) -> UInt64? {
    let index = (page &- Layout.ram) >> 12
    guard index < 512 * Self.leafCounts else { return nil }
    let leaf: UInt64 = memory.load(shared.value.countRoot + index / Self.leafCounts * 8)
    return leaf == 0 ? nil : leaf + index % Self.leafCounts * 2
  }

  /// Changes the count of a page: the one before. Nil, and no change, if that was 0 where it may not be, or would
  /// leave 16 bits.
  private func changeCount(_ page: UInt64, by change: Int64, from: ClosedRange<UInt64>) -> UInt64? {
    guard let address = countAddress(page) else { return nil }
    let word = address & ~7
    let shift = (address & 7) * 8
    while true {
      let old: UInt64 = memory.load(word)
      let count = old >> shift & 0xffff
      guard from.contains(count) else { return nil }
      let new = UInt64(bitPattern: Int64(count) + change)
      if platform.replace(old, by: old & ~(0xffff << shift) | new << shift, at: word) { return count }
    }
  }

  // The head of the list: number of a page in the lower 28 bits, and a number that changes with every change, so
  // that a page that was taken and came back in the meantime is noticed. A free page has the number of the next one,
  // and above it how many pages the list has from there on.
  private static var pageBits: UInt64 { 28 }
  private static var pageMask: UInt64 { 1 << pageBits - 1 }

  // While it is set the thread may look at a page that another one takes: it must not go back to the host.
  private func setLooking(_ value: UInt64) {
    task.value.isLooking = value
    if value != 0 { platform.fence() }
  }

  private func push(_ page: UInt64) {
    setLooking(1)
    while true {
      let head: UInt64 = memory.load(freeHead)
      let next = head & Self.pageMask
      let count: UInt64 = next == 0 ? 0 : memory.load(next << 12, as: UInt64.self) >> Self.pageBits
      memory.store(next | (count &+ 1) << Self.pageBits, at: page)
      let new = page >> 12 | (head >> Self.pageBits &+ 1) << Self.pageBits
      if platform.replace(head, by: new, at: freeHead) { break }
    }
    setLooking(0)
  }

  private func pop() -> UInt64? {
    setLooking(1)
    defer { setLooking(0) }
    while true {
      let head: UInt64 = memory.load(freeHead)
      let page = (head & Self.pageMask) << 12
      if page == 0 { return nil }
      // Another thread may have taken the page by now; then this is not the next one, and the head has changed.
      let next: UInt64 = memory.load(page)
      let new = next & Self.pageMask | (head >> Self.pageBits &+ 1) << Self.pageBits
      if platform.replace(head, by: new, at: freeHead) { return page }
    }
  }

  private var freeHead: UInt64 { task.value.shared }

  /// Makes pages that were claimed available. The first page near an address becomes the page of its counts.
  func donate(_ first: UInt64, count: UInt64) {
    task.value.donated = first
    task.value.donatedEnd = first + count * Layout.page
    donateRest(task)
    changeTotal(by: Int64(count))
  }

  /// Goes on with it, as the thread itself or after it was killed.
  func donateRest(_ thread: Ref<TaskData>) {
    while thread.value.donated < thread.value.donatedEnd {
      let page = thread.value.donated
      thread.value.donated = page + Layout.page
      let index = (page &- Layout.ram) >> 12
      guard index < 512 * Self.leafCounts else { return }
      let entry = shared.value.countRoot + index / Self.leafCounts * 8
      if memory.load(entry, as: UInt64.self) == 0 {
        memory.zero(page, count: Layout.page)
        if platform.replace(0, by: page, at: entry) { continue }
      }
      push(page)
    }
  }

  /// A page with undefined contents, held once.
  func allocate() throws(Errno) -> UInt64 {
    while true {
      if let page = pop() {
        _ = changeCount(page, by: 1, from: 0...0)
        return page
      }
      do throws(Errno) {
        try grow()
      } catch {
        guard reapThreads() > 0 || dropImage() else { throw error }
      }
    }
  }

  /// A page of zeros, held once.
  func allocateZeroed() throws(Errno) -> UInt64 {
    let page = try allocate()
    platform.zeroPage(page)
    return page
  }

  /// Holds a page once more. False if it is held too often.
  func hold(_ page: UInt64) -> Bool { changeCount(page, by: 1, from: 1...0xfffe) != nil }

  /// How many hold a page.
  func holders(_ page: UInt64) -> UInt16 {
    guard let address = countAddress(page) else { return 0 }
    return memory.load(address)
  }

  /// Holds a page once less; free if it was the last.
  func release(_ page: UInt64) {
    if changeCount(page, by: -1, from: 1...0xffff) == 1 { push(page) }
  }

  /// How many pages are free.
  var freeCount: UInt64 {
    setLooking(1)
    defer { setLooking(0) }
    let page = (memory.load(freeHead, as: UInt64.self) & Self.pageMask) << 12
    return page == 0 ? 0 : memory.load(page, as: UInt64.self) >> Self.pageBits
  }

  /// What is kept of free pages: 8 MiB, and a part of what there is, so that not every process that ends gives back what
  /// the next one asks for.
  private var reserve: UInt64 { 2048 + shared.value.totalCount / 4 }

  /// Gives free pages back to the host if there are many.
  func giveBack() {
    guard freeCount > reserve + 512 else { return }
    // Those of the boot block were not granted.
    let boot = task.value.shared >> 21
    var kept: UInt64 = 0
    while true {
      let free = freeCount
      var left = free > reserve ? free - reserve : 0
      var starts: InlineArray<32, UInt64> = InlineArray(repeating: 0)
      var counts: InlineArray<32, UInt64> = InlineArray(repeating: 0)
      var runs = 0
      while left > 0, let page = pop() {
        left -= 1
        if page >> 21 == boot {
          memory.store(kept, at: page)
          kept = page
          continue
        }
        if runs > 0, counts[runs - 1] < ShimABI.rangeLimit {
          if page == starts[runs - 1] + counts[runs - 1] * Layout.page {
            counts[runs - 1] += 1
            continue
          }
          if page + Layout.page == starts[runs - 1] {
            starts[runs - 1] = page
            counts[runs - 1] += 1
            continue
          }
        }
        if runs == Exchange.grantLimit {
          push(page)
          break
        }
        starts[runs] = page
        counts[runs] = 1
        runs += 1
      }
      // Threads that look from now on don't see them in the list.
      platform.fence()
      let isFree = !isAnyoneLooking
      var told = 0
      for run in 0..<runs {
        guard isFree, platform.release(starts[run], counts[run]) else {
          for index in 0..<counts[run] { push(starts[run] + index * Layout.page) }
          continue
        }
        changeTotal(by: -Int64(counts[run]))
        setHeader(Exchange.grants + told * 16, starts[run])
        setHeader(Exchange.grants + told * 16 + 8, counts[run])
        told += 1
      }
      if told == 0 { break }
      setHeader(Exchange.grantCount, UInt64(told))
      platform.exit(.memory, 0, 0)
    }
    while kept != 0 {
      let next: UInt64 = memory.load(kept)
      push(kept)
      kept = next
    }
  }

  private var isAnyoneLooking: Bool {
    for slot in 0..<480 {
      let address = shared.value.tasks[slot]
      if address != 0, memory.reference(address, to: TaskData.self).value.isLooking != 0 { return true }
    }
    return false
  }

  private func changeTotal(by change: Int64) {
    let total = task.value.shared + 8
    while true {
      let old: UInt64 = memory.load(total)
      if platform.replace(old, by: old &+ UInt64(bitPattern: change), at: total) { return }
    }
  }

  /// Asks the host for memory, and claims what it says it gave.
  ///
  /// The Monitor knows whose a granule is, so a lie ends here. ENOMEM if nothing came.
  func grow() throws(Errno) {
    let wanted = min(max(128, shared.value.totalCount / 4), 512)
    setHeader(Exchange.grantCount, 0)
    platform.exit(.memory, wanted, 0)
    let pairs = min(header(Exchange.grantCount), UInt64(Exchange.grantLimit))
    var received: UInt64 = 0
    for pair in 0..<Int(pairs) {
      let first = header(Exchange.grants + pair * 16)
      let count = header(Exchange.grants + pair * 16 + 8)
      guard
        first % Layout.page == 0, first >= memory.start, first < memory.end, count > 0,
        count <= ShimABI.rangeLimit, count * Layout.page <= memory.end - first,
        platform.claim(first, count)
      else { continue }
      donate(first, count: count)
      received += count
    }
    if received == 0 { throw .noMemory }
  }
}
