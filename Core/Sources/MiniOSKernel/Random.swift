// The random generator of a process: ChaCha20 (RFC 8439) with a key that is replaced by each answer, so that what was
// answered can't be computed later.

extension Kernel {
  /// Fills kernel memory; `count` is at most a page.
  func fillRandom(_ target: UInt64, count: UInt64) {
    if task.value.randomSeeded == 0 { seedRandom() }
    var block: UInt32 = 0
    var words = chachaBlock(key: task.value.randomKey, counter: block)
    // The first half of the first block is the next key.
    for index in 0..<8 { task.value.randomKey[index] = words[index] }
    let oldKey = nextStream(words)
    var position = 0
    words = chachaBlock(key: oldKey, counter: block)
    for offset in 0..<count {
      if position == 64 {
        block += 1
        words = chachaBlock(key: oldKey, counter: block)
        position = 0
      }
      memory.store(UInt8(truncatingIfNeeded: words[position / 4] >> UInt32(position % 4 * 8)), at: target + offset)
      position += 1
    }
  }

  /// The second half of a block, which is the key of what is answered now.
  private func nextStream(_ words: InlineArray<16, UInt32>) -> InlineArray<8, UInt32> {
    var key: InlineArray<8, UInt32> = InlineArray(repeating: 0)
    for index in 0..<8 { key[index] = words[8 + index] }
    return key
  }

  func seedRandom() {
    let (a, b, c, d) = platform.entropy()
    task.value.randomKey = [
      UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: a >> 32), UInt32(truncatingIfNeeded: b),
      UInt32(truncatingIfNeeded: b >> 32), UInt32(truncatingIfNeeded: c), UInt32(truncatingIfNeeded: c >> 32),
      UInt32(truncatingIfNeeded: d), UInt32(truncatingIfNeeded: d >> 32),
    ]
    task.value.randomSeeded = 1
  }

  /// A random number below a power of two.
  func random(bits: UInt64) -> UInt64 {
    fillRandom(task.value.scratch, count: 8)
    return memory.load(task.value.scratch, as: UInt64.self) & ((1 << bits) - 1)
  }

  /// getrandom: everything that was asked for, at most 32 MiB, never less because of a signal.
  func getRandom() throws(Errno) -> Int64 {
    let count = min(frame.value.x[1], 1 << 25)
    guard frame.value.x[2] & ~7 == 0 else { throw .invalid }
    var done: UInt64 = 0
    while done < count {
      let part = min(count - done, 2048)
      fillRandom(task.value.scratch, count: part)
      try copyOut(task.value.scratch, to: frame.value.x[0] &+ done, count: part)
      done += part
    }
    memory.zero(task.value.scratch, count: 2048)
    return Int64(count)
  }
}

/// A block of ChaCha20 with nonce 0.
func chachaBlock(key: InlineArray<8, UInt32>, counter: UInt32) -> InlineArray<16, UInt32> {
  var start: InlineArray<16, UInt32> = InlineArray(repeating: 0)
  start[0] = 0x6170_7865
  start[1] = 0x3320_646e
  start[2] = 0x7962_2d32
  start[3] = 0x6b20_6574
  for index in 0..<8 { start[4 + index] = key[index] }
  start[12] = counter
  var state = start
  for _ in 0..<10 {
    quarterRound(&state, 0, 4, 8, 12)
    quarterRound(&state, 1, 5, 9, 13)
    quarterRound(&state, 2, 6, 10, 14)
    quarterRound(&state, 3, 7, 11, 15)
    quarterRound(&state, 0, 5, 10, 15)
    quarterRound(&state, 1, 6, 11, 12)
    quarterRound(&state, 2, 7, 8, 13)
    quarterRound(&state, 3, 4, 9, 14)
  }
  for index in 0..<16 { state[index] = state[index] &+ start[index] }
  return state
}

private func quarterRound(_ s: inout InlineArray<16, UInt32>, _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
  func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
  s[a] = s[a] &+ s[b]
  s[d] = rotate(s[d] ^ s[a], 16)
  s[c] = s[c] &+ s[d]
  s[b] = rotate(s[b] ^ s[c], 12)
  s[a] = s[a] &+ s[b]
  s[d] = rotate(s[d] ^ s[a], 8)
  s[c] = s[c] &+ s[d]
  s[b] = rotate(s[b] ^ s[c], 7)
}
