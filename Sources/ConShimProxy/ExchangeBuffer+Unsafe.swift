import CConShim
import ShimABI

/// The memory that a thread of the con-shim and its proxy share. The other side may change it at any time: each field
/// is read once, and what it says is checked on the copy.
struct ExchangeBuffer: Sendable {
  /// Where it is mapped in this process.
  let base: UInt64

  /// A field of the header, which is in bounds by its name.
  func load(_ field: Int) -> UInt64 {
    precondition(field >= 0 && field <= Exchange.size - 8)
    return cs_load(base + UInt64(field))
  }

  func store(_ field: Int, _ value: UInt64) {
    precondition(field >= 0 && field <= Exchange.size - 8)
    cs_store(base + UInt64(field), value)
  }

  /// The address of what the other side says is at an offset; nil if that is not in the data part, or not all of it.
  func address(_ offset: UInt64, count: UInt64 = 1) -> UInt64? {
    guard offset >= UInt64(Exchange.data), offset < UInt64(Exchange.size),
      count <= UInt64(Exchange.size) - offset
    else { return nil }
    return base + offset
  }

  /// A copy of words at an offset; nil if they are not in the data part.
  func words(_ offset: UInt64, _ count: Int) -> [UInt64]? {
    guard count >= 0, count <= Exchange.size / 8, let from = address(offset, count: UInt64(count) * 8) else {
      return nil
    }
    var copy = [UInt64](repeating: 0, count: count)
    // SAFETY: both sides have `count` words: the array's size, and the check above.
    unsafe copy.withUnsafeMutableBytes { unsafeCopy in
      guard let to = unsafeCopy.baseAddress else { return }
      cs_copy(UInt64(UInt(bitPattern: to)), from, UInt64(count) * 8)
    }
    return copy
  }

  /// A copy of bytes at an offset; nil if they are not in the data part.
  func bytes(_ offset: UInt64, _ count: UInt64) -> [UInt8]? {
    guard let from = address(offset, count: count) else { return nil }
    var copy = [UInt8](repeating: 0, count: Int(count))
    // SAFETY: as in `words`.
    unsafe copy.withUnsafeMutableBytes { unsafeCopy in
      guard let to = unsafeCopy.baseAddress else { return }
      cs_copy(UInt64(UInt(bitPattern: to)), from, count)
    }
    return copy
  }

  /// Writes bytes at an offset, if they fit into the data part.
  func write(_ bytes: [UInt8], at offset: UInt64) -> Bool {
    guard let to = address(offset, count: UInt64(bytes.count)) else { return false }
    // SAFETY: the bounds were checked above, and the array lives for the copy.
    unsafe bytes.withUnsafeBytes { unsafeBytes in
      guard let from = unsafeBytes.baseAddress else { return }
      cs_copy(to, UInt64(UInt(bitPattern: from)), UInt64(bytes.count))
    }
    return true
  }
}

/// Memory of the proxy for what it must not read twice: the structures with pointers in them.
struct PrivateMemory {
  static let vectorLimit: UInt64 = 1024
  static let controlLimit: UInt64 = 8192
  private static let size: UInt64 = 64 + 16 * vectorLimit + controlLimit
  /// A msghdr, or the last argument of pselect6.
  let header: UInt64
  let vectors: UInt64
  let control: UInt64

  init() {
    // SAFETY: it stays until its thread ends, so that addresses in it are valid; 64 bytes hold the largest header.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: Int(Self.size), alignment: 16)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: Int(Self.size))
    header = UInt64(UInt(bitPattern: memory))
    vectors = header + 64
    control = vectors + 16 * Self.vectorLimit
  }

  /// Its thread ends.
  func free() {
    // SAFETY: it was allocated by `init`, and no call is made with it any more.
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(header))?.deallocate()
  }
}
