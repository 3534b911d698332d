import GranuleLedger

/// The host's device tree (Devicetree Specification 0.4, chapter 5), which QEMU loaded into RAM.
enum DeviceTree {
  static let address: UInt64 = 0x4a00_0000
  /// Bytes at the start of RAM that the host does not get, so that it can map what follows in blocks.
  static let reserved: UInt64 = 0x20_0000

  /// Moves the start of RAM up by ``reserved``, in the one property (token 3, length, name, value) that has 64-bit
  /// address and size of something there.
  /// - Returns: bytes of RAM with what is reserved, at most 4 GiB; nil without such a property.
  static func reserveStart() -> UInt64? {
    guard word(0) == 0xd00d_feed else { return nil }
    for at in stride(from: word(8) & ~3, to: min(word(4), 0x20_0000), by: 4) {
      guard word(at) == 3, word(at + 4) == 16, word(at + 12) == 0, word(at + 16) == GranuleRange.start else { continue }
      let size = UInt64(word(at + 20)) << 32 | UInt64(word(at + 24))
      guard size > reserved else { return nil }
      set(at + 16, GranuleRange.start + reserved)
      set(at + 20, (size - reserved) >> 32)
      set(at + 24, size - reserved)
      return min(size, 4 << 30)
    }
    return nil
  }

  private static func word(_ offset: UInt32) -> UInt32 {
    // SAFETY: RAM is larger than the address and 4 GiB is mapped: what is read may be nonsense, but can be read.
    unsafe UnsafePointer<UInt32>(bitPattern: UInt(address) + UInt(offset & 0xff_fffc)).unsafelyUnwrapped.pointee
      .byteSwapped
  }

  private static func set(_ offset: UInt32, _ value: UInt64) {
    // SAFETY: as above; and the host, whose memory this is, does not run yet.
    unsafe UnsafeMutablePointer<UInt32>(bitPattern: UInt(address) + UInt(offset)).unsafelyUnwrapped.pointee =
      UInt32(truncatingIfNeeded: value).byteSwapped
  }
}
