import Testing

@testable import MachineKit

@Suite struct FrameTests {
  let nonce = [UInt8](repeating: 7, count: Frame.nonceSize)

  private func frames(_ stream: [UInt8], pieces: Int) throws -> [Frame] {
    var reader = FrameReader(nonce: nonce)
    var result: [Frame] = []
    for start in stride(from: 0, to: stream.count, by: pieces) {
      reader.append(stream[start..<min(start + pieces, stream.count)])
      while let frame = try reader.next() { result.append(frame) }
    }
    return result
  }

  @Test(arguments: [1, 2, 7, 1000]) func framesComeInPieces(pieces: Int) throws {
    let stream = Frame.magic + nonce + Frame.output([1, 2, 3]).bytes + Frame.errors([]).bytes + Frame.exit(259).bytes
    #expect(try frames(stream, pieces: pieces) == [.output([1, 2, 3]), .errors([]), .exit(259)])
  }

  @Test(arguments: [1, 5, 1000]) func whatAnEarlierConnectionLeftIsSkipped(pieces: Int) throws {
    let other = Frame.magic + [UInt8](repeating: 8, count: Frame.nonceSize)
    let half = Array((Frame.magic + nonce).dropLast())
    for left in [[], [0xff], Frame.exit(0).bytes, other + Frame.exit(1).bytes, half, Frame.magic] {
      let stream = left + Frame.magic + nonce + Frame.exit(2).bytes
      #expect(try frames(stream, pieces: pieces) == [.exit(2)])
    }
  }

  @Test func outputThatLooksLikeFramesIsOutput() throws {
    let hostile = Frame.magic + nonce + Frame.exit(0).bytes
    let stream = Frame.magic + nonce + Frame.output(hostile).bytes + Frame.exit(3).bytes
    #expect(try frames(stream, pieces: 4) == [.output(hostile), .exit(3)])
  }

  @Test func impossibleFramesAreRefused() {
    for bad: [UInt8] in [
      [UInt8(ascii: "O"), 255, 255, 255, 255], [UInt8(ascii: "Z"), 0, 0, 0, 0], [UInt8(ascii: "C"), 1, 0, 0, 0, 0],
      Frame.powerOff.bytes,
    ] {
      #expect(throws: MachineError.self) { try frames(Frame.magic + nonce + bad, pieces: 100) }
    }
  }

  @Test func nothingIsSaidBeforeTheGreeting() throws {
    #expect(try frames(Frame.exit(0).bytes, pieces: 1).isEmpty)
  }

  @Test func aRunFrameHoldsTheArguments() {
    let bytes = Frame.run(arguments: ["a", "", "b c"], input: true).bytes
    #expect(bytes == [UInt8(ascii: "E"), 8, 0, 0, 0, 1] + Array("a\0\0b c\0".utf8))
  }
}
