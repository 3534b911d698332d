import ShimABI
import Testing

@testable import GranuleLedger

typealias TestLedger = Ledger<FakeMemory>

let granuleSize = ShimABI.granuleSize
func address(_ granule: Int) -> UInt64 { GranuleRange.start + UInt64(granule) * granuleSize }

@Suite struct RangeTests {
  @Test func acceptsRAM() throws {
    let range = try GranuleRange(address: address(3), count: 2, granules: 5)
    #expect(range.first == 3 && range.count == 2 && range.address == address(3) && range.byteCount == 8192)
  }

  struct Refused: Sendable {
    var address: UInt64
    var count: UInt64

    static let all = [
      Refused(address: 0x4000_4000, count: 2), Refused(address: 0x4000_5000, count: 1),
      Refused(address: 0x3fff_f000, count: 1), Refused(address: 0, count: 1),
      Refused(address: 0x4000_0001, count: 1), Refused(address: 0x4000_0000, count: 0),
      Refused(address: 0x4000_0000, count: 513), Refused(address: 0x4000_0000, count: .max),
      Refused(address: 0xffff_ffff_ffff_f000, count: 1), Refused(address: 0xffff_ffff_ffff_f000, count: 512),
      Refused(address: 0x8000_0000_0000_0000, count: 1),
    ]
  }

  @Test(arguments: Refused.all) func refuses(_ range: Refused) {
    #expect(throws: ShimError.invalid) {
      try GranuleRange(address: range.address, count: range.count, granules: 5)
    }
  }

  @Test func alignment() {
    #expect(throws: ShimError.invalid) {
      try GranuleRange(address: address(1), count: 1, alignment: 512, granules: 2000)
    }
    #expect(throws: Never.self) { try GranuleRange(address: address(512), count: 1, alignment: 512, granules: 2000) }
  }
}

@Suite struct GranuleProtectionTableTests {
  @Test func fields() {
    var generator = SystemRandomNumberGenerator()
    for first in 0..<16 {
      for end in first + 1...16 {
        for protection in GranuleProtection.allCases {
          let word = generator.next()
          var expected = word
          for granule in first..<end {
            expected &= ~(0xf << UInt64(granule * 4))
            expected |= protection.rawValue << UInt64(granule * 4)
          }
          #expect(GranuleProtectionTable.set(word, first: first, end: end, protection) == expected)
        }
      }
    }
  }

  @Test func encodings() {
    #expect(GranuleProtectionTable.block(.nonSecure) == 0x91)
    #expect(GranuleProtectionTable.block(.none) == 1)
    #expect(GranuleProtectionTable.table(0x0e24_0000) == 0x0e24_0003)
    #expect(GranuleProtectionTable.word(.root) == 0xaaaa_aaaa_aaaa_aaaa)
  }

  @Test func entries() {
    for state in GranuleState.allCases {
      for slot in 0..<Int(ShimABI.shimLimit) {
        let entry = Granule(state, slot: slot)
        #expect(entry.state == state && entry.slot == slot)
      }
    }
  }
}

@Suite struct LedgerTests {
  /// Two con-shims in blocks 1 and 2; block 0 and what follows block 2 is the host's.
  static func two() throws -> (ledger: TestLedger, first: UInt64, second: UInt64) {
    var ledger = TestLedger(memory: FakeMemory(granules: 1700), imageDigest: Digest(1, 2, 3, 4), reserved: 1)
    let first = try ledger.shimCreate(block: address(512)).handle
    let second = try ledger.shimCreate(block: address(1024)).handle
    return (ledger, first, second)
  }

  @Test func create() throws {
    var (ledger, first, second) = try Self.two()
    #expect(first != second && first != 0)
    #expect(violations(ledger) == [])
    #expect(throws: ShimError.granuleState) { try ledger.shimCreate(block: address(0)) }
    #expect(throws: ShimError.granuleState) { try ledger.shimCreate(block: address(512)) }
    #expect(throws: ShimError.invalid) { try ledger.shimCreate(block: address(1)) }
    #expect(throws: ShimError.invalid) { try ledger.shimCreate(block: address(1536)) }
    #expect(ledger.inUse == (2, 2, 1024))
  }

