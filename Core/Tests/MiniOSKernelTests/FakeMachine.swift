import GranuleLedger
import ShimABI

@testable import MiniOSKernel

/// A machine whose RAM is an array and whose host is a closure.
@safe
final class FakeMachine: Platform {
  static let ram: UInt64 = 0x4000_0000
  static let size = 64 << 20
  static let exchange: UInt64 = ram + 0x10_0000
  /// Pages from here on are granted.
  static let firstGrant: UInt64 = ram + 0x40_0000

  private let arena: UnsafeMutableRawPointer
  /// Answers a forwarded call: the result.
  var onForward: (FakeMachine) -> Int64 = { _ in -38 }
  /// What happens while a thread waits, one after the other; time passes when there is nothing left.
  var whileBlocked: [() -> Void] = []
  /// What the threads do that were woken, before who woke them goes on.
  var whileWaking: (() -> Void)?
  /// Threads that were woken, and those that the host does not know.
  var woken: [UInt64] = []
  var gone: Set<UInt64> = []
  /// Calls that were forwarded.
  var forwarded: [UInt64] = []
  var nextGrant = FakeMachine.firstGrant
  var claimed: Set<UInt64> = []
  /// Whether the host looks for memory that the con-shim does not have.
  var skipsClaimed = false
  /// Address and count of what the host got back.
  var givenBack: [(UInt64, UInt64)] = []
  var threads: UInt64 = 0
  var endedWith: UInt64?
  /// How many more grants there are.
  var grantsLeft = 1000
  var ticks: UInt64 = 1_000_000_000
  var threadPointer: UInt64 = 0

  init() {
    unsafe arena = UnsafeMutableRawPointer.allocate(byteCount: Self.size, alignment: 4096)
    unsafe arena.initializeMemory(as: UInt8.self, repeating: 0xa5, count: Self.size)
    for offset in stride(from: 0, to: UInt64(131072), by: 8) { memory.store(UInt64(0), at: Self.exchange + offset) }
  }

  deinit { unsafe arena.deallocate() }

  var memory: Memory {
    Memory(
      base: unsafe UInt(bitPattern: arena) &- UInt(Self.ram), start: Self.ram, end: Self.ram + UInt64(Self.size))
  }

  /// A kernel with a task that has an empty memory map.
  func boot() throws -> Kernel<FakeMachine> {
    let kernel = Kernel.boot(
      self, pages: Self.ram + 0x20_0000, count: 64, kernelRoot: Self.ram + 0x1000, exchange: Self.exchange,
      stackTop: 0, stackPage: Self.ram + 0x2000, empty: Self.ram + 0x3000)
    memory.zero(Self.ram + 0x1000, count: 4096)
    memory.zero(Self.ram + 0x3000, count: 4096)
    kernel.frame.value = TrapFrame(
      x: InlineArray(repeating: 0), sp: 0, pc: 0x1000, pstate: 0, firstArgument: 0, unused: 0)
    let space = try kernel.makeSpace(asid: 1)
    space.value.mapTop = 0x7000_0000_0000
    space.value.heapStart = 0x10_0000_0000
    space.value.heapEnd = 0x10_0000_0000
    kernel.process.value.space = memory.address(of: space)
    return kernel
  }

