import ShimABI

/// Who may use a granule. docs/cca.md, "A granule's life".
public enum GranuleState: UInt8, CaseIterable, Sendable {
  /// The host's. All of RAM starts like this.
  case host = 0
  /// Given to a con-shim, which does not use it yet. Nobody reaches it.
  case delegated = 1
  /// Used by a con-shim, and reached by it alone.
  case claimed = 2
  /// No longer used by its con-shim, and not scrubbed yet. Nobody reaches it.
  case released = 3
  /// Part of an exchange buffer: the host and one con-shim reach it.
  case exchange = 4
  /// Kept by the Monitor for tables of the host; changes no more.
  case reserved = 5
}

/// The ledger's entry of a granule: its state, and the slot of the con-shim that it belongs to.
public struct Granule: Equatable, Sendable {
  /// State in bits 2…0, slot in bits 7…3. 0 is a granule of the host.
  public var rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// An entry of the con-shim in `slot` (below 32), or of the host with slot 0.
  public init(_ state: GranuleState, slot: Int = 0) {
    rawValue = state.rawValue | UInt8(truncatingIfNeeded: slot) << 3
  }

  public var state: GranuleState { GranuleState(rawValue: rawValue & 7) ?? .reserved }
  public var slot: Int { Int(rawValue >> 3) }
}

/// Granules that lie next to each other, all of them RAM; counted from the start of RAM.
public struct GranuleRange: Equatable, Sendable {
  public let first: Int
  public let count: Int
  public var end: Int { first + count }

  /// No check: for ranges that are known to be RAM.
  init(first: Int, count: Int) {
    self.first = first
    self.count = count
  }

  /// - Parameters:
  ///   - address: physical, in bytes.
  ///   - count: in granules, from 1 to ``ShimABI/rangeLimit``.
  ///   - alignment: of the address, in granules, a power of two.
  ///   - granules: of RAM, which starts at ``start``.
  /// - Throws: `invalid` if there is anything but RAM in the range, or it is not aligned.
  public init(address: UInt64, count: UInt64, alignment: UInt64 = 1, granules: Int) throws(ShimError) {
    guard count >= 1, count <= ShimABI.rangeLimit, address >= Self.start else { throw .invalid }
    let offset = address - Self.start
    guard offset % (ShimABI.granuleSize * alignment) == 0 else { throw .invalid }
    let index = offset / ShimABI.granuleSize
    // index is at most 2^52 and count 512: no overflow.
    guard index + count <= UInt64(granules) else { throw .invalid }
    self.init(first: Int(index), count: Int(count))
  }

  /// Physical address of RAM.
  public static let start: UInt64 = 0x4000_0000

  public var address: UInt64 { Self.start + UInt64(first) * ShimABI.granuleSize }
  public var byteCount: UInt64 { UInt64(count) * ShimABI.granuleSize }
}
