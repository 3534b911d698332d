import GranuleLedger

/// The host's device tree (Devicetree Specification 0.4, chapter 5), which QEMU loaded into RAM.
enum DeviceTree {
  static let address: UInt64 = 0x4a00_0000
  /// Bytes at the start of RAM that the host does not get, so that it can map what follows in blocks.
  static let reserved: UInt64 = 0x20_0000

  /// Moves the start of the memory node up by ``reserved``.
  /// - Returns: bytes of RAM with what is reserved, at most 4 GiB; nil without a memory node that starts where RAM
  ///   does.
  static func reserveStart() -> UInt64? {
    guard word(0) == 0xd00d_feed else { return nil }
    let end = min(word(4), 0x20_0000)
    let strings = word(12)
    var offset = word(8)
    var depth = 0
    var isMemory = false
    while offset + 12 < end {
      switch word(offset) {
      case 1:  // a node begins: its name, padded
        depth += 1
        isMemory = depth == 2 && word(offset + 4) == 0x6d65_6d6f && word(offset + 8) == 0x7279_4034  // memory@4
        offset += 4
        while word(offset) & 0xff != 0 { offset += 4 }
        offset += 4
      case 2:
        depth -= 1
        offset += 4
      case 3:  // a property: length, offset of its name, value
        let length = word(offset + 4)
        let isReg = byteWord(strings &+ word(offset + 8)) == 0x7265_6700
        if isMemory, isReg, length == 16, word(offset + 12) == 0, UInt64(word(offset + 16)) == GranuleRange.start {
          let size = UInt64(word(offset + 20)) << 32 | UInt64(word(offset + 24))
          guard size > reserved else { return nil }
          let rest = size - reserved
          set(offset + 16, UInt32(GranuleRange.start + reserved))
          set(offset + 20, UInt32(rest >> 32))
          set(offset + 24, UInt32(truncatingIfNeeded: rest))
          return min(size, 4 << 30)
        }
        guard length < end else { return nil }
        offset += 12 + (length + 3) & ~3
      case 4: offset += 4
      default: return nil
      }
    }
    return nil
  }

  private static func byteWord(_ offset: UInt32) -> UInt32 {
    let first = offset & ~3
    let shift = offset & 3 * 8
    return shift == 0 ? word(first) : word(first) << shift | word(first + 4) >> (32 - shift)
  }

  private static func word(_ offset: UInt32) -> UInt32 {
    // SAFETY: RAM is larger than the address and 4 GiB is mapped: what is read may be nonsense, but can be read.
    unsafe UnsafePointer<UInt32>(bitPattern: UInt(address) + UInt(offset & 0xff_fffc)).unsafelyUnwrapped.pointee
      .byteSwapped
  }

  private static func set(_ offset: UInt32, _ value: UInt32) {
    // SAFETY: as above; and the host, whose memory this is, does not run yet.
    unsafe UnsafeMutablePointer<UInt32>(bitPattern: UInt(address) + UInt(offset)).unsafelyUnwrapped.pointee =
      value.byteSwapped
  }
}
