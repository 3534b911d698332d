import Foundation
import SyscallCatalogue
import Testing

@testable import ProfileKit

/// An ELF file of one segment at 0x400000, without a section or symbol.
private func program(machine: UInt16 = 62, code: [UInt8]) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 0x100)
  func put(_ value: UInt64, _ size: Int, at offset: Int) {
    for index in 0..<size { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }
  bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  put(2, 2, at: 16)
  put(UInt64(machine), 2, at: 18)
  put(0x40_0100, 8, at: 24)
  put(64, 8, at: 32)
  put(56, 2, at: 54)
  put(1, 2, at: 56)
  put(1, 4, at: 64)
  put(5, 4, at: 68)
  put(0x40_0000, 8, at: 80)
  put(UInt64(0x100 + code.count), 8, at: 96)
  put(UInt64(0x100 + code.count), 8, at: 104)
  return bytes + code
}

@Suite("Numbers of system calls") struct FlowTests {
  /// Numbers that a program can use, and how many of its calls have unknown ones.
  private func analyse(_ code: [UInt8], machine: UInt16 = 62) throws -> (numbers: [UInt32], unknown: Int) {
    let file = try ElfFile(path: "program", bytes: program(machine: machine, code: code))
    let graph = CallGraph(images: [Image(file)], entries: [0], opened: [], hinted: [])
    var flow = NumberFlow(graph, file.architecture)
    var numbers: Set<UInt32> = []
    var unknown = 0
    for site in graph.systemCalls {
      let result = flow.numbers(at: site)
      numbers.formUnion(result.values)
      if !result.isComplete { unknown += 1 }
    }
    return (numbers.sorted(), unknown)
  }

  @Test func severalWaysGiveSeveralNumbers() throws {
    // mov $1,%eax; test %edi,%edi; je 1f; mov $60,%eax; 1: syscall; hlt
    let found = try analyse([0xb8, 1, 0, 0, 0, 0x85, 0xff, 0x74, 5, 0xb8, 60, 0, 0, 0, 0x0f, 5, 0xf4])
    #expect(found.numbers == [1, 60])
    #expect(found.unknown == 0)
  }

  @Test func aWrapperHasTheNumbersOfItsCallers() throws {
    // mov $39,%edi; call 1f; mov $60,%edi; call 1f; hlt; 1: mov %rdi,%rax; syscall; ret
    let found = try analyse([
      0xbf, 39, 0, 0, 0, 0xe8, 11, 0, 0, 0, 0xbf, 60, 0, 0, 0, 0xe8, 1, 0, 0, 0, 0xf4, 0x48, 0x89, 0xf8, 0x0f, 5, 0xc3,
    ])
    #expect(found.numbers == [39, 60])
    #expect(found.unknown == 0)
  }

  @Test func anArgumentOnTheStackIsFollowed() throws {
    // push $60; call 1f; hlt; 1: mov 8(%rsp),%eax; syscall; ret
    let found = try analyse([0x6a, 60, 0xe8, 1, 0, 0, 0, 0xf4, 0x8b, 0x44, 0x24, 8, 0x0f, 5, 0xc3])
    #expect(found.numbers == [60])
    #expect(found.unknown == 0)
  }

  @Test func aStructureOfTheCallerIsFollowed() throws {
    // sub $8,%rsp; mov %rsp,%rdi; movl $105,(%rsp); call 1f; hlt; 1: mov (%rdi),%eax; syscall; ret
    let found = try analyse([
      0x48, 0x83, 0xec, 8, 0x48, 0x89, 0xe7, 0xc7, 0x04, 0x24, 105, 0, 0, 0, 0xe8, 1, 0, 0, 0, 0xf4, 0x8b, 0x07, 0x0f,
      5,
      0xc3,
    ])
    #expect(found.numbers == [105])
    #expect(found.unknown == 0)
  }

  @Test func whatIsNotKnownIsSaid() throws {
    // mov %rdi,%rax; syscall: an argument of the entry
    #expect(try analyse([0x48, 0x89, 0xf8, 0x0f, 5, 0xf4]).unknown == 1)
    // call 1f; syscall; hlt; 1: ret: the result of a function
    #expect(try analyse([0xe8, 3, 0, 0, 0, 0x0f, 5, 0xf4, 0xc3]).unknown == 1)
    // mov $60,%eax; mov (%rdi,%rsi),%al; syscall
    #expect(try analyse([0xb8, 60, 0, 0, 0, 0x8a, 0x04, 0x37, 0x0f, 5, 0xf4]).unknown == 1)
  }

  @Test func codeThatIsNotReachedDoesNotCount() throws {
    // mov $60,%eax; syscall; hlt; nop; mov $1,%eax; syscall; hlt
    let found = try analyse([0xb8, 60, 0, 0, 0, 0x0f, 5, 0xf4, 0x90, 0xb8, 1, 0, 0, 0, 0x0f, 5, 0xf4])
    #expect(found.numbers == [60])
  }

  @Test func aFunctionWhoseAddressIsTakenIsReached() throws {
    // lea 1f(%rip),%rdi; call *%rdi; hlt; 1: mov $39,%eax; syscall; ret
    let found = try analyse([0x48, 0x8d, 0x3d, 3, 0, 0, 0, 0xff, 0xd7, 0xf4, 0xb8, 39, 0, 0, 0, 0x0f, 5, 0xc3])
    #expect(found.numbers == [39])
  }

  @Test func arm64IsFollowedAsWell() throws {
    // mov w0,#93; bl 1f; brk; 1: mov x8,x0; svc #0; ret
    let words: [UInt32] = [0x5280_0ba0, 0x9400_0002, 0xd420_0000, 0xaa00_03e8, 0xd400_0001, 0xd65f_03c0]
    let code = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
    let found = try analyse(code, machine: 183)
    #expect(found.numbers == [93])
    #expect(found.unknown == 0)
  }
}

@Suite("ELF files") struct ElfFileTests {
  @Test func aSmallProgram() throws {
    let file = try ElfFile(path: "a", bytes: program(code: [0x0f, 5]))
    #expect(file.entry == 0x40_0100)
    #expect(file.isFixed)
    #expect(file.offset(of: 0x40_0101) == 0x101)
    #expect(file.offset(of: 0x40_0102) == nil)
  }

  @Test(arguments: [
    ([UInt8]("text".utf8), "a is no ELF file"), ([0x7f, 0x45, 0x4c, 0x46], "not of a 64-bit"),
    (Array(program(code: [0xc3]).dropLast(1)), "a is cut off"), (program(machine: 243, code: [0xc3]), "machine 243"),
  ]) func aMistakeIsNamed(bytes: [UInt8], message: String) {
    let error = #expect(throws: ProfileError.self) { try ElfFile(path: "a", bytes: bytes) }
    #expect(error?.description.contains(message) ?? false)
  }

  @Test func damagedFilesAreNoCrash() throws {
    let original = try [UInt8](Data(contentsOf: URL(filePath: "/proc/self/exe")).prefix(1 << 20))
    var random: UInt64 = 1
    for _ in 0..<200 {
      var bytes = original
      for _ in 0..<4 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes[64 + Int(random >> 33) % 700] = UInt8(truncatingIfNeeded: random >> 20)
      }
      _ = try? ElfFile(path: "a", bytes: bytes)
    }
  }
}
