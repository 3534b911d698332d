import ShimABI

/// What the kernel needs of the machine. The real one is in Firmware/Sources/MiniOS; the tests have one whose memory
/// is an array and whose host is a script.
public protocol Platform {
  /// The linear map of RAM.
  var memory: Memory { get }

  func zeroPage(_ page: UInt64)
  func copyPage(_ page: UInt64, to target: UInt64)
  /// Replaces a word at an address that is aligned to 8 bytes, at once, if it still is what it was. What was
  /// written before is seen by who sees the new one.
  func replace(_ old: UInt64, by new: UInt64, at address: UInt64) -> Bool
  /// What was stored before is seen before what is loaded after it.
  func fence()
  /// Takes the signals that the host put into an exchange buffer (at the address): reads and clears at once.
  func takeSignals(_ address: UInt64) -> UInt64
  /// Leaves to the host, with the exchange buffer written; returns when the thread is continued.
  func exit(_ reason: ExitReason, _ detail: UInt64, _ detail2: UInt64)
  /// Leaves for good, and sets the word to 0 when nothing of the thread's stack is needed any more.
  func end(_ detail: UInt64, state: Ref<UInt64>)
  /// Claims granules for this con-shim. False if the Monitor says that they are not its own, or claimed already.
  func claim(_ address: UInt64, _ count: UInt64) -> Bool
  /// Gives granules up; they are not touched any more.
  func release(_ address: UInt64, _ count: UInt64) -> Bool
  /// Makes a thread that starts on the kernel stack that ends at an address. Nil if there are no more.
  func createThread(stack: UInt64) -> UInt64?
  /// Whether a thread will not be continued by the host, and is no more.
  func reapThread(_ thread: UInt64) -> Bool
  /// 32 bytes that nobody can guess.
  func entropy() -> (UInt64, UInt64, UInt64, UInt64)
  /// Extends the measurement of this con-shim by a digest.
  func extend(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64)
  /// Goes on with SHA-256: eight words at `state`, and blocks of 64 bytes.
  func hash(_ state: UInt64, _ data: UInt64, blocks: UInt64)
  /// The counter that never stops, and how often it counts in a second.
  func counter() -> UInt64
  var frequency: UInt64 { get }

  /// The tables that programs see from now on, at a physical address.
  func switchSpace(root: UInt64, asid: UInt64)
  /// Forgets what the address translates to, on all CPUs. The new entry was written before.
  func invalidate(_ address: UInt64, asid: UInt64)
  func invalidateAll(asid: UInt64)
  /// A new entry is seen by table walks from now on. Needed after an invalid entry became valid.
  func publish()
  /// Instructions were written to a page.
  func synchronizeCode(_ page: UInt64)

  /// The thread pointer of programs (TPIDR_EL0).
  var threadPointer: UInt64 { get nonmutating set }
  /// Saves the floating-point state: 32 registers of 16 bytes, then FPSR and FPCR (32 bits each).
  func saveFloats(_ address: UInt64)
  func loadFloats(_ address: UInt64)
}
