import Testing

@testable import MachineKit

@Suite struct FrameTests {
  let nonce = [UInt8](repeating: 7, count: Frame.nonceSize)

  @Test func framesComeInPieces() throws {
    var reader = FrameReader(nonce: nonce)
    let stream = Frame.magic + nonce + Frame.output([1, 2, 3]).bytes + Frame.errors([]).bytes + Frame.exit(259).bytes
    var frames: [Frame] = []
    for byte in stream {
      reader.append([byte])
      while let frame = try reader.next() { frames.append(frame) }
    }
    #expect(frames == [.output([1, 2, 3]), .errors([]), .exit(259)])
  }
}
