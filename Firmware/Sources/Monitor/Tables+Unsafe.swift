import CArch
import GranuleLedger
import ShimABI

/// The tables in the Monitor's RAM.
enum Tables {
  private static let tableSize: UInt64 = 0x20000
  private static let ramTables = 4
  private static let level0Size = UInt64(GranuleProtectionTable.level0Count) * 8

  private static var level0: UInt64 { UInt64(monitor_level0_address()) }

  /// Level 0 tables: the host's.
  static var host: UInt64 { level0 }
  /// The Monitor's own, for moments when it touches memory that it hid from the host: all of RAM is non-secure.
  static var everything: UInt64 { level0 + level0Size }
  static func shim(_ slot: Int) -> UInt64 { level0 + level0Size * UInt64(slot + 2) }

  /// Level 1 of RAM, a GiB after the other without a gap: 16 granules to a word.
  static func ram(_ view: View) -> UInt64 {
    switch view {
    case .host: UInt64(MONITOR_HOST_GPTS)
    case .shim(let slot): UInt64(MONITOR_SHIM_GPTS) + UInt64(slot * ramTables) * tableSize
    }
  }

  static func load(_ address: UInt64, _ index: Int) -> UInt64 {
    // SAFETY: callers pass tables in the Monitor's RAM, or the host's stage 2, and indices within them.
    unsafe UnsafePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped[index]
  }

  static func store(_ value: UInt64, _ address: UInt64, _ index: Int) {
    // SAFETY: as above. A CPU that walks the table sees the old or the new word: it is stored at once.
    unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped[index] = value
  }

  private static func fill(_ table: UInt64, from start: Int, to end: Int, _ protection: GranuleProtection) {
    for word in start / 0x10000..<end / 0x10000 { store(GranuleProtectionTable.word(protection), table, word) }
  }

  /// Writes all tables for a machine whose RAM is the host's. Zero is "no access" in level 1, and memory is zero.
  static func setUp() {
    let hostDevices = UInt64(MONITOR_DEVICE_GPTS)
    let shimDevices = hostDevices + tableSize
    fill(hostDevices, from: 0, to: 0x4000_0000, .nonSecure)
    fill(hostDevices, from: 0x0800_0000, to: 0x0a00_0000, .any)  // the Monitor uses the GIC and the UART too
    fill(hostDevices, from: 0x0904_0000, to: 0x0905_0000, .root)  // secure UART
    fill(hostDevices, from: 0x090b_0000, to: 0x090c_0000, .root)  // secure PL061
    for index in 0..<2 {
      let table = hostDevices + UInt64(index) * tableSize
      fill(table, from: 0, to: 0x0400_0000, .root)  // flash
      fill(table, from: Int(MONITOR_SRAM), to: Int(MONITOR_SRAM) + Int(MONITOR_SRAM_SIZE), .root)
    }
    fill(ram(.host), from: 0, to: ramTables << 30, .nonSecure)
    setUpLevel0(host, devices: hostDevices, ram: ram(.host), rest: .nonSecure)
    setUpLevel0(everything, devices: hostDevices, ram: nil, rest: .nonSecure)
    for slot in 0..<Int(ShimABI.shimLimit) {
      setUpLevel0(shim(slot), devices: shimDevices, ram: ram(.shim(slot)), rest: .none)
    }
  }

  private static func setUpLevel0(_ table: UInt64, devices: UInt64, ram: UInt64?, rest: GranuleProtection) {
    for entry in 0..<GranuleProtectionTable.level0Count { store(GranuleProtectionTable.block(rest), table, entry) }
    store(GranuleProtectionTable.table(devices), table, 0)
    guard let ram else { return }
    for gib in 0..<ramTables {
      store(GranuleProtectionTable.table(ram + UInt64(gib) * tableSize), table, gib + 1)
    }
  }

  /// The identity stage 2 of the host lies in RAM that it does not know of: a walk reads non-secure memory.
  /// The host gains nothing by changing it: it decides on no access that the granule protection does not check.
  static let stage2 = GranuleRange.start

  static func setUpStage2() {
    // Blocks of 1 GiB: read, write and execute; normal cached memory, or what stage 1 says if that is stricter.
    for gib in 0..<1024 { store(UInt64(gib) << 30 | 0x7fd, stage2, gib) }
    data_barrier()
  }
}

/// The entries of granules, a byte each in the Monitor's RAM, and the granule protection tables.
struct RootMemory: GranuleMemory {
  let count: Int

