import ShimABI

@testable import GranuleLedger

/// What lies in a granule.
enum Content: UInt8 {
  /// Written by the host, or zeros.
  case open
  /// Something that only the con-shim in the slot may see.
  case secret0
  case secret1

  static func secret(_ slot: Int) -> Content { slot == 0 ? .secret0 : .secret1 }
}

/// A machine of arrays. Con-shims write secrets to all that they alone reach; CPUs remember table entries until they
/// are invalidated.
struct FakeMemory: GranuleMemory {
  let shimCount: Int
  let threadCount: Int
  var granules: [Granule]
  /// By view, host last: the tables, and what a CPU may still believe.
  var tables: [[Bool]]
  var remembered: [[Bool]]
  var content: [Content]
  var shims: [ShimRecord]
  var threads: [ThreadRecord]
  /// What broke the rules of the protocol.
  var complaints: [String] = []

  init(granules count: Int, shims shimCount: Int = 2, threads threadCount: Int = 4) {
    self.shimCount = shimCount
    self.threadCount = threadCount
    granules = Array(repeating: Granule(.host), count: count)
    let none = Array(repeating: false, count: count)
    tables = Array(repeating: none, count: shimCount) + [Array(repeating: true, count: count)]
    remembered = tables
    content = Array(repeating: .open, count: count)
    shims = Array(repeating: ShimRecord(), count: shimCount)
    threads = Array(repeating: ThreadRecord(), count: threadCount)
  }

  var count: Int { granules.count }
  subscript(index: Int) -> Granule {
    get { granules[index] }
    set { granules[index] = newValue }
  }
  subscript(shim slot: Int) -> ShimRecord {
    get { shims[slot] }
    set { shims[slot] = newValue }
  }
  subscript(thread context: Int) -> ThreadRecord {
    get { threads[context] }
    set { threads[context] = newValue }
  }

  private func index(_ view: View) -> Int {
    switch view {
    case .host: shimCount
    case .shim(let slot): slot
    }
  }

  mutating func setReachable(_ reachable: Bool, _ range: GranuleRange, in view: View) {
    for granule in range.first..<range.end {
      if reachable, content[granule] != .open, view == .host { complaints.append("the host gets a secret") }
      tables[index(view)][granule] = reachable
      // A CPU may learn the new entry at once, or go on with the old one.
      if reachable { remembered[index(view)][granule] = true }
      if reachable, case .shim(let slot) = view, granules[granule].state == .claimed {
        content[granule] = .secret(slot)
      }
    }
  }

  mutating func invalidate(_ range: GranuleRange) {
    for view in tables.indices {
      for granule in range.first..<range.end { remembered[view][granule] = tables[view][granule] }
    }
  }

  private mutating func write(_ range: GranuleRange, _ what: String) {
    for granule in range.first..<range.end {
      if remembered.contains(where: { $0[granule] }) { complaints.append("\(what) of what someone reaches") }
      content[granule] = .open
    }
  }

  mutating func scrub(_ range: GranuleRange) { write(range, "scrub") }
  mutating func loadImage(_ range: GranuleRange) { write(range, "load") }
  mutating func forgetTranslations(slot: Int) {
    if remembered[slot].contains(true) { complaints.append("slot \(slot) still reaches memory") }
  }
}

/// What has to hold after every call.
func violations(_ ledger: Ledger<FakeMemory>) -> [String] {
  let memory = ledger.memory
  var found = memory.complaints
  var owned = Array(repeating: 0, count: memory.shimCount)
  var running = Array(repeating: 0, count: memory.shimCount)
  for (index, entry) in memory.granules.enumerated() {
    let byHost = entry.state == .host || entry.state == .reserved || entry.state == .exchange
    let byShim = entry.state == .claimed || entry.state == .exchange
    for view in 0...memory.shimCount {
      let expected = view == memory.shimCount ? byHost : byShim && view == entry.slot
      if memory.tables[view][index] != expected { found.append("granule \(index), \(entry.state): view \(view)") }
      if memory.remembered[view][index] != expected { found.append("granule \(index): view \(view) not invalidated") }
    }
    if entry.state == .host, memory.content[index] != .open { found.append("granule \(index) is not scrubbed") }
    if entry.state == .host, entry.rawValue != 0 { found.append("granule \(index) of the host has a slot") }
    if entry.state != .host, entry.state != .reserved {
      owned[entry.slot] += 1
      if memory.shims[entry.slot].state == .free { found.append("granule \(index) of no con-shim") }
    }
    // What a con-shim wrote is reached by it alone.
    if memory.content[index] != .open {
      for view in 0...memory.shimCount where memory.tables[view][index] {
        if view == memory.shimCount || memory.content[index] != .secret(view) {
          found.append("granule \(index): a secret in view \(view)")
        }
      }
    }
  }
  for (index, thread) in memory.threads.enumerated() where thread.state != .free {
    let slot = Int(thread.slot)
    if memory.shims[slot].state == .free { found.append("thread \(index) of no con-shim") }
    if thread.state == .running { running[slot] += 1 }
    if thread.state == .running, thread.exchange < 0 { found.append("thread \(index) runs without buffer") }
    if index < memory.shimCount, index != slot { found.append("thread 0 of another con-shim") }
    if thread.exchange >= 0 {
      for granule in Int(thread.exchange)..<Int(thread.exchange) + Int(Exchange.granules)
      where memory.granules[granule] != Granule(.exchange, slot: slot) {
        found.append("thread \(index): granule \(granule) is not its exchange buffer")
      }
    }
  }
  for slot in 0..<memory.shimCount {
    if owned[slot] != memory.shims[slot].granules { found.append("slot \(slot) counts its granules wrongly") }
    if running[slot] != memory.shims[slot].running { found.append("slot \(slot) counts its threads wrongly") }
  }
  return found
}
