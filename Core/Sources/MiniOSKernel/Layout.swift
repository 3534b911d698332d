// Addresses and sizes that the kernel's parts agree on.

enum Layout {
  static let page: UInt64 = 4096
  /// RAM begins here, and the kernel counts pages for 4 GiB of it.
  static let ram: UInt64 = 0x4000_0000
  /// The end of what programs can map: 47 of 48 bits, so that no sum of addresses overflows.
  static let userEnd: UInt64 = 0x8000_0000_0000
  /// Below is never mapped, so that null pointers fault.
  static let userStart: UInt64 = 0x1_0000
  /// The page with the code that returns from signal handlers.
  static let trampoline: UInt64 = userEnd - 0x1_0000
  static let stackSize: UInt64 = 8 << 20
  /// Kernel stacks: slots of 32 KiB, of which the upper 16 KiB are mapped and the rest stops an overflow.
  static let kernelStacks: UInt64 = 0xffff_ffd0_0000_0000
  static let kernelStackSlot: UInt64 = 32768
  static let kernelStackPages: UInt64 = 4
  /// Threads of one con-shim.
  static let slots = 512

  static func down(_ address: UInt64) -> UInt64 { address & ~(page - 1) }
  /// Rounded up to pages; saturates at the last page instead of wrapping around.
  static func up(_ address: UInt64) -> UInt64 {
    address > UInt64.max - page ? ~(page - 1) : (address + page - 1) & ~(page - 1)
  }
}
