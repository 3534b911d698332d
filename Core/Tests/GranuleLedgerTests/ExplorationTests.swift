import ShimABI
import Testing

@testable import GranuleLedger

/// A call of the host or a con-shim. Ranges are counted in granules; con-shims by slot, with the handle that the slot
/// had last.
enum Step: Sendable {
  case create(block: Int)
  case destroy(Int)
  case end(Int)
  case delegate(Int, Int, Int)
  case undelegate(Int, Int, Int)
  case map(Int, thread: UInt64, Int)
  case unmap(Int, thread: UInt64)
  case start(Int, thread: UInt64)
  case stop(Int, context: Int, ExitReason)
  case claim(Int, Int, Int)
  case release(Int, Int, Int)
  case thread(Int)
  case reap(Int, thread: UInt64)
}

struct Exploration {
  var ledger: TestLedger
  var handles: [UInt64]

  /// Makes the call, as far as the machine would: a con-shim makes calls only while it runs.
  mutating func make(_ step: Step) throws(ShimError) {
    switch step {
    case .create(let block):
      let handle = try ledger.shimCreate(block: address(block * 512)).handle
      handles[Int(handle & 0xff)] = handle
    case .destroy(let slot): try ledger.shimDestroy(handles[slot])
    case .end(let slot): try ledger.shimEnd(handles[slot])
    case .delegate(let slot, let first, let count):
      try ledger.delegate(handles[slot], address: address(first), count: UInt64(count))
    case .undelegate(let slot, let first, let count):
      try ledger.undelegate(handles[slot], address: address(first), count: UInt64(count))
    case .map(let slot, let thread, let first):
      _ = try ledger.exchangeMap(handles[slot], thread: thread, address: address(first), count: Exchange.granules)
    case .unmap(let slot, let thread): try ledger.exchangeUnmap(handles[slot], thread: thread)
    case .start(let slot, let thread): _ = try ledger.start(handles[slot], thread: thread)
    case .stop(let slot, let context, let reason):
      guard ledger.memory.threads[context].state == .running, Int(ledger.memory.threads[context].slot) == slot else {
        throw .busy
      }
      ledger.stop(slot: slot, context: context, reason: reason)
    case .claim(let slot, let first, let count):
      guard ledger.memory.shims[slot].running > 0 else { throw .busy }
      try ledger.claim(slot: slot, address: address(first), count: UInt64(count))
    case .release(let slot, let first, let count):
      guard ledger.memory.shims[slot].running > 0 else { throw .busy }
      try ledger.release(slot: slot, address: address(first), count: UInt64(count))
    case .thread(let slot):
      guard ledger.memory.shims[slot].running > 0 else { throw .busy }
      _ = try ledger.threadCreate(slot: slot)
    case .reap(let slot, let thread):
      guard ledger.memory.shims[slot].running > 0 else { throw .busy }
      try ledger.threadReap(slot: slot, thread: thread)
    }
  }

  /// A hash of everything that a call could have changed.
  var state: Int {
    let memory = ledger.memory
    var hasher = Hasher()
    // SAFETY: the bytes are only read, and none is padding.
    unsafe memory.granules.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    unsafe memory.content.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    for table in memory.tables { unsafe table.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
    for shim in memory.shims {
      hasher.combine(shim.state)
      hasher.combine(shim.generation)
      hasher.combine(shim.granules)
      hasher.combine(shim.running)
    }
    for thread in memory.threads {
      hasher.combine(thread.state)
      hasher.combine(thread.slot)
      hasher.combine(thread.started)
      hasher.combine(thread.exchange)
    }
    return hasher.finalize()
  }
}

@Suite struct ExplorationTests {
  /// All sequences of `depth` calls from a start, without those that repeat a state at the same or a smaller depth.
  /// - Returns: how many different states were seen.
  static func explore(_ start: Exploration, _ steps: [Step], depth: Int) -> (states: Int, problems: [String]) {
    var seen: Set<Int> = [start.state]
    var level = [start]
    for _ in 0..<depth {
      var next: [Exploration] = []
      for exploration in level {
        let before = exploration.state
        for step in steps {
          var after = exploration
          let refused: Bool
          do throws(ShimError) {
            try after.make(step)
            refused = false
          } catch {
            refused = true
          }
          let state = after.state
          if refused, state != before {
            // The one refused call with an effect: no thread starts any more.
            guard case .end = step else { return (seen.count, ["\(step) was refused and changed something"]) }
          }
          guard seen.insert(state).inserted else { continue }
          let problems = violations(after.ledger)
          if !problems.isEmpty { return (seen.count, ["after \(step)"] + problems) }
          next.append(after)
        }
      }
      level = next
    }
    return (seen.count, [])
  }