  @Test func slotsRunOut() throws {
    var ledger = TestLedger(memory: FakeMemory(granules: 2048), imageDigest: Digest())
    _ = try ledger.shimCreate(block: address(0))
    _ = try ledger.shimCreate(block: address(512))
    #expect(throws: ShimError.exhausted) { try ledger.shimCreate(block: address(1024)) }
    #expect(violations(ledger) == [])
  }

  @Test func handlesOfFormerShims() throws {
    var (ledger, first, _) = try Self.two()
    #expect(throws: ShimError.ownsGranules) { try ledger.shimDestroy(first) }
    try ledger.shimEnd(first)
    try ledger.undelegate(first, address: address(512), count: 512)
    try ledger.shimDestroy(first)
    #expect(throws: ShimError.noSuchShim) { try ledger.shimEnd(first) }
    let again = try ledger.shimCreate(block: address(512)).handle
    #expect(again != first && violations(ledger) == [])
    #expect(throws: ShimError.noSuchShim) { try ledger.start(first, thread: 0) }
  }

  @Test func life() throws {
    var (ledger, first, second) = try Self.two()
    let at = address(5)
    try ledger.delegate(first, address: at, count: 2)
    #expect(throws: ShimError.granuleState) { try ledger.delegate(second, address: at, count: 1) }
    #expect(throws: ShimError.granuleState) { try ledger.claim(slot: 1, address: at, count: 1) }
    #expect(throws: ShimError.granuleState) { try ledger.undelegate(second, address: at, count: 1) }
    try ledger.claim(slot: 0, address: at, count: 2)
    #expect(throws: ShimError.granuleState) { try ledger.claim(slot: 0, address: at, count: 1) }
    #expect(throws: ShimError.granuleState) { try ledger.undelegate(first, address: at, count: 1) }
    #expect(throws: ShimError.granuleState) { try ledger.release(slot: 1, address: at, count: 1) }
    #expect(throws: ShimError.granuleState) { try ledger.release(slot: 0, address: at, count: 3) }
    try ledger.release(slot: 0, address: at, count: 1)
    #expect(throws: ShimError.granuleState) { try ledger.undelegate(first, address: at, count: 2) }
    try ledger.undelegate(first, address: at, count: 1)
    #expect(violations(ledger) == [])
    #expect(ledger.memory[5] == Granule(.host) && ledger.memory[6] == Granule(.claimed, slot: 0))
  }

  @Test func running() throws {
    var (ledger, first, _) = try Self.two()
    #expect(throws: ShimError.noExchange) { try ledger.start(first, thread: 0) }
    _ = try ledger.exchangeMap(first, thread: 0, address: address(1600), count: 32)
    _ = try ledger.start(first, thread: 0)
    #expect(throws: ShimError.busy) { try ledger.start(first, thread: 0) }
    #expect(throws: ShimError.busy) { try ledger.exchangeUnmap(first, thread: 0) }
    #expect(throws: ShimError.busy) { try ledger.shimDestroy(first) }
    // It ends, but keeps its memory as long as a thread runs.
    #expect(throws: ShimError.busy) { try ledger.shimEnd(first) }
    #expect(throws: ShimError.granuleState) { try ledger.undelegate(first, address: address(512), count: 512) }
    #expect(throws: ShimError.ended) { try ledger.claim(slot: 0, address: address(512), count: 1) }
    ledger.stop(slot: 0, context: 0, reason: .interrupt)
    #expect(throws: ShimError.ended) { try ledger.start(first, thread: 0) }
    try ledger.shimEnd(first)
    try ledger.undelegate(first, address: address(512), count: 512)
    #expect(throws: ShimError.ownsGranules) { try ledger.shimDestroy(first) }
    try ledger.exchangeUnmap(first, thread: 0)
    try ledger.shimDestroy(first)
    #expect(violations(ledger) == [])
  }