  // SAFETY: of all three: the ledger passes indices below the counts. There are a MiB of entries, the most that
  // `count` is; for the records the linker keeps 4 KiB and 8 KiB, which is checked before they are initialised.
  private static var entries: UnsafeMutablePointer<Granule> { unsafe records(UInt(MONITOR_LEDGER)) }
  private static var shims: UnsafeMutablePointer<ShimRecord> { unsafe records(monitor_ledger_address() + 0x1000) }
  private static var threads: UnsafeMutablePointer<ThreadRecord> { unsafe records(monitor_ledger_address() + 0x2000) }

  private static func records<T>(_ address: UInt) -> UnsafeMutablePointer<T> {
    unsafe UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  subscript(index: Int) -> Granule {
    get { unsafe Self.entries[index] }
    nonmutating set { unsafe Self.entries[index] = newValue }
  }

  var shimCount: Int { Int(ShimABI.shimLimit) }
  var threadCount: Int { Int(ShimABI.threadLimit) }

  // SAFETY: of both: as above.
  subscript(shim slot: Int) -> ShimRecord {
    get { unsafe Self.shims[slot] }
    nonmutating _modify { yield unsafe &Self.shims[slot] }
  }

  subscript(thread context: Int) -> ThreadRecord {
    get { unsafe Self.threads[context] }
    nonmutating _modify { yield unsafe &Self.threads[context] }
  }

  /// Before there is a ledger.
  static func initializeRecords() {
    precondition(MemoryLayout<MonitorLedger>.size <= 0x1000)
    precondition(MemoryLayout<ShimRecord>.stride * Int(ShimABI.shimLimit) <= 0x1000)
    precondition(MemoryLayout<ThreadRecord>.stride * Int(ShimABI.threadLimit) <= 0x2000)
    // SAFETY: as above.
    unsafe shims.initialize(repeating: ShimRecord(), count: Int(ShimABI.shimLimit))
    unsafe threads.initialize(repeating: ThreadRecord(), count: Int(ShimABI.threadLimit))
  }

  mutating func setReachable(_ reachable: Bool, _ range: GranuleRange, in view: View) {
    let protection: GranuleProtection = reachable ? .nonSecure : .none
    let table = Tables.ram(view)
    let perWord = GranuleProtectionTable.granulesPerWord
    var granule = range.first
    while granule < range.end {
      let word = granule / perWord
      let end = min(range.end - word * perWord, perWord)
      let old = Tables.load(table, word)
      Tables.store(
        GranuleProtectionTable.set(old, first: granule % perWord, end: end, protection), table, word)
      granule = word * perWord + end
    }
  }

  mutating func invalidate(_ range: GranuleRange) {
    if range.count == 1 {
      forget_granule_everywhere(range.address >> 12)
    } else {
      forget_protection_everywhere()
    }
  }

  mutating func scrub(_ range: GranuleRange) {
    withEverything {
      // SAFETY: the range is RAM, and no world reaches it.
      unsafe monitor_zero(UInt(range.address), UInt(range.byteCount))
    }
  }

  mutating func loadImage(_ range: GranuleRange) {
    let size = (MiniOSImage.size + 4095) & ~4095
    withEverything {
      // SAFETY: the range is RAM that no world reaches, and not smaller than the image, as checked at boot. It
      // is cleaned from the caches because the con-shim starts with the MMU off.
      unsafe UnsafeMutableRawPointer(bitPattern: UInt(range.address)).unsafelyUnwrapped.copyMemory(
        from: UnsafeRawPointer(bitPattern: UInt(MONITOR_IMAGE)).unsafelyUnwrapped, byteCount: Int(size))
      unsafe monitor_zero(UInt(range.address + size), UInt(range.byteCount - size))
      unsafe monitor_clean(UInt(range.address), UInt(range.byteCount))
      forget_instructions_everywhere()
    }
  }

  mutating func forgetTranslations(slot: Int) { forget_translations_everywhere() }

  /// Does something to memory that the host, whose view this CPU has, does not reach.
  private func withEverything(_ body: () -> Void) {
    write_gptbr_el3(Tables.everything >> 12)
    forget_protection_here()
    body()
    write_gptbr_el3(Tables.host >> 12)
    forget_protection_here()
  }
}

/// The image of the mini-OS in flash.
enum MiniOSImage {
  /// Bytes; 0 if there is none that fits into a boot block with a granule to spare.
  static var size: UInt64 {
    let size = Tables.load(UInt64(MONITOR_IMAGE_SIZE_AT), 0)
    return size < UInt64(0x20_0000 - MONITOR_IMAGE) ? size : 0
  }

  static func digest() -> Digest {
    var hash = SHA256()
    // SAFETY: the image lies in flash, which is mapped up to 2 MiB.
    let bytes = unsafe UnsafePointer<UInt8>(bitPattern: UInt(MONITOR_IMAGE)).unsafelyUnwrapped
    for index in 0..<Int(size) { hash.update(unsafe bytes[index]) }
    return hash.finish()
  }
}
