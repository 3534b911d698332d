import ShimABI

// The allocator of pages. Free ones are a list through their first words; what is held is counted per page, so
// that processes can share pages after fork.

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

  /// Makes pages that were claimed available. The first page near an address becomes the page of its counts.
  func donate(_ first: UInt64, count: UInt64) {
    platform.lock(lockWord)
    defer { platform.unlock(lockWord) }
    for number in 0..<count {
      let page = first + number * Layout.page
      let index = (page &- Layout.ram) >> 12
      guard index < 512 * Self.leafCounts else { return }
      shared.value.totalCount += 1
      let entry = shared.value.countRoot + index / Self.leafCounts * 8
      if memory.load(entry, as: UInt64.self) == 0 {
        platform.zeroPage(page)
        memory.store(page, at: entry)
        continue
      }
      memory.store(shared.value.freePages, at: page)
      shared.value.freePages = page
      shared.value.freeCount += 1
    }
  }

  /// A page with undefined contents, held once.
  func allocate() throws(Errno) -> UInt64 {
    while true {
      platform.lock(lockWord)
      let page = shared.value.freePages
      if page != 0 {
        shared.value.freePages = memory.load(page)
        shared.value.freeCount -= 1
        if let count = countAddress(page) { memory.store(UInt16(1), at: count) }
        platform.unlock(lockWord)
        return page
      }
      platform.unlock(lockWord)
      try grow()
    }
  }

  /// A page of zeros, held once.
  func allocateZeroed() throws(Errno) -> UInt64 {
    let page = try allocate()
    platform.zeroPage(page)
    return page
  }

  /// Holds a page once more. False if it is held too often.
  func hold(_ page: UInt64) -> Bool {
    platform.lock(lockWord)
    defer { platform.unlock(lockWord) }
    guard let address = countAddress(page) else { return false }
    let count: UInt16 = memory.load(address)
    guard count > 0, count < UInt16.max else { return false }
    memory.store(count + 1, at: address)
    return true
  }

  /// How many hold a page.
  func holders(_ page: UInt64) -> UInt16 {
    platform.lock(lockWord)
    defer { platform.unlock(lockWord) }
    guard let address = countAddress(page) else { return 0 }
    return memory.load(address)
  }

  /// Holds a page once less; free if it was the last.
  func release(_ page: UInt64) {
    platform.lock(lockWord)
    defer { platform.unlock(lockWord) }
    guard let address = countAddress(page) else { return }
    let count: UInt16 = memory.load(address)
    guard count > 0 else { return }
    memory.store(count - 1, at: address)
    guard count == 1 else { return }
    memory.store(shared.value.freePages, at: page)
    shared.value.freePages = page
    shared.value.freeCount += 1
  }

  var lockWord: Ref<UInt32> { memory.reference(task.value.shared) }

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
