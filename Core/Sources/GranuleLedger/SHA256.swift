/// 32 bytes as four big-endian words.
public typealias Digest = SIMD4<UInt64>

/// SHA-256 (FIPS 180-4), fed byte by byte.
public struct SHA256: Sendable {
  /// The words of FIPS 180-4 after the blocks that are complete.
  public private(set) var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// The first 16 words are those of the block that is being filled.
  private var schedule = InlineArray<64, UInt32>(repeating: 0)
  private var byteCount: UInt64 = 0

  public init() {}

  /// Goes on after whole blocks.
  public init(state: InlineArray<8, UInt32>) { self.state = state }

  public mutating func update(_ byte: UInt8) {
    let index = Int(byteCount / 4 % 16)
    schedule[index] = schedule[index] << 8 | UInt32(byte)
    byteCount &+= 1
    if byteCount % 64 == 0 { compress() }
  }

  public mutating func update(_ digest: Digest) {
    for index in 0..<4 { update(digest[index]) }
  }

  private mutating func update(_ word: UInt64) {
    for byte in 0..<8 as Range<UInt64> { update(UInt8(truncatingIfNeeded: word >> (56 - 8 * byte))) }
  }

  /// The digest of what was given.
  public consuming func finish() -> Digest {
    let bits = byteCount &* 8
    update(0x80 as UInt8)
    while byteCount % 64 != 56 { update(0 as UInt8) }
    update(bits)
    return Digest(word(0), word(2), word(4), word(6))
  }

  private func word(_ index: Int) -> UInt64 { UInt64(state[index]) << 32 | UInt64(state[index + 1]) }

  private mutating func compress() {
    for t in 16..<64 {
      let a = schedule[t - 15]
      let b = schedule[t - 2]
      let small0 = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
      let small1 = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
      schedule[t] = schedule[t - 16] &+ small0 &+ schedule[t - 7] &+ small1
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for t in 0..<64 {
      let big1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let big0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      let choice = e & f ^ ~e & g
      let majority = a & b ^ a & c ^ b & c
      let one = h &+ big1 &+ choice &+ roundConstants[t] &+ schedule[t]
      let two = big0 &+ majority
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ one, c, b, a, one &+ two)
    }
    let result: InlineArray<8, UInt32> = [a, b, c, d, e, f, g, h]
    for index in 0..<8 { state[index] &+= result[index] }
  }

  private func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }
}

private let roundConstants: InlineArray<64, UInt32> = [
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
  0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
  0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
  0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
  0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
  0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
  0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]
