// Translation tables of programs: four levels, 48 bits, pages of 4 KiB (Arm ARM, D8 VMSAv8-64).

/// An entry of the last level. An invalid entry that is not zero keeps a page that may not be reached now.
struct PageEntry: Equatable {
  var bits: UInt64

  static let valid: UInt64 = 1
  static let addressMask: UInt64 = 0x0000_ffff_ffff_f000
  static let readOnly: UInt64 = 1 << 7
  static let userNoExecute: UInt64 = 1 << 54
  /// Ours (bits 55 to 58 are free for software): the page is to be copied before it is written.
  static let copyOnWrite: UInt64 = 1 << 55
  /// Access flag, inner shareable, not global, EL0 may reach it, never executable at EL1, memory type 0.
  private static let common: UInt64 = 1 << 10 | 3 << 8 | 1 << 11 | 1 << 6 | 1 << 53 | 2

  init(bits: UInt64) { self.bits = bits }

  init(page: UInt64, protection: Protection, copyOnWrite: Bool = false) {
    bits = page | Self.common
    if !protection.isEmpty {
      bits |= Self.valid
    }
    if !protection.contains(.write) || copyOnWrite { bits |= Self.readOnly }
    if !protection.contains(.execute) { bits |= Self.userNoExecute }
    if copyOnWrite { bits |= Self.copyOnWrite }
  }

  var isEmpty: Bool { bits == 0 }
  var isValid: Bool { bits & Self.valid != 0 }
  var page: UInt64 { bits & Self.addressMask }
  var isWritable: Bool { isValid && bits & Self.readOnly == 0 }
  var isCopyOnWrite: Bool { bits & Self.copyOnWrite != 0 }
}

/// What a program may do with memory (PROT_*).
///
/// Not an `OptionSet`: a literal of one is an array, which needs a heap.
struct Protection: BitwiseCopyable, Equatable {
  var rawValue: UInt32
  static let none = Protection(rawValue: 0)
  static let read = Protection(rawValue: 1)
  static let write = Protection(rawValue: 2)
  static let execute = Protection(rawValue: 4)
  static let readWrite = Protection(rawValue: 3)
  static let readExecute = Protection(rawValue: 5)

  var isEmpty: Bool { rawValue == 0 }
  func contains(_ other: Protection) -> Bool { rawValue & other.rawValue != 0 }
}

extension Kernel {
  /// Where the entry of a user address is; nil if a table on the way is missing.
  @inline(__always)
  func entryAddress(_ space: Ref<SpaceData>, _ address: UInt64) -> UInt64? {
    var table = space.value.root
    var shift: UInt64 = 39
    while shift > 12 {
      let entry: UInt64 = memory.load(table + (address >> shift & 511) * 8)
      if entry & 1 == 0 { return nil }
      table = entry & PageEntry.addressMask
      shift -= 9
    }
    return table + (address >> 12 & 511) * 8
  }

  /// Where the entry of a user address is, with tables made on the way.
  func makeEntryAddress(_ space: Ref<SpaceData>, _ address: UInt64) throws(Errno) -> UInt64 {
    var table = space.value.root
    var shift: UInt64 = 39
    while shift > 12 {
      let slot = table + (address >> shift & 511) * 8
      var entry: UInt64 = memory.load(slot)
      if entry & 1 == 0 {
        entry = try allocateZeroed() | 3
        noteTable(space, entry & PageEntry.addressMask)
        platform.publish()
        memory.store(entry, at: slot)
      }
      table = entry & PageEntry.addressMask
      shift -= 9
    }
    return table + (address >> 12 & 511) * 8
  }

  private func noteTable(_ space: Ref<SpaceData>, _ table: UInt64) {
    let count = space.value.tableCount
    if count < 200 { space.value.tables[Int(count)] = table }
    space.value.tableCount = count + 1
  }

  func entry(_ space: Ref<SpaceData>, _ address: UInt64) -> PageEntry {
    guard let slot = entryAddress(space, address) else { return PageEntry(bits: 0) }
    return PageEntry(bits: memory.load(slot))
  }

