import OCISpec
import Testing

/// Damaged configurations: each is refused with a place and a reason, or holds together.
@Suite struct MutationTests {
  /// SplitMix64: the same numbers on every run.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  static let pieces = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "-", "0", "1e999", "-1", "4294967296",
    "18446744073709551616", "\\u0000", "\\ud800", "\"\"", "{}", "[]", "\u{0}", "\n", "[[[[[[[[",
  ].map { Array($0.utf8) }

  private func mutated(_ bytes: [UInt8], _ random: inout Generator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = Int.random(in: start...min(start + 64, bytes.count), using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.removeSubrange(start..<end)
      case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 4:
        let piece = Self.pieces.randomElement(using: &random) ?? []
        bytes.replaceSubrange(start..<min(start + piece.count, bytes.count), with: piece)
      default: bytes.removeSubrange(start...)
      }
    }
    return bytes
  }

  @Test(arguments: Fixture.allCases)
  func neverTrap(_ fixture: Fixture) throws {
    let original = try fixture.bytes()
    var random = Generator(state: 20)
    var accepted = 0
    var refused = 0
    for round in 0..<2500 {
      let bytes = mutated(original, &random)
      do throws(SpecError) {
        let spec = try Spec.decode(bytes, file: "m")
        accepted += 1
        let again = try Spec.decode(spec.encode(), file: "written")
        if again != spec {
          Issue.record("round \(round): what is written is read as something else")
        }
        _ = failure { () throws(SpecError) in try spec.validate(file: "m") }
      } catch {
        refused += 1
        let isPlaced = error.file == "m" && error.line > 0 && error.column > 0
        let isOneLine = error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }
        if !isPlaced || !isOneLine { Issue.record("round \(round): \(error.description)") }
      }
    }
    // Otherwise the damage is too small, or too big, to say anything.
    #expect(accepted > 25 && refused > 1000, "\(accepted) accepted, \(refused) refused")
  }
}
