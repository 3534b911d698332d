import GranuleLedger
import Testing

/// Vectors of NIST: FIPS 180-4 examples and the Cryptographic Algorithm Validation Program.
@Suite struct SHA256Tests {
  static func digest(_ text: String, times: Int = 1) -> Digest {
    var hash = SHA256()
    for _ in 0..<times { for byte in text.utf8 { hash.update(byte) } }
    return hash.finish()
  }

  @Test func empty() {
    #expect(
      Self.digest("")
        == Digest(0xe3b0_c442_98fc_1c14, 0x9afb_f4c8_996f_b924, 0x27ae_41e4_649b_934c, 0xa495_991b_7852_b855))
  }

  @Test func oneBlock() {
    #expect(
      Self.digest("abc")
        == Digest(0xba78_16bf_8f01_cfea, 0x4141_40de_5dae_2223, 0xb003_61a3_9617_7a9c, 0xb410_ff61_f200_15ad))
  }

  @Test func twoBlocks() {
    #expect(
      Self.digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == Digest(0x248d_6a61_d206_38b8, 0xe5c0_2693_0c3e_6039, 0xa33c_e459_64ff_2167, 0xf6ec_edd4_19db_06c1))
  }

  @Test func million() {
    #expect(
      Self.digest("a", times: 1_000_000)
        == Digest(0xcdc7_6e5c_9914_fb92, 0x81a1_c7e2_84d7_3e67, 0xf180_9a48_a497_200e, 0x046d_39cc_c711_2cd0))
  }

  /// Lengths around the end of a block, where the padding takes another one: compared with 64 bytes of zeros that
  /// are given as a digest's words, and with themselves.
  @Test func wordsAreBigEndian() {
    var words = SHA256()
    words.update(Digest(0x6162_6364_6566_6768, 0x696a_6b6c_6d6e_6f70, 0x7172_7374_7576_7778, 0x797a_3031_3233_3435))
    #expect(words.finish() == Self.digest("abcdefghijklmnopqrstuvwxyz012345"))
  }

  @Test(arguments: 50...70) func lengthsDiffer(_ length: Int) {
    #expect(Self.digest("a", times: length) != Self.digest("a", times: length + 1))
  }
}
