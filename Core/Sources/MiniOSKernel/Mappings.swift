import ShimABI

// brk, mmap, munmap, mprotect, mremap, madvise, msync, mincore.

extension Kernel {
  /// brk: answers the end of the heap, changed or not.
  func setBreak(_ wanted: UInt64) -> Int64 {
    let current = space.value.heapEnd
    guard wanted >= space.value.heapStart, wanted < space.value.mapTop else { return Int64(current) }
    let oldEnd = Layout.up(current)
    let newEnd = Layout.up(wanted)
    do throws(Errno) {
      if newEnd > oldEnd {
        let next = firstArea(space, endingAfter: oldEnd)
        if next < space.value.areaCount, area(space, next).start < newEnd { return Int64(current) }
        try addArea(space, Area(start: oldEnd, end: newEnd, protection: .readWrite, kind: .heap))
      } else if newEnd < oldEnd {
        try removeAreas(space, from: newEnd, to: oldEnd)
      }
    } catch {
      return Int64(current)
    }
    space.value.heapEnd = wanted
    return Int64(wanted)
  }

  /// mmap.
  func map() throws(Errno) -> Int64 {
    let length = Layout.up(frame.value.x[1])
    let protection = Protection(rawValue: UInt32(truncatingIfNeeded: frame.value.x[2] & 7))
    let flags = frame.value.x[3]
    guard frame.value.x[1] > 0 else { throw .invalid }
    guard length < Layout.userEnd else { throw .noMemory }
    let isAnonymous = flags & 0x20 != 0
    let isShared = flags & 0xf == 1 || flags & 0xf == 3
    guard isShared || flags & 0xf == 2 else { throw .invalid }
    let offset = frame.value.x[5]
    guard offset % Layout.page == 0 else { throw .invalid }
    if !isAnonymous, isShared, protection.contains(.write) {
      // What we write would have to reach the file, which only the host can see.
      throw .noDevice
    }
    let isFixed = flags & 0x10 != 0
    let isFixedNew = flags & 0x10_0000 != 0
    var address = frame.value.x[0]
    if isFixed || isFixedNew {
      guard address % Layout.page == 0 else { throw .invalid }
      guard address >= Layout.userStart, address < Layout.trampoline, length <= Layout.trampoline - address else {
        throw .noMemory
      }
      if isFixedNew {
        guard !isOccupied(address, length) else { throw .exists }
      } else {
        try removeAreas(space, from: address, to: address + length)
      }
    } else {
      let hint = Layout.down(address)
      if hint >= Layout.userStart, hint < space.value.mapTop, length <= space.value.mapTop - hint,
        !isOccupied(hint, length)
      {
        address = hint
      } else {
        address = try findFree(space, length)
      }
    }
    let new = Area(
      start: address, end: address + length, protection: protection,
      kind: isShared && isAnonymous ? .shared : .plain)
    try addArea(space, new)
    do throws(Errno) {
      if !isAnonymous {
        try readFile(
          space, descriptor: frame.value.x[4], offset: offset, to: address, count: frame.value.x[1], new)
      } else if isShared {
        // Children of fork have to see the same pages, so that they exist from the start.
        try populate(address, length, new)
      }
    } catch {
      try removeAreas(space, from: address, to: address + length)
      throw error
    }
    return Int64(address)
  }

  func isOccupied(_ address: UInt64, _ length: UInt64) -> Bool {
    let index = firstArea(space, endingAfter: address)
    return index < space.value.areaCount && area(space, index).start < address + length
  }

  private func populate(_ address: UInt64, _ length: UInt64, _ area: Area) throws(Errno) {
    var page = address
    while page < address + length {
      let slot = try makeEntryAddress(space, page)
      let new = try allocateZeroed()
      memory.store(PageEntry(page: new, protection: area.protection).bits, at: slot)
      space.value.resident += 1
      page += Layout.page
    }
    platform.publish()
  }

  /// Reads a part of a file into fresh pages of an area, whatever its protection. What is behind the file's end
  /// is zeros. The contents are inside from then on: the host can't change them any more.
  func readFile(
    _ space: Ref<SpaceData>, descriptor: UInt64, offset: UInt64, to address: UInt64, count: UInt64, _ area: Area
  ) throws(Errno) {
    var done: UInt64 = 0
    while done < count {
      let part = min(count - done, Self.transferLimit)
      var request = Request(Call.pread64)
      request.arguments = [descriptor, 0, part, offset + done, 0, 0]
      request.setPointer(1, UInt64(Exchange.data))
      let result = try require(send(request))
      guard result <= part else { throw .inputOutput }
      if result == 0 { break }
      var copied: UInt64 = 0
      while copied < result {
        let target = address + done + copied
        let piece = min(result - copied, Layout.page - target & 4095)
        let slot = try makeEntryAddress(space, target)
        var entry = PageEntry(bits: memory.load(slot))
        if entry.isEmpty {
          entry = PageEntry(page: try allocateZeroed(), protection: area.protection)
          space.value.resident += 1
          platform.publish()
          memory.store(entry.bits, at: slot)
        }
        memory.copy(
          from: exchange(UInt64(Exchange.data) + copied), to: entry.page | target & 4095,
          count: piece)
        copied += piece
      }
      done += result
    }
    if area.protection.contains(.execute) { platform.synchronizeCode(0) }
    platform.publish()
  }

