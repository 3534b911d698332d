import CArch
import GranuleLedger
import MiniOSKernel
import ShimABI

/// The machine as the mini-OS sees it: RAM in the linear map, the Monitor behind SMC.
struct Machine: Platform {
  static let linear: UInt = 0xffff_ff80_0000_0000

  @inline(__always)
  var memory: Memory {
    // SAFETY: written once, before the first use.
    unsafe Memory(base: Self.linear, start: 0x4000_0000, end: ramEnd)
  }

  @inline(__always)
  private func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
    // SAFETY: the linear map covers RAM, and the kernel names granules of its own only.
    unsafe UnsafeMutableRawPointer(bitPattern: Self.linear &+ UInt(address)).unsafelyUnwrapped
  }

  @inline(__always)
  func replace(_ old: UInt64, by new: UInt64, at address: UInt64) -> Bool {
    // SAFETY: the address is of a word of the kernel's, aligned to 8 bytes.
    unsafe minios_replace(pointer(address).assumingMemoryBound(to: UInt64.self), old, new)
  }

  @inline(__always)
  func fence() { minios_fence() }

  func takeSignals(_ address: UInt64) -> UInt64 {
    // SAFETY: the address is in the exchange buffer, aligned to 8 bytes.
    unsafe minios_take(pointer(address).assumingMemoryBound(to: UInt64.self))
  }

  @inline(__always)
  func exit(_ reason: ExitReason, _ detail: UInt64, _ detail2: UInt64) {
    _ = minios_call(ShimCall.exit.rawValue, reason.rawValue, detail, detail2)
  }

  func end(_ detail: UInt64, state: Ref<UInt64>) {
    // SAFETY: the word is live; the kernel frees no task.
    unsafe minios_end_thread(detail, state.pointer)
  }

  func claim(_ address: UInt64, _ count: UInt64) -> Bool {
    minios_call(ShimCall.claim.rawValue, address, count, 0).error == ShimError.none.rawValue
  }

  func release(_ address: UInt64, _ count: UInt64) -> Bool {
    minios_call(ShimCall.release.rawValue, address, count, 0).error == ShimError.none.rawValue
  }

  func createThread(stack: UInt64) -> UInt64? {
    let answer = minios_call(ShimCall.threadCreate.rawValue, minios_thread_start(), stack, 0)
    return answer.error == ShimError.none.rawValue ? answer.values.0 : nil
  }

  func reapThread(_ thread: UInt64) -> Bool {
    let error = minios_call(ShimCall.threadReap.rawValue, thread, 0, 0).error
    return error == ShimError.none.rawValue || error == ShimError.noSuchShim.rawValue
  }

  func entropy() -> (UInt64, UInt64, UInt64, UInt64) {
    minios_call(ShimCall.entropy.rawValue, 0, 0, 0).values
  }

  func extend(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { minios_extend(a, b, c, d) }

  func hash(_ state: UInt64, _ data: UInt64, blocks: UInt64) {
    if blocks == 0 { return }
    if minios_can_hash() {
      // SAFETY: the kernel has eight words and the blocks there.
      unsafe minios_hash(pointer(state), pointer(data), blocks)
      return
    }
    var hash = SHA256(state: memory.load(state))
    for offset in 0..<blocks * 64 { hash.update(memory.load(data + offset, as: UInt8.self)) }
    memory.store(hash.state, at: state)
  }

  func counter() -> UInt64 { minios_counter() }
  var frequency: UInt64 { minios_frequency() }

  func switchSpace(root: UInt64, asid: UInt64) { minios_switch(root, asid) }
  func invalidate(_ address: UInt64, asid: UInt64) { minios_invalidate(address, asid) }
  func invalidateAll(asid: UInt64) { minios_invalidate_all(asid) }
  @inline(__always)
  func publish() { minios_publish() }
  func synchronizeCode(_ page: UInt64) {
    minios_synchronize_code(page == 0 ? 0 : UInt64(Self.linear) &+ page)
  }

  var threadPointer: UInt64 {
    get { minios_thread_pointer() }
    nonmutating set { minios_set_thread_pointer(newValue) }
  }

  func saveFloats(_ address: UInt64) {
    // SAFETY: the kernel has 520 bytes there.
    unsafe minios_save_floats(pointer(address))
  }

  func loadFloats(_ address: UInt64) {
    // SAFETY: as for `saveFloats`.
    unsafe minios_load_floats(pointer(address))
  }

  func zeroPage(_ page: UInt64) {
    // SAFETY: the page is the kernel's, and nobody uses it now.
    unsafe minios_zero_page(pointer(page))
  }

  func copyPage(_ page: UInt64, to target: UInt64) {
    // SAFETY: as for `zeroPage`, and the pages differ.
    unsafe minios_copy_page(pointer(page), pointer(target))
  }
}

/// The end of RAM, set once at boot.
// SAFETY: written by thread 0 before there is another.
nonisolated(unsafe) var ramEnd: UInt64 = 0

/// The kernel for the thread whose task assembly found on the stack.
@inline(__always)
private func kernel(_ task: UnsafeMutableRawPointer) -> Kernel<Machine> {
  // SAFETY: the kernel wrote the address of a live task to the head of the stack.
  unsafe Kernel(
    platform: Machine(), task: Ref(pointer: task.assumingMemoryBound(to: TaskData.self)))
}

@c(minios_system_call)
public func systemCall(_ task: UnsafeMutableRawPointer) {
  // SAFETY: see `kernel`.
  unsafe kernel(task).systemCall()
}

@c(minios_exception)
public func exception(_ task: UnsafeMutableRawPointer, _ syndrome: UInt64, _ address: UInt64) {
  // SAFETY: see `kernel`.
  unsafe kernel(task).exception(syndrome: syndrome, address: address)
}

@c(minios_interrupted)
public func interrupted(_ task: UnsafeMutableRawPointer) {
  // SAFETY: see `kernel`.
  unsafe kernel(task).interrupted()
}

@c(minios_start_child)
public func startChild(_ task: UnsafeMutableRawPointer, _ exchange: UInt64) {
  // SAFETY: see `kernel`.
  unsafe kernel(task).startChild(exchange: exchange)
}

/// Thread 0: see Entry.S for what is where.
@c(minios_boot)
public func boot(
  _ pages: UInt64, _ kernelRoot: UInt64, _ exchange: UInt64, _ stackTop: UInt64, _ stackPage: UInt64,
  _ blockEnd: UInt64, _ ramSize: UInt64, _ empty: UInt64
) {
  // SAFETY: no other thread runs yet.
  unsafe ramEnd = 0x4000_0000 + ramSize
  Kernel.boot(
    Machine(), pages: pages, count: (blockEnd - pages) / 4096, kernelRoot: kernelRoot, exchange: exchange,
    stackTop: stackTop, stackPage: stackPage, empty: empty
  ).start()
}

@main
struct MiniOS {
  /// Never called: the image starts at `minios_entry`.
  static func main() {}
}