  /// Calls `body` with the address and the place of each entry that is not empty. Skips missing tables.
  @inline(__always)
  func forEachEntry(
    _ space: Ref<SpaceData>, from start: UInt64, to end: UInt64,
    _ body: (_ address: UInt64, _ slot: UInt64, _ entry: PageEntry) throws(Errno) -> Void
  ) throws(Errno) {
    var address = start
    while address < end {
      var table = space.value.root
      var shift: UInt64 = 39
      var missing = false
      while shift > 12 {
        let entry: UInt64 = memory.load(table + (address >> shift & 511) * 8)
        if entry & 1 == 0 {
          missing = true
          break
        }
        table = entry & PageEntry.addressMask
        shift -= 9
      }
      if missing {
        address = (address >> shift + 1) << shift
        continue
      }
      // One table of the last level. Four entries at once: most are empty.
      let next = min(end, (address >> 21 + 1) << 21)
      var slot = table + (address >> 12 & 511) * 8
      let last = slot + (next - address) / Layout.page * 8
      let offset = address &- slot &* 512
      while slot < last {
        if slot &+ 32 <= last {
          let first: UInt64 = memory.load(slot)
          let second: UInt64 = memory.load(slot &+ 8)
          let third: UInt64 = memory.load(slot &+ 16)
          let fourth: UInt64 = memory.load(slot &+ 24)
          if first | second | third | fourth == 0 {
            slot &+= 32
            continue
          }
        }
        let part = min(last, slot &+ 32)
        while slot < part {
          let entry = PageEntry(bits: memory.load(slot))
          if !entry.isEmpty { try body(slot &* 512 &+ offset, slot, entry) }
          slot &+= 8
        }
      }
      address = next
    }
  }

  /// Forgets all pages of a range.
  func unmapPages(_ space: Ref<SpaceData>, from start: UInt64, to end: UInt64) {
    var count: UInt64 = 0
    // The first pass makes the entries invalid, so that no CPU reaches a page after it was freed.
    try? forEachEntry(space, from: start, to: end) { address, slot, entry throws(Errno) in
      if entry.isValid { memory.store(entry.bits & ~PageEntry.valid, at: slot) }
      count += 1
      if entry.isValid, end - start <= 16 * Layout.page { platform.invalidate(address, asid: space.value.asid) }
    }
    if count == 0 { return }
    if end - start > 16 * Layout.page { platform.invalidateAll(asid: space.value.asid) }
    try? forEachEntry(space, from: start, to: end) { _, slot, entry throws(Errno) in
      memory.store(UInt64(0), at: slot)
      release(entry.page)
    }
    space.value.resident &-= min(count, space.value.resident)
    if count > 256 { giveBack() }
  }

  /// Frees tables and the pages in them. No CPU translates by them any more.
  func freeTables(_ table: UInt64, level: Int) {
    for index in 0..<UInt64(512) {
      let entry = PageEntry(bits: memory.load(table + index * 8))
      if entry.isEmpty { continue }
      if level == 3 { release(entry.page) } else { freeTables(entry.page, level: level + 1) }
    }
    release(table)
  }

  /// Maps a fresh page into the kernel's half. Answers the page that is there now: one that was mapped before stays.
  func mapKernel(_ address: UInt64) throws(Errno) -> UInt64 {
    var table = shared.value.kernelRoot
    var shift: UInt64 = 30
    while shift > 12 {
      let slot = table + (address >> shift & 511) * 8
      var entry: UInt64 = memory.load(slot)
      if entry & 1 == 0 {
        let new = try allocateZeroed()
        platform.publish()
        // Another thread may have been quicker.
        if !platform.replace(0, by: new | 3, at: slot) { release(new) }
        entry = memory.load(slot)
      }
      table = entry & PageEntry.addressMask
      shift -= 9
    }
    let slot = table + (address >> 12 & 511) * 8
    let old = PageEntry(bits: memory.load(slot))
    if old.isValid { return old.page }
    let page = try allocateZeroed()
    // Read and write at EL1 only, never executable.
    memory.store(page | 1 << 10 | 3 << 8 | 3 << 53 | 3, at: slot)
    platform.publish()
    return page
  }
}
