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
  // that a page that was taken and came back in the meantime is noticed.
  private static var pageBits: UInt64 { 28 }

  private func push(_ page: UInt64) {
    let mask: UInt64 = 1 << Self.pageBits - 1
    while true {
      let head: UInt64 = memory.load(freeHead)
      memory.store((head & mask) << 12, at: page)
      if platform.replace(head, by: page >> 12 | (head >> Self.pageBits &+ 1) << Self.pageBits, at: freeHead) { return }
    }
  }

  private func pop() -> UInt64? {
    let mask: UInt64 = 1 << Self.pageBits - 1
    while true {
      let head: UInt64 = memory.load(freeHead)
      let page = (head & mask) << 12
      if page == 0 { return nil }
      // Another thread may have taken the page by now; then this is not the next one, and the head has changed.
      let next: UInt64 = memory.load(page)
      let new = next >> 12 & mask | (head >> Self.pageBits &+ 1) << Self.pageBits
      if platform.replace(head, by: new, at: freeHead) { return page }
    }
  }

  private var freeHead: UInt64 { task.value.shared }

  /// Makes pages that were claimed available. The first page near an address becomes the page of its counts.
  func donate(_ first: UInt64, count: UInt64) {
    for number in 0..<count {
      let page = first + number * Layout.page
      let index = (page &- Layout.ram) >> 12
      guard index < 512 * Self.leafCounts else { return }
      let entry = shared.value.countRoot + index / Self.leafCounts * 8
      if memory.load(entry, as: UInt64.self) == 0 {
        memory.zero(page, count: Layout.page)
        if platform.replace(0, by: page, at: entry) { continue }
      }
      push(page)
    }
    let total = task.value.shared + 8
    while true {
      let old: UInt64 = memory.load(total)
      if platform.replace(old, by: old + count, at: total) { return }
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
        guard dropImage() else { throw error }
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

  /// How many pages are free. Right only while nobody takes one.
  var freeCount: UInt64 {
    var count: UInt64 = 0
    var page = (memory.load(freeHead, as: UInt64.self) & (1 << Self.pageBits - 1)) << 12
    while page != 0 {
      count += 1
      page = memory.load(page)
    }
    return count
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
