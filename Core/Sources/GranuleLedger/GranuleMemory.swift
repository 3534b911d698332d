/// Whose granule protection table.
public enum View: Equatable, Sendable {
  case host
  /// The con-shim in this slot.
  case shim(Int)
}

/// The machine as the ledger sees it: where it keeps its entries, and what has to follow their changes. The
/// Monitor implements it with granule protection tables, the tests with arrays.
public protocol GranuleMemory {
  /// Granules of RAM.
  var count: Int { get }

  /// The entry of the granule, below ``count``.
  subscript(index: Int) -> Granule { get set }

  /// Con-shims that can exist at once, and their records.
  var shimCount: Int { get }
  subscript(shim slot: Int) -> ShimRecord { get set }

  /// Contexts of threads, more than ``shimCount``, and their records.
  var threadCount: Int { get }
  subscript(thread context: Int) -> ThreadRecord { get set }

  /// Writes into a table whether a view reaches the granules. CPUs may go on to use the old entries until
  /// ``invalidate(_:)``.
  mutating func setReachable(_ reachable: Bool, _ range: GranuleRange, in view: View)

  /// Returns when no CPU uses older table entries of the granules.
  mutating func invalidate(_ range: GranuleRange)

  /// Overwrites the granules, which no view reaches, with zeros.
  mutating func scrub(_ range: GranuleRange)

  /// Writes the mini-OS to the start of the granules, which no view reaches, and zeros to the rest.
  mutating func loadImage(_ range: GranuleRange)

  /// Makes the CPUs forget the translations of the con-shim in `slot`.
  mutating func forgetTranslations(slot: Int)
}
