// Pages come into being when they are touched, and are copied when they are written and shared.

enum Access {
  case read, write, execute
}

/// Why memory could not be reached.
enum FaultKind: Error {
  /// Nothing is mapped there (SEGV_MAPERR).
  case unmapped
  /// It is, but not for this (SEGV_ACCERR).
  case forbidden
  /// There is no more memory.
  case exhausted
}

extension Kernel {
  /// Makes the page of an address reachable for an access, and answers the page's address.
  func resolve(_ space: Ref<SpaceData>, _ address: UInt64, _ access: Access) throws(FaultKind) -> UInt64 {
    lockMap()
    defer { unlockMap() }
    guard address < Layout.userEnd else { throw .unmapped }
    guard let area = findArea(space, address) else { throw .unmapped }
    let allowed =
      switch access {
      case .read: !area.protection.isEmpty
      case .write: area.protection.contains(.write)
      case .execute: area.protection.contains(.execute)
      }
    guard allowed else { throw .forbidden }
    do throws(Errno) {
      let slot = try makeEntryAddress(space, address)
      let entry = PageEntry(bits: memory.load(slot))
      if entry.isEmpty {
        let page = try allocate()
        task.value.slotInHand = slot
        task.value.pageInHand = page
        platform.zeroPage(page)
        space.value.resident += 1
        platform.publish()
        memory.store(PageEntry(page: page, protection: area.protection).bits, at: slot)
        platform.publish()
        task.value.pageInHand = 0
        return page
      }
      if access == .write, entry.isCopyOnWrite {
        return try makeOwn(space, address, slot, entry, area)
      }
      if !entry.isValid {
        memory.store(
          PageEntry(page: entry.page, protection: area.protection, copyOnWrite: entry.isCopyOnWrite).bits,
          at: slot)
        platform.publish()
      }
      return entry.page
    } catch {
      throw .exhausted
    }
  }

  /// Replaces a page that others hold too by a copy; one that nobody else holds becomes writable.
  private func makeOwn(
    _ space: Ref<SpaceData>, _ address: UInt64, _ slot: UInt64, _ entry: PageEntry, _ area: Area
  ) throws(Errno) -> UInt64 {
    var page = entry.page
    // If the other holder lets go in this moment we copy once too often, which is harmless.
    if holders(page) > 1 {
      let copy = try allocate()
      task.value.slotInHand = slot
      task.value.pageInHand = copy
      platform.copyPage(page, to: copy)
      if area.protection.contains(.execute) { platform.synchronizeCode(copy) }
      // Break before make: no CPU may see both pages.
      memory.store(entry.bits & ~PageEntry.valid, at: slot)
      platform.invalidate(address, asid: space.value.asid)
      memory.store(PageEntry(page: copy, protection: area.protection).bits, at: slot)
      platform.publish()
      task.value.pageInHand = 0
      // Last: an entry with a page that was let go would be freed once more with its process.
      release(page)
      page = copy
    } else {
      memory.store(PageEntry(page: page, protection: area.protection).bits, at: slot)
      platform.invalidate(address, asid: space.value.asid)
    }
    return page
  }
}
