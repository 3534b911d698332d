// Memory maps as a whole: made by execve, copied by fork, freed at the end.

extension Kernel {
  /// An empty memory map. Answers its page.
  func makeSpace(asid: UInt64) throws(Errno) -> Ref<SpaceData> {
    let page = try allocateZeroed()
    let space: Ref<SpaceData> = memory.reference(page)
    do throws(Errno) {
      space.value.root = try allocateZeroed()
    } catch {
      release(page)
      throw error
    }
    space.value.asid = asid
    return space
  }

  /// Frees a memory map that no thread uses any more, and that nobody else knows.
  func freeSpace(_ space: Ref<SpaceData>) {
    freeContents(space)
    release(memory.address(of: space))
    giveBack()
  }

  /// Frees the memory map whose address is in a word, which is 0 afterwards.
  func freeSpace(at word: UInt64) {
    let page: UInt64 = memory.load(word)
    if page == 0 { return }
    freeContents(memory.reference(page))
    memory.store(UInt64(0), at: word)
    release(page)
    giveBack()
  }

  /// What is to be freed is forgotten first, so that it is freed once only if another thread has to go on with it.
  private func freeContents(_ space: Ref<SpaceData>) {
    platform.invalidateAll(asid: space.value.asid)
    for index in 0..<space.value.areaCount {
      let next = area(space, index)
      try? forEachEntry(space, from: next.start, to: next.end) { _, slot, entry throws(Errno) in
        memory.store(UInt64(0), at: slot)
        release(entry.page)
      }
    }
    // No look at tables from here on.
    space.value.areaCount = 0
    let root = space.value.root
    space.value.root = 0
    if space.value.tableCount > 200 {
      if root != 0 { freeTables(root, level: 0) }
    } else {
      while space.value.tableCount > 0 {
        space.value.tableCount -= 1
        release(space.value.tables[Int(space.value.tableCount)])
      }
      if root != 0 { release(root) }
    }
    for index in 0..<256 {
      let page = space.value.areaPages[index]
      if page == 0 { break }
      space.value.areaPages[index] = 0
      release(page)
    }
  }

  /// A copy for a child. Private pages are shared until one side writes.
  func copySpace(asid: UInt64) throws(Errno) -> Ref<SpaceData> {
    let parent = space
    let child = try makeSpace(asid: asid)
    do throws(Errno) {
      child.value.heapStart = parent.value.heapStart
      child.value.heapEnd = parent.value.heapEnd
      child.value.mapTop = parent.value.mapTop
      for index in 0..<256 {
        let page = parent.value.areaPages[index]
        if page == 0 { break }
        let copy = try allocate()
        platform.copyPage(page, to: copy)
        child.value.areaPages[index] = copy
      }
      child.value.areaCount = parent.value.areaCount
      // The child's table for the 2 MiB that were last copied to.
      var table: UInt64 = 0
      var covered = UInt64.max
      for index in 0..<parent.value.areaCount {
        let next = area(parent, index)
        let isShared = next.kind.contains(.shared)
        try forEachEntry(parent, from: next.start, to: next.end) { address, slot, entry throws(Errno) in
          if address >> 21 != covered {
            table = try makeEntryAddress(child, address) & ~4095
            covered = address >> 21
          }
          guard hold(entry.page) else { throw .noMemory }
          var bits = entry.bits
          if !isShared {
            bits |= PageEntry.copyOnWrite | PageEntry.readOnly
            if bits != entry.bits { memory.store(bits, at: slot) }
          }
          memory.store(bits, at: table + slot & 4095)
          child.value.resident += 1
        }
      }
    } catch {
      platform.invalidateAll(asid: parent.value.asid)
      freeSpace(child)
      throw error
    }
    platform.invalidateAll(asid: parent.value.asid)
    return child
  }
}
