// The only file of the kernel that follows pointers. Everything else names memory by physical address.

/// Physical memory as the kernel reaches it: address `a` is at `base + a`.
///
/// What is handed in are addresses in granules that the mini-OS claimed, in its boot block or in exchange buffers;
/// `start` and `end` bound them, and debug builds check that.
public struct Memory {
  /// What is added to a physical address.
  public let base: UInt
  public let start: UInt64
  public let end: UInt64

  public init(base: UInt, start: UInt64, end: UInt64) {
    self.base = base
    self.start = start
    self.end = end
  }

  // SAFETY: only this type's methods follow what it answers.
  @inline(__always)
  func raw(_ address: UInt64, _ count: UInt64) -> UnsafeMutableRawPointer {
    assert(address >= start && address <= end && count <= end - address)
    // SAFETY: the address is in memory of the mini-OS (see the type's comment), which the linear map covers.
    return unsafe UnsafeMutableRawPointer(bitPattern: base &+ UInt(address)).unsafelyUnwrapped
  }

  /// A value of a trivial type, at an address that is aligned for it.
  @inline(__always)
  public func load<T: BitwiseCopyable>(_ address: UInt64, as type: T.Type = T.self) -> T {
    // SAFETY: `raw` says why the memory exists; every pattern of bits is a value of the integers read here.
    unsafe raw(address, UInt64(MemoryLayout<T>.size)).load(as: type)
  }

  @inline(__always)
  public func store<T: BitwiseCopyable>(_ value: T, at address: UInt64) {
    // SAFETY: as for `load`.
    unsafe raw(address, UInt64(MemoryLayout<T>.size)).storeBytes(of: value, as: T.self)
  }

  /// Copies bytes; the ranges don't overlap.
  @inline(__always)
  public func copy(from source: UInt64, to target: UInt64, count: UInt64) {
    // SAFETY: as for `load`, for `count` bytes of both.
    unsafe raw(target, count).copyMemory(from: raw(source, count), byteCount: Int(count))
  }

  /// Moves bytes; the ranges may overlap.
  public func move(from source: UInt64, to target: UInt64, count: UInt64) {
    if target <= source {
      var at: UInt64 = 0
      while at < count {
        store(load(source + at, as: UInt64.self), at: target + at)
        at += 8
      }
    } else {
      var at = count
      while at > 0 {
        at -= 8
        store(load(source + at, as: UInt64.self), at: target + at)
      }
    }
  }

  /// Sets bytes to zero.
  @inline(__always)
  public func zero(_ address: UInt64, count: UInt64) {
    // SAFETY: as for `load`, for `count` bytes.
    unsafe raw(address, count).initializeMemory(as: UInt8.self, repeating: 0, count: Int(count))
  }

  /// The structure at an address.
  @inline(__always)
  public func reference<T: BitwiseCopyable>(_ address: UInt64, to type: T.Type = T.self) -> Ref<T> {
    // SAFETY: as for `load`; who asks for a reference wrote the structure there, or zeros.
    unsafe Ref(pointer: raw(address, UInt64(MemoryLayout<T>.size)).assumingMemoryBound(to: type))
  }

  /// Where the kernel sees a physical address.
  public func virtual(_ address: UInt64) -> UInt64 { UInt64(base) &+ address }

  /// The physical address of a structure.
  @inline(__always)
  func address<T: BitwiseCopyable>(of reference: Ref<T>) -> UInt64 {
    // SAFETY: only the pointer's number is used.
    UInt64(unsafe UInt(bitPattern: reference.pointer) &- base)
  }
}

/// A structure of the kernel in a granule. It lives until the kernel frees the granule.
@safe
public struct Ref<T: BitwiseCopyable>: Equatable {
  // SAFETY: made by `Memory.reference` or from what was made there, so it points at a live, aligned structure.
  public let pointer: UnsafeMutablePointer<T>

  // SAFETY: the caller has a pointer to a live structure.
  @inline(__always)
  public init(pointer: UnsafeMutablePointer<T>) {
    // SAFETY: stored, not followed.
    unsafe self.pointer = unsafe pointer
  }

  /// The structure itself.
  @inline(__always)
  public var value: T {
    // SAFETY: the structure is live, and one thread at a time changes it: its own, or the holder of the lock.
    unsafeAddress { unsafe UnsafePointer(pointer) }
    // SAFETY: as above.
    nonmutating unsafeMutableAddress { unsafe pointer }
  }

  @inline(__always)
  public static func == (left: Ref<T>, right: Ref<T>) -> Bool {
    // SAFETY: only the pointers' numbers are compared.
    unsafe left.pointer == right.pointer
  }
}