  /// munmap.
  func unmap() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let length = Layout.up(frame.value.x[1])
    guard address % Layout.page == 0, length > 0, address < Layout.userEnd, length <= Layout.userEnd - address else {
      throw .invalid
    }
    try removeAreas(space, from: address, to: address + length)
    return 0
  }

  /// mprotect.
  func protect() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let length = Layout.up(frame.value.x[1])
    guard address % Layout.page == 0, frame.value.x[2] & ~7 == 0 else { throw .invalid }
    guard address < Layout.userEnd, length <= Layout.userEnd - address else { throw .noMemory }
    guard length > 0 else { return 0 }
    try protectAreas(
      space, from: address, to: address + length,
      Protection(rawValue: UInt32(truncatingIfNeeded: frame.value.x[2])))
    return 0
  }

  /// mremap of one area.
  func remap() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let oldLength = Layout.up(frame.value.x[1])
    let newLength = Layout.up(frame.value.x[2])
    let flags = frame.value.x[3]
    guard address % Layout.page == 0, newLength > 0, flags & ~3 == 0 else { throw .invalid }
    guard address < Layout.userEnd, oldLength <= Layout.userEnd - address, newLength < Layout.userEnd else {
      throw .invalid
    }
    guard let old = findArea(space, address), address + oldLength <= old.end, oldLength > 0 else { throw .fault }
    if flags & 2 == 0 {
      if newLength <= oldLength {
        if newLength < oldLength { try removeAreas(space, from: address + newLength, to: address + oldLength) }
        return Int64(address)
      }
      let end = address + oldLength
      if newLength < Layout.trampoline - address, !isOccupied(end, newLength - oldLength) {
        var more = old
        more.start = end
        more.end = address + newLength
        try addArea(space, more)
        return Int64(address)
      }
      guard flags & 1 != 0 else { throw .noMemory }
    }
    var target: UInt64
    if flags & 2 != 0 {
      target = frame.value.x[4]
      guard flags & 1 != 0, target % Layout.page == 0, target >= Layout.userStart, target < Layout.trampoline,
        newLength <= Layout.trampoline - target,
        target >= address + oldLength || target + newLength <= address
      else { throw .invalid }
      try removeAreas(space, from: target, to: target + newLength)
    } else {
      target = try findFree(space, newLength)
    }
    var new = old
    new.start = target
    new.end = target + newLength
    try addArea(space, new)
    let kept = min(oldLength, newLength)
    try forEachEntry(space, from: address, to: address + kept) { place, slot, entry throws(Errno) in
      let newSlot = try makeEntryAddress(space, target + (place - address))
      memory.store(UInt64(0), at: slot)
      memory.store(entry.bits, at: newSlot)
    }
    platform.invalidateAll(asid: space.value.asid)
    try removeAreas(space, from: address, to: address + oldLength)
    return Int64(target)
  }

  /// madvise: MADV_DONTNEED drops private pages; all other advice is taken as heard.
  func advise() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let length = Layout.up(frame.value.x[1])
    guard address % Layout.page == 0, address < Layout.userEnd, length <= Layout.userEnd - address else {
      throw .invalid
    }
    guard isCovered(space, from: address, to: address + length) else { throw .noMemory }
    switch frame.value.x[2] & 0xffff_ffff {
    case 4, 8:  // MADV_DONTNEED, MADV_FREE
      var index = firstArea(space, endingAfter: address)
      while index < space.value.areaCount {
        let next = area(space, index)
        if next.start >= address + length { break }
        if !next.kind.contains(.shared) {
          unmapPages(space, from: max(next.start, address), to: min(next.end, address + length))
        }
        index += 1
      }
      return 0
    case 0...3, 10...17, 20, 21: return 0
    default: throw .invalid
    }
  }

  /// mincore: everything that is mapped counts as resident where it has a page.
  func resident() throws(Errno) -> Int64 {
    let address = frame.value.x[0]
    let length = Layout.up(frame.value.x[1])
    guard address % Layout.page == 0 else { throw .invalid }
    guard address < Layout.userEnd, length <= Layout.userEnd - address,
      isCovered(space, from: address, to: address + length)
    else { throw .noMemory }
    for page in 0..<length / Layout.page {
      let isThere = !entry(space, address + page * Layout.page).isEmpty
      try put(UInt8(isThere ? 1 : 0), at: frame.value.x[2] &+ page)
    }
    return 0
  }
}