  @Test func killing() throws {
    var (ledger, first, _) = try Self.two()
    _ = try ledger.exchangeMap(first, thread: 0, address: address(1600), count: 32)
    _ = try ledger.start(first, thread: 0)
    ledger.stop(slot: 0, context: 0, reason: .killed)
    #expect(ledger.killed == 1)
    #expect(throws: ShimError.ended) { try ledger.start(first, thread: 0) }
    #expect(throws: ShimError.granuleState) { try ledger.undelegate(first, address: address(512), count: 1) }
    try ledger.shimEnd(first)
    try ledger.undelegate(first, address: address(512), count: 512)
    #expect(violations(ledger) == [])
  }

  @Test func threads() throws {
    var (ledger, first, second) = try Self.two()
    let one = try UInt64(ledger.threadCreate(slot: 0))
    let two = try UInt64(ledger.threadCreate(slot: 1))
    #expect(one >= 2 && two != one)
    #expect(throws: ShimError.exhausted) { try ledger.threadCreate(slot: 0) }
    #expect(throws: ShimError.noSuchShim) { try ledger.start(first, thread: two) }
    #expect(throws: ShimError.noSuchShim) { try ledger.start(second, thread: 1) }
    _ = try ledger.exchangeMap(first, thread: one, address: address(1600), count: 32)
    #expect(throws: ShimError.busy) { try ledger.exchangeMap(first, thread: one, address: address(1640), count: 32) }
    _ = try ledger.start(first, thread: one)
    ledger.stop(slot: 0, context: Int(one), reason: .ended)
    #expect(throws: ShimError.ended) { try ledger.start(first, thread: one) }
    #expect(throws: ShimError.exhausted) { try ledger.threadCreate(slot: 0) }
    try ledger.exchangeUnmap(first, thread: one)
    #expect(throws: ShimError.noSuchShim) { try ledger.start(first, thread: one) }
    #expect(try ledger.threadCreate(slot: 1) == Int(one))
    #expect(violations(ledger) == [])
  }

  @Test func aThreadThatIsNotContinuedIsReaped() throws {
    var (ledger, first, second) = try Self.two()
    let one = try UInt64(ledger.threadCreate(slot: 0))
    _ = try ledger.exchangeMap(first, thread: one, address: address(1600), count: 32)
    #expect(throws: ShimError.busy) { try ledger.threadReap(slot: 0, thread: one) }
    #expect(throws: ShimError.noSuchShim) { try ledger.threadReap(slot: 1, thread: one) }
    _ = try ledger.start(first, thread: one)
    #expect(throws: ShimError.busy) { try ledger.threadReap(slot: 0, thread: one) }
    ledger.stop(slot: 0, context: Int(one), reason: .interrupt)
    #expect(throws: ShimError.busy) { try ledger.threadReap(slot: 0, thread: one) }
    try ledger.exchangeUnmap(first, thread: one)
    try ledger.threadReap(slot: 0, thread: one)
    #expect(throws: ShimError.noSuchShim) { try ledger.threadReap(slot: 0, thread: one) }
    #expect(throws: ShimError.noSuchShim) { try ledger.start(first, thread: one) }
    #expect(try ledger.threadCreate(slot: 1) != 0)
    _ = second
    #expect(violations(ledger) == [])
  }

  @Test func measurement() throws {
    var (ledger, first, second) = try Self.two()
    #expect(try ledger.measure(first) == Digest(1, 2, 3, 4))
    ledger.extend(slot: 0, by: Digest(5, 6, 7, 8))
    var hash = SHA256()
    hash.update(Digest(1, 2, 3, 4))
    hash.update(Digest(5, 6, 7, 8))
    #expect(try ledger.measure(first) == hash.finish())
    #expect(try ledger.measure(second) == Digest(1, 2, 3, 4))
  }
}
