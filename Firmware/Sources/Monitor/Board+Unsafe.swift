import CArch

// Devices of QEMU's "virt" machine with secure=on.

/// The PL011 UART, shared with the host: only for what the Monitor says at boot and before it stops.
enum Console {
  private static let base: UInt = 0x0900_0000

  static func setUp() {
    // SAFETY: the address is that of the UART, mapped as device memory.
    unsafe mmio_write(base + 0x30, 0x301)
  }

  static func write(_ text: StaticString) {
    // SAFETY: a static string's bytes stay; `put` writes them to the UART.
    let bytes = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    for index in 0..<bytes.count { put(unsafe bytes[index]) }
  }

  static func write(_ number: UInt64) {
    write(" 0x")
    for digit in 0..<16 as Range<UInt64> {
      let value = UInt8(truncatingIfNeeded: number >> (60 - 4 * digit) & 15)
      put(value < 10 ? 48 + value : 87 + value)
    }
  }

  private static func put(_ byte: UInt8) {
    // SAFETY: registers of the UART: it is waited for as long as its queue is full.
    while unsafe mmio_read(base + 0x18) & 0x20 != 0 {}
    unsafe mmio_write(base, UInt32(byte))
  }
}

/// GICv3: everything is non-secure group 1, and so the host's; but SGI 8 to 15 are group 0 and wake parked CPUs.
enum InterruptController {
  private static let distributor: UInt = 0x0800_0000
  private static let redistributors: UInt = 0x080a_0000
  static let wakeInterrupt: UInt64 = 15

  static func setUpDistributor() {
    // SAFETY: registers of the distributor: routing by affinity, then all shared interrupts to group 1, then on.
    unsafe mmio_write(distributor, 0x30)
    for index in 1..<32 as Range<UInt> { unsafe mmio_write(distributor + 0x80 + 4 * index, ~0) }
    unsafe mmio_write(distributor, 0x37)
  }

  /// How many CPUs there are, up to MONITOR_CPUS: each has a redistributor, and the last says so.
  static func cpuCount() -> Int {
    var count = 1
    // SAFETY: GICR_TYPER of a redistributor that exists, as the one before was not the last.
    while count < Int(MONITOR_CPUS), unsafe mmio_read(redistributors + UInt(count - 1) * 0x20000 + 8) & 1 << 4 == 0 {
      count += 1
    }
    return count
  }

  static func setUpCPU(_ index: UInt) {
    let base = redistributors + index * 0x20000
    // SAFETY: registers of this CPU's redistributor: awake, private interrupts to their groups, SGI 15 on.
    unsafe mmio_write(base + 0x14, 0)
    while unsafe mmio_read(base + 0x14) & 4 != 0 {}
    unsafe mmio_write(base + 0x10080, 0xffff_00ff)
    unsafe mmio_write(base + 0x10100, 1 << 15)
    write_icc_sre_el3(0xf)
    instruction_barrier()
    write_icc_sre_el2(0xf)
    write_icc_sre_el1(0x7)
    write_icc_pmr(0xff)
    instruction_barrier()
  }

  static func wake(_ index: UInt64) { write_icc_sgi0r(wakeInterrupt << 24 | 1 << index) }

  /// Takes note of ``wake(_:)``, if there was one.
  static func acknowledge() {
    let interrupt = read_icc_iar0()
    if interrupt < 16 { write_icc_eoir0(interrupt) }
    instruction_barrier()
  }

  /// A CPU that runs the host gets the host's interrupts, and one that is parked only ``wake(_:)``: a late one
  /// must not become an interrupt of the host.
  static func setParked(_ parked: Bool) {
    write_icc_igrpen1_el3(parked ? 0 : 1)
    write_icc_igrpen0(parked ? 1 : 0)
    instruction_barrier()
  }
}

enum Board {
  /// The secure PL061: pin 0 turns the machine off, pin 1 resets it.
  private static let pins: UInt = 0x090b_0000

  static func end(pin: UInt) -> Never {
    // SAFETY: registers of the PL061: direction, and data of the one pin.
    unsafe mmio_write(pins + 0x400, 3)
    unsafe mmio_write(pins + (4 << pin), 0xff)
    stop()
  }

  static func stop() -> Never {
    while true { wait_for_interrupt() }
  }
}
