import Foundation
import Testing

@testable import ProfileKit

@Suite("Instructions") struct DecoderTests {
  private func x86(_ bytes: [UInt8], at address: UInt64 = 0x1000) -> Instruction? {
    X86Decoder.decode(bytes, at: 0, end: bytes.count, address: address, isFixed: false)
  }

  @Test func constantsOfX86() throws {
    #expect(x86([0xb8, 0x3c, 0, 0, 0])?.effect == .constant(register: 0, 60))
    #expect(x86([0x31, 0xc0])?.effect == .constant(register: 0, 0))
    #expect(x86([0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0])?.effect == .constant(register: 0, 15))
    #expect(x86([0x41, 0xb9, 0xca, 0, 0, 0])?.effect == .constant(register: 9, 202))
    #expect(x86([0x44, 0x89, 0xc8])?.effect == .copy(to: 0, from: 9, plus: 0))
    #expect(x86([0x48, 0x63, 0xc7])?.effect == .copy(to: 0, from: 7, plus: 0))
    #expect(x86([0x8d, 0x47, 0x05])?.effect == .copy(to: 0, from: 7, plus: 5))
    #expect(x86([0x83, 0xc0, 0x02])?.effect == .copy(to: 0, from: 0, plus: 2))
    #expect(x86([0x83, 0xe8, 0x02])?.effect == .copy(to: 0, from: 0, plus: -2))
    #expect(x86([0x6a, 0x27])?.effect == .pushConstant(39))
    #expect(x86([0x58])?.effect == .pop(0))
    #expect(x86([0x0f, 0x44, 0xc2])?.effect == .conditionalCopy(to: 0, from: 2))
    #expect(x86([0xc7, 0x04, 0x24, 0x69, 0, 0, 0])?.effect == .storeConstant(0x69, base: 4, offset: 0))
    #expect(x86([0x8b, 0x44, 0x24, 0x08])?.effect == .load(to: 0, base: 4, offset: 8))
    #expect(x86([0x0f, 0x11, 0x44, 0x24, 8])?.overwrites == Instruction.Memory(base: 4, offset: 8, size: 64))
    #expect(x86([0x83, 0x0c, 0x24, 1])?.overwrites == Instruction.Memory(base: 4, offset: 0, size: 8))
    #expect(x86([0x83, 0x3c, 0x24, 1])?.overwrites == nil)
    // 8 and 16 bits leave the rest of a register.
    #expect(x86([0xb0, 1])?.clobbers == 1)
    #expect(x86([0x66, 0xb8, 1, 0])?.clobbers == 1)
  }

  @Test func controlOfX86() throws {
    #expect(x86([0x0f, 0x05])?.flow == .systemCall)
    #expect(x86([0xe8, 0x10, 0, 0, 0])?.flow == .call(0x1015))
    #expect(x86([0xeb, 0xfe])?.flow == .jump(0x1000))
    #expect(x86([0x0f, 0x84, 0, 1, 0, 0])?.flow == .branch(0x1106))
    #expect(x86([0xff, 0xe0])?.flow == .indirectJump)
    #expect(x86([0xff, 0x15, 8, 0, 0, 0])?.reference == 0x100e)
    #expect(x86([0xf3, 0xc3])?.flow == .end)
    #expect(x86([0x48, 0x8d, 0x3d, 0xf9, 0xff, 0xff, 0xff])?.reference == 0x1000)
    #expect(x86([0xe8, 0x10, 0]) == nil)
    #expect(x86([0x06]) == nil)
    #expect(x86([]) == nil)
  }