  /// Two con-shims that run, three granules: every sequence of 5 calls for memory.
  @Test func memory() throws {
    var (ledger, first, second) = try LedgerTests.two()
    _ = try ledger.exchangeMap(first, thread: 0, address: address(1600), count: 32)
    _ = try ledger.exchangeMap(second, thread: 0, address: address(1632), count: 32)
    _ = try ledger.start(first, thread: 0)
    _ = try ledger.start(second, thread: 0)
    var steps: [Step] = []
    for slot in 0..<2 {
      for (granule, count) in [(10, 1), (11, 1), (10, 2), (11, 2)] {
        steps += [
          .delegate(slot, granule, count), .undelegate(slot, granule, count), .claim(slot, granule, count),
          .release(slot, granule, count),
        ]
      }
      steps += [.end(slot), .stop(slot, context: slot, .killed)]
    }
    let result = Self.explore(Exploration(ledger: ledger, handles: [first, second]), steps, depth: 5)
    #expect(result.problems == [])
    #expect(result.states > 500)
  }

  /// Con-shims that come, run, break rules and go, in two blocks: every sequence of 8 calls.
  @Test func lives() throws {
    let ledger = TestLedger(memory: FakeMemory(granules: 1100), imageDigest: Digest())
    var steps: [Step] = [.create(block: 0), .create(block: 1)]
    for slot in 0..<2 {
      steps += [
        .destroy(slot), .end(slot), .map(slot, thread: 0, 1024), .unmap(slot, thread: 0), .start(slot, thread: 0),
        .stop(slot, context: slot, .forward), .stop(slot, context: slot, .killed), .stop(slot, context: slot, .ended),
        .undelegate(slot, 0, 512), .undelegate(slot, 512, 512),
      ]
    }
    let result = Self.explore(Exploration(ledger: ledger, handles: [0, 0]), steps, depth: 8)
    #expect(result.problems == [])
    #expect(result.states > 100)
  }

  /// Threads of two con-shims and their exchange buffers: every sequence of 8 calls.
  @Test func threads() throws {
    var (ledger, first, second) = try LedgerTests.two()
    _ = try ledger.exchangeMap(first, thread: 0, address: address(1600), count: 32)
    _ = try ledger.start(first, thread: 0)
    var steps: [Step] = [.thread(0), .stop(0, context: 0, .forward), .start(0, thread: 0), .end(0), .destroy(0)]
    for thread in 2..<4 {
      steps += [
        .map(0, thread: UInt64(thread), 1632), .map(1, thread: UInt64(thread), 1632), .unmap(0, thread: UInt64(thread)),
        .start(0, thread: UInt64(thread)), .start(1, thread: UInt64(thread)), .stop(0, context: thread, .ended),
        .stop(0, context: thread, .interrupt), .reap(0, thread: UInt64(thread)),
      ]
    }
    let result = Self.explore(Exploration(ledger: ledger, handles: [first, second]), steps, depth: 8)
    #expect(result.problems == [])
    #expect(result.states > 60)
  }

  /// Long random sequences of any calls with any ranges.
  @Test(arguments: 0..<10 as Range<UInt64>) func random(_ seed: UInt64) throws {
    var generator = Generator(state: seed &+ 1)
    var exploration = Exploration(
      ledger: TestLedger(memory: FakeMemory(granules: 1100), imageDigest: Digest()), handles: [0, 0])
    for _ in 0..<1000 {
      let slot = Int.random(in: 0..<2, using: &generator)
      let thread = UInt64([0, 2, 3, 4, 1].randomElement(using: &generator) ?? 0)
      let context = [slot, 2, 3].randomElement(using: &generator) ?? 0
      let first = Int.random(in: 0..<1100, using: &generator)
      let count = [1, 2, 32, 512].randomElement(using: &generator) ?? 1
      let steps: [Step] = [
        .create(block: Int.random(in: 0..<2, using: &generator)), .destroy(slot), .end(slot),
        .delegate(slot, first, count), .delegate(slot, first, 1), .undelegate(slot, first, count),
        .undelegate(slot, first, 1), .undelegate(slot, first & ~511, 512), .map(slot, thread: thread, first),
        .map(slot, thread: thread, 1050), .unmap(slot, thread: thread), .start(slot, thread: thread),
        .stop(slot, context: context, .forward), .stop(slot, context: context, .ended), .claim(slot, first, 1),
        .release(slot, first, count), .thread(slot), .reap(slot, thread: thread),
      ]
      try? exploration.make(steps.randomElement(using: &generator) ?? .end(0))
      let problems = violations(exploration.ledger)
      #expect(problems == [])
      if !problems.isEmpty { break }
    }
  }

  /// Deterministic, so that a failure is found again.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var word = state ^ state >> 33
      word = word &* 0xff51_afd7_ed55_8ccd
      return word ^ word >> 33
    }
  }
}
