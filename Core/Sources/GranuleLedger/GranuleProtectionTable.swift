// Encodings of granule protection tables: Arm ARM (DDI 0487), chapter D9, "GPT entries".

/// Who reaches a granule: a GPI, 4 bits.
public enum GranuleProtection: UInt64, CaseIterable, Sendable {
  case none = 0
  case nonSecure = 9
  case root = 10
  case any = 15
}

/// Level 0 has an entry per GiB; level 1 has 4 bits per granule of 4 KiB, 16 granules to a word.
public enum GranuleProtectionTable {
  /// Entries of level 0 for physical addresses of 40 bits.
  public static let level0Count = 1024
  public static let granulesPerWord = 16

  /// A level 0 entry that says the same of a whole GiB.
  public static func block(_ protection: GranuleProtection) -> UInt64 { protection.rawValue << 4 | 1 }

  /// A level 0 entry for the level 1 table at a physical address, which is a multiple of 128 KiB.
  public static func table(_ address: UInt64) -> UInt64 { address | 3 }

  /// A word of level 1 that says the same of all of its granules.
  public static func word(_ protection: GranuleProtection) -> UInt64 {
    protection.rawValue &* 0x1111_1111_1111_1111
  }

  /// The word with the fields of granules `first` ..< `end` (0 to 16, at least one) set to `protection`.
  public static func set(
    _ word: UInt64, first: Int, end: Int, _ protection: GranuleProtection
  ) -> UInt64 {
    let above = end >= granulesPerWord ? 0 : ~UInt64(0) << UInt64(end * 4)
    let mask = ~UInt64(0) << UInt64(first * 4) & ~above
    return word & ~mask | Self.word(protection) & mask
  }
}