  func header(_ offset: Int) -> UInt64 { memory.load(Self.exchange + UInt64(offset)) }
  func argument(_ index: Int) -> UInt64 { header(Exchange.arguments + index * 8) }
  /// Where an argument that is an offset points to.
  func pointer(_ index: Int) -> UInt64 { Self.exchange + argument(index) }
  func bytes(_ address: UInt64, _ count: Int) -> [UInt8] {
    (0..<UInt64(count)).map { memory.load(address + $0) }
  }
  func string(_ address: UInt64) -> String {
    var bytes: [UInt8] = []
    while true {
      let byte: UInt8 = memory.load(address + UInt64(bytes.count))
      if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }
  func write(_ bytes: [UInt8], at address: UInt64) {
    for (index, byte) in bytes.enumerated() { memory.store(byte, at: address + UInt64(index)) }
  }

  func exit(_ reason: ExitReason, _ detail: UInt64, _ detail2: UInt64) {
    switch reason {
    case .forward:
      forwarded.append(header(Exchange.call))
      let result = onForward(self)
      memory.store(result, at: Self.exchange + UInt64(Exchange.result))
    case .memory where detail == 0:
      for index in 0..<Int(header(Exchange.grantCount)) {
        givenBack.append((header(Exchange.grants + index * 16), header(Exchange.grants + index * 16 + 8)))
      }
    case .memory:
      guard grantsLeft > 0 else {
        memory.store(UInt64(0), at: Self.exchange + UInt64(Exchange.grantCount))
        return
      }
      grantsLeft -= 1
      while skipsClaimed, (0..<128).contains(where: { claimed.contains(nextGrant + $0 * 4096) }) {
        nextGrant += 128 * 4096
      }
      memory.store(UInt64(1), at: Self.exchange + UInt64(Exchange.grantCount))
      memory.store(nextGrant, at: Self.exchange + UInt64(Exchange.grants))
      memory.store(UInt64(128), at: Self.exchange + UInt64(Exchange.grants) + 8)
      nextGrant += 128 * 4096
    case .block:
      if !whileBlocked.isEmpty { return whileBlocked.removeFirst()() }
      precondition(detail < 1 << 40, "a thread waits for ever")
      ticks += detail
    case .wake:
      defer { whileWaking?() }
      for index in 0..<detail {
        let place = Self.exchange + UInt64(Exchange.grants) + index * 8
        let thread: UInt64 = memory.load(place)
        if !gone.contains(thread) { woken.append(thread) }
        memory.store(UInt64(gone.contains(thread) ? 0 : 1), at: place)
      }
    default: break
    }
  }

  func claim(_ address: UInt64, _ count: UInt64) -> Bool {
    guard address >= Self.firstGrant else { return false }
    for index in 0..<count where claimed.contains(address + index * 4096) { return false }
    for index in 0..<count { claimed.insert(address + index * 4096) }
    return true
  }

  func release(_ address: UInt64, _ count: UInt64) -> Bool {
    for index in 0..<count where !claimed.contains(address + index * 4096) { return false }
    for index in 0..<count {
      claimed.remove(address + index * 4096)
      // Whoever reads this has read what is not the con-shim's any more.
      for word in 0..<UInt64(512) {
        memory.store(UInt64(0xdead_dead_dead_dead), at: address + index * 4096 + word * 8)
      }
    }
    return true
  }

  func end(_ detail: UInt64, state: Ref<UInt64>) {
    endedWith = detail
    state.value = 0
  }
  func createThread(stack: UInt64) -> UInt64? {
    threads += 1
    return threads
  }
  /// Threads that the host does not continue.
  var killed: Set<UInt64> = []
  func reapThread(_ thread: UInt64) -> Bool { killed.remove(thread) != nil }
  func zeroPage(_ page: UInt64) { memory.zero(page, count: 4096) }
  func copyPage(_ page: UInt64, to target: UInt64) { memory.copy(from: page, to: target, count: 4096) }
  func replace(_ old: UInt64, by new: UInt64, at address: UInt64) -> Bool {
    guard memory.load(address, as: UInt64.self) == old else { return false }
    memory.store(new, at: address)
    return true
  }
  func fence() {}
  func takeSignals(_ address: UInt64) -> UInt64 {
    let value: UInt64 = memory.load(address)
    memory.store(UInt64(0), at: address)
    return value
  }
  func entropy() -> (UInt64, UInt64, UInt64, UInt64) { (1, 2, 3, 4) }
  /// What the measurement was extended by.
  var measured: [Digest] = []
  func extend(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { measured.append(Digest(a, b, c, d)) }
  func hash(_ state: UInt64, _ data: UInt64, blocks: UInt64) {
    var hash = SHA256(state: memory.load(state))
    for offset in 0..<blocks * 64 { hash.update(memory.load(data + offset, as: UInt8.self)) }
    memory.store(hash.state, at: state)
  }
  func counter() -> UInt64 {
    ticks += 1000
    return ticks
  }
  var frequency: UInt64 { 1_000_000_000 }
  func switchSpace(root: UInt64, asid: UInt64) {}
  func invalidate(_ address: UInt64, asid: UInt64) {}
  func invalidateAll(asid: UInt64) {}
  func publish() {}
  func synchronizeCode(_ page: UInt64) {}
  func saveFloats(_ address: UInt64) {
    for index in 0..<UInt64(520) { memory.store(UInt8(truncatingIfNeeded: index &* 7), at: address + index) }
  }
  var loadedFloats: [UInt8] = []
  func loadFloats(_ address: UInt64) { loadedFloats = bytes(address, 520) }
}

extension Kernel where P == FakeMachine {
  /// A call as a program makes it; the result as it finds it in x0.
  @discardableResult
  func call(_ number: UInt64, _ arguments: UInt64...) -> Int64 {
    frame.value.x[8] = number
    for index in 0..<6 { frame.value.x[index] = index < arguments.count ? arguments[index] : 0 }
    systemCall()
    return Int64(bitPattern: frame.value.x[0])
  }

  /// Fresh memory for a program.
  func memory(pages: UInt64) -> UInt64 {
    UInt64(bitPattern: call(222, 0, pages * 4096, 3, 0x22, UInt64.max, 0))
  }

  func write(_ bytes: [UInt8], to address: UInt64) throws {
    for (index, byte) in bytes.enumerated() { try put(byte, at: address + UInt64(index)) }
  }

  func read(_ address: UInt64, _ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for index in 0..<UInt64(count) { bytes.append(try get(address + index, as: UInt8.self)) }
    return bytes
  }
}

/// A generator that gives the same numbers in every run.
struct Numbers: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var value = state
    value ^= value >> 33
    value = value &* 0xff51_afd7_ed55_8ccd
    return value ^ value >> 33
  }
}