  @Test func lengthsOfX86() throws {
    let samples: [[UInt8]] = [
      [0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],  // nopw
      [0xc5, 0xf9, 0x6f, 0x05, 0, 0, 0, 0],  // vmovdqa
      [0xc4, 0xe3, 0x7d, 0x0f, 0xc1, 8],  // vpalignr
      [0x62, 0xf1, 0x7c, 0x48, 0x10, 0x46, 1],  // vmovups zmm
      [0x66, 0x0f, 0x3a, 0x0f, 0xc1, 4],  // palignr
      [0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8],  // movabs
      [0xf6, 0x05, 0, 0, 0, 0, 1],  // testb
      [0x66, 0x81, 0x38, 1, 2],  // cmpw
      [0xf0, 0x48, 0x0f, 0xb1, 0x0d, 0, 0, 0, 0],  // lock cmpxchg
    ]
    for sample in samples { #expect(x86(sample + [0x90, 0x90])?.length == sample.count) }
  }

  /// Every instruction that objdump finds in a program's code, with its length.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/objdump")))
  func theSameAsTheDisassembler() throws {
    let path = "/bin/busybox"
    let file = try ElfFile(path: path, bytes: [UInt8](Data(contentsOf: URL(filePath: path))))
    guard file.architecture == .x86_64 else { return }
    let (start, end) = (file.entry, file.entry + 0x80000)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/objdump")
    process.arguments = [
      "-d", "-w", "--no-show-raw-insn", "--start-address=\(start)", "--stop-address=\(end)", path,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let addresses = text.split(separator: "\n").compactMap { line -> UInt64? in
      guard line.hasPrefix(" "), let colon = line.firstIndex(of: ":") else { return nil }
      return UInt64(line[..<colon].trimmingCharacters(in: .whitespaces), radix: 16)
    }
    #expect(addresses.count > 80_000)
    for (address, next) in zip(addresses, addresses.dropFirst()) {
      let offset = try #require(file.offset(of: address))
      let found = X86Decoder.decode(file.bytes, at: offset, end: file.bytes.count, address: address, isFixed: true)
      guard let found, found.end == next else {
        Issue.record("0x\(String(address, radix: 16)): \(found?.length ?? 0) bytes, not \(next - address)")
        return
      }
    }
  }

  @Test func arm64() throws {
    func decode(_ word: UInt32) -> Instruction { Arm64Decoder.decode(word, address: 0x1000) }
    #expect(decode(0xd400_0001).flow == .systemCall)
    #expect(decode(0xd280_0ba8).effect == .constant(register: 8, 93))
    #expect(decode(0x5280_0ba8).effect == .constant(register: 8, 93))
    #expect(decode(0x3200_03e8).effect == .constant(register: 8, 1))  // orr w8, wzr, #1
    #expect(decode(0xaa00_03e8).effect == .copy(to: 8, from: 0, plus: 0))
    #expect(decode(0x2a1f_03e8).effect == .constant(register: 8, 0))
    #expect(decode(0x1100_0508).effect == .copy(to: 8, from: 8, plus: 1))
    #expect(decode(0x9400_0002).flow == .call(0x1008))
    #expect(decode(0x17ff_ffff).flow == .jump(0xffc))
    #expect(decode(0x5400_0041).flow == .branch(0x1008))
    #expect(decode(0xb400_0040).flow == .branch(0x1008))
    #expect(decode(0xd65f_03c0).flow == .end)
    #expect(decode(0xd61f_0200).flow == .indirectJump)
    #expect(decode(0xb000_0010).effect == .constant(register: 16, 0x2000))
    #expect(decode(0xf940_0611).effect == .load(to: 17, base: 16, offset: 8))
    #expect(decode(0xd503_201f).isPadding)
    #expect(decode(0x2f20_a400).clobbers == 0)  // uxtl v0.2d, v0.2s
    #expect(decode(0x1e26_0008).clobbers == 1 << 8)  // fmov w8, s0
    #expect(decode(0x9e66_0008).clobbers == 1 << 8)  // fmov x8, d0
    #expect(decode(0x0e04_3c08).clobbers == 1 << 8)  // umov w8, v0.s[0]
    #expect(decode(0x1e38_0008).clobbers == 1 << 8)  // fcvtzs w8, s0
    #expect(decode(0xa9bf_7bfd).clobbers == 1 << 31)  // stp x29, x30, [sp, #-16]!: 31 is the stack pointer
  }
}
