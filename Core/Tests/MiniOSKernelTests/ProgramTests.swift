import GranuleLedger
import ShimABI
import Testing

@testable import MiniOSKernel

/// A host with files.
private final class Files {
  var contents: [String: [UInt8]] = [:]
  var open: [Int64: String] = [:]
  /// When each was changed, in seconds, where it is not 1.
  var changed: [String: UInt64] = [:]
  var reads = 0

  func answer(_ machine: FakeMachine) -> Int64 {
    switch machine.header(Exchange.call) {
    case 48: return contents[machine.string(machine.pointer(1))] == nil ? -2 : 0
    case 56:
      let name = machine.string(machine.pointer(1))
      guard contents[name] != nil else { return -2 }
      let descriptor = Int64(open.count + 3)
      open[descriptor] = name
      return descriptor
    case 67:
      reads += 1
      guard let name = open[Int64(machine.argument(0))], let file = contents[name] else { return -9 }
      let start = min(Int(machine.argument(3)), file.count)
      let part = Array(file[start..<min(file.count, start + Int(machine.argument(2)))])
      machine.write(part, at: machine.pointer(1))
      return Int64(part.count)
    case 80:
      guard let name = open[Int64(machine.argument(0))], let file = contents[name] else { return -9 }
      let stat = machine.pointer(1)
      machine.write([UInt8](repeating: 0, count: 128), at: stat)
      machine.memory.store(UInt64(truncatingIfNeeded: name.hashValue), at: stat + 8)
      machine.memory.store(UInt32(0o100755), at: stat + 16)
      machine.memory.store(UInt64(file.count), at: stat + 48)
      machine.memory.store(changed[name] ?? 1, at: stat + 104)
      return 0
    case 113:
      machine.memory.store(UInt64(1000), at: machine.pointer(1))
      machine.memory.store(UInt64(0), at: machine.pointer(1) + 8)
      return 0
    default: return 0
    }
  }
}

struct ProgramTests {
  let machine = FakeMachine()
  let kernel: Kernel<FakeMachine>
  private let files = Files()
  let page: UInt64

  init() throws {
    kernel = try machine.boot()
    page = kernel.memory(pages: 4)
    let files = files
    machine.onForward = { files.answer($0) }
  }

  /// A program with a segment of code and one of data with 0x3000 bytes of zeros behind it.
  static func program(type: UInt16 = 2, machine: UInt16 = 183, entry: UInt64 = 0x40_0100) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 0x2000)
    func put<T: FixedWidthInteger>(_ value: T, _ at: Int) {
      for index in 0..<MemoryLayout<T>.size { bytes[at + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
    put(UInt32(0x464c_457f), 0)
    bytes[4] = 2
    bytes[5] = 1
    bytes[6] = 1
    put(type, 16)
    put(machine, 18)
    put(entry, 24)
    put(UInt64(64), 32)
    put(UInt16(56), 54)
    put(UInt16(2), 56)
    for (index, values) in [
      (flags: UInt32(5), offset: UInt64(0), address: UInt64(0x40_0000), file: UInt64(0x1000), memory: UInt64(0x1000)),
      (flags: 6, offset: 0x1000, address: 0x41_1000, file: 0x800, memory: 0x3800),
    ].enumerated() {
      let at = 64 + index * 56
      put(UInt32(1), at)
      put(values.flags, at + 4)
      put(values.offset, at + 8)
      put(values.address, at + 16)
      put(values.file, at + 32)
      put(values.memory, at + 40)
    }
    for index in 0x1000..<0x1800 { bytes[index] = 0x77 }
    return bytes
  }

  private func execute(_ path: String, _ arguments: [String]) throws -> Int64 {
    try kernel.write(Array(path.utf8) + [0], to: page)
    var at = page + 2048
    for (index, argument) in arguments.enumerated() {
      try kernel.write(Array(argument.utf8) + [0], to: at)
      try kernel.put(at, at: page + 1024 + UInt64(index) * 8)
      at += UInt64(argument.utf8.count + 1)
    }
    try kernel.put(UInt64(0), at: page + 1024 + UInt64(arguments.count) * 8)
    return kernel.call(221, page, page + 1024, 0)
  }

  private func strings() throws -> [String] {
    let stack = kernel.frame.value.sp
    let count = try kernel.get(stack, as: UInt64.self)
    return try (0..<count).map { index in
      let address = try kernel.get(stack + 8 + index * 8, as: UInt64.self)
      var bytes: [UInt8] = []
      while let byte = try? kernel.get(address + UInt64(bytes.count), as: UInt8.self), byte != 0 { bytes.append(byte) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test func aProgramIsLoaded() throws {
    files.contents["/bin/program"] = Self.program()
    let old = kernel.process.value.space
    #expect(try execute("/bin/program", ["program", "one", ""]) == 0)
    #expect(kernel.process.value.space != old)
    #expect(kernel.frame.value.pc == 0x40_0100)
    #expect(kernel.frame.value.sp % 16 == 0)
    #expect(try strings() == ["program", "one", ""])
    #expect(try kernel.get(0x41_1000, as: UInt8.self) == 0x77)
    #expect(try kernel.get(0x41_17ff, as: UInt8.self) == 0x77)
    #expect(try kernel.get(0x41_1800, as: UInt8.self) == 0)
    #expect(try kernel.get(0x41_4700, as: UInt8.self) == 0)
    #expect(throws: Errno.fault) { try kernel.put(UInt8(1), at: 0x40_0000) }
    #expect(machine.forwarded.contains(ProxyCall.executed.rawValue))
    // The auxiliary vector: the program headers are where the program is.
    var word = kernel.frame.value.sp + 8 * (1 + 3 + 1 + 1)
    var vector: [UInt64: UInt64] = [:]
    while true {
      let key = try kernel.get(word, as: UInt64.self)
      vector[key] = try kernel.get(word + 8, as: UInt64.self)
      if key == 0 { break }
      word += 16
    }
    #expect(vector[3] == 0x40_0040)
    #expect(vector[5] == 2)
    #expect(vector[9] == 0x40_0100)
    #expect(vector[6] == 4096)
  }

  private func sha256(_ bytes: [UInt8]) -> Digest {
    var hash = SHA256()
    for byte in bytes { hash.update(byte) }
    return hash.finish()
  }

  @Test func aFileIsReadAndMeasuredOnce() throws {
    let bytes = Self.program()
    files.contents["/p"] = bytes
    #expect(try execute("/p", ["p"]) == 0)
    #expect(machine.measured == [sha256(bytes)])
    // What the process writes stays its own.
    try kernel.put(UInt8(1), at: 0x41_1000)
    #expect(kernel.call(226, 0x40_0000, 4096, 7) == 0)
    try kernel.put(UInt8(1), at: 0x40_0200)
    let reads = files.reads
    let free = kernel.freeCount
    for _ in 0..<3 {
      try kernel.write(Array("/p\0".utf8), to: 0x41_2000)
      kernel.call(221, 0x41_2000, 0, 0)
      #expect(files.reads == reads)
      #expect(try kernel.get(0x41_1000, as: UInt8.self) == 0x77)
      #expect(try kernel.get(0x40_0200, as: UInt8.self) == 0)
      #expect(kernel.freeCount >= free - 4)
    }
    #expect(machine.measured.count == 1)
    // Another version, as its times tell.
    files.contents["/p"]![0x1000] = 0x78
    files.changed["/p"] = 2
    try kernel.write(Array("/p\0".utf8), to: 0x41_2000)
    kernel.call(221, 0x41_2000, 0, 0)
    #expect(try kernel.get(0x41_1000, as: UInt8.self) == 0x78)
    #expect(machine.measured == [sha256(bytes), sha256(files.contents["/p"]!)])
  }

  @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 4095, 4096, 4097, 130_000]) func digestsAreThoseOfFIPS(more: Int) throws {
    let bytes = Self.program() + (0..<more).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    files.contents["/p"] = bytes
    #expect(try execute("/p", ["p"]) == 0)
    #expect(machine.measured == [sha256(bytes)])
  }

  @Test func aFileThatJustChangedIsNotKept() throws {
    files.contents["/p"] = Self.program()
    files.changed["/p"] = 998
    #expect(try execute("/p", ["p"]) == 0)
    try kernel.write(Array("/p\0".utf8), to: 0x41_2000)
    kernel.call(221, 0x41_2000, 0, 0)
    #expect(machine.measured.count == 2)
  }

  @Test func imagesMakeRoomForOthersAndForMemory() throws {
    for number in 0..<100 {
      let path = kernel.memory(pages: 1)
      files.contents["/\(number)"] = Self.program()
      try kernel.write(Array("/\(number)\0".utf8), to: path)
      kernel.call(221, path, 0, 0)
      files.open = [:]
    }
    #expect(machine.measured.count == 100)
    let used = kernel.shared.value.totalCount - kernel.freeCount
    #expect(used < 400)
    var dropped = 0
    while kernel.dropImage() { dropped += 1 }
    #expect(dropped == 32)
    #expect(kernel.shared.value.totalCount - kernel.freeCount < used - 32 * 3)
    #expect(try kernel.get(0x41_1000, as: UInt8.self) == 0x77)
  }

  @Test func aRelocatableProgramGoesElsewhere() throws {
    files.contents["/p"] = Self.program(type: 3, entry: 0x40_0100)
    #expect(try execute("/p", ["p"]) == 0)
    #expect(kernel.frame.value.pc > 0x2aaa_0000_0000)
    #expect(kernel.frame.value.pc & 4095 == 0x100)
  }

  @Test func aScriptHasAnInterpreter() throws {
    files.contents["/bin/sh"] = Self.program()
    files.contents["/s"] = Array("#!/bin/sh -e \necho\n".utf8)
    #expect(try execute("/s", ["name", "one"]) == 0)
    #expect(try strings() == ["/bin/sh", "-e", "/s", "one"])
  }

  @Test func aScriptOfAScript() throws {
    files.contents["/bin/sh"] = Self.program()
    files.contents["/a"] = Array("#!/b x\n".utf8)
    files.contents["/b"] = Array("#! /bin/sh\n".utf8)
    files.contents["/loop"] = Array("#!/loop\n".utf8)
    files.contents["/empty"] = Array("#!\n".utf8)
    #expect(try execute("/a", ["name", "one"]) == 0)
    #expect(try strings() == ["/bin/sh", "/b", "x", "/a", "one"])
  }

  @Test func whatIsNoProgramIsRefused() throws {
    files.contents["/other"] = Self.program(machine: 62)
    files.contents["/text"] = Array("hello".utf8)
    files.contents["/nothing"] = []
    files.contents["/short"] = Array(Self.program()[..<100])
    files.contents["/loop"] = Array("#!/loop\n".utf8)
    files.contents["/empty"] = Array("#!\n".utf8)
    let old = kernel.process.value.space
    #expect(try execute("/missing", ["x"]) == -2)
    #expect(try execute("/other", ["x"]) == -8)
    #expect(try execute("/text", ["x"]) == -8)
    #expect(try execute("/nothing", ["x"]) == -8)
    #expect(try execute("/short", ["x"]) == -8)
    #expect(try execute("/loop", ["x"]) == -40)
    #expect(try execute("/empty", ["x"]) == -8)
    #expect(kernel.process.value.space == old)
  }

  /// The program, with a PT_INTERP for a name at 0x1000 in the place of its second header.
  static func dynamic() -> [UInt8] {
    var bytes = program()
    bytes[64 + 56] = 3
    for (index, byte) in (Array("/lib/ld.so".utf8) + [0]).enumerated() { bytes[0x1000 + index] = byte }
    bytes[64 + 56 + 32] = 11
    bytes[64 + 56 + 33] = 0
    return bytes
  }

  @Test func aMissingInterpreterIsNoEntry() throws {
    files.contents["/dynamic"] = Self.dynamic()
    #expect(try execute("/dynamic", ["x"]) == -2)
    files.contents["/lib/ld.so"] = Self.program(type: 3)
    #expect(try execute("/dynamic", ["x"]) == 0)
    #expect(kernel.frame.value.pc > 0x6000_0000_0000)
  }

  /// Headers with random bytes: the kernel survives, and keeps its program or has a new one.
  @Test func hostileHeaders() throws {
    var numbers = Numbers(state: 3)
    for round in 0..<1500 {
      files.changed["/x"] = UInt64(round % 900)
      var bytes = Self.program(type: Bool.random(using: &numbers) ? 2 : 3)
      for _ in 0..<Int.random(in: 1...6, using: &numbers) {
        let at = Int.random(in: 16..<176, using: &numbers)
        bytes[at] = UInt8.random(in: 0...255, using: &numbers)
        if Bool.random(using: &numbers) { for index in at..<min(at + 8, 176) { bytes[index] = 0xff } }
      }
      files.contents["/x"] = bytes
      let path = kernel.memory(pages: 1)
      try kernel.write(Array("/x\0".utf8), to: path)
      kernel.call(221, path, 0, 0)
      files.open = [:]
      #expect(kernel.process.value.space != 0)
    }
    // Nothing was lost but what the last program has.
    #expect(kernel.shared.value.totalCount - kernel.freeCount < 400)
  }

  @Test func forkMakesAChild() throws {
    try kernel.put(UInt64(5), at: page)
    machine.onForward = { machine in
      switch machine.header(Exchange.call) {
      case ProxyCall.fork.rawValue:
        #expect(machine.header(Exchange.newThread) == machine.threads)
        #expect(machine.argument(0) == 17)
        return 4321
      case 172: return 4321
      default: return 0
      }
    }
    kernel.frame.value.x[7] = 1234
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == 4321)
    let address = kernel.shared.value.tasks[1]
    let child = Kernel(platform: machine, task: machine.memory.reference(address, to: TaskData.self))
    child.startChild(exchange: FakeMachine.exchange)
    #expect(child.frame.value.x[0] == 0)
    #expect(child.frame.value.x[7] == 1234)
    #expect(child.call(172) == 4321)
    try child.put(UInt64(6), at: page)
    #expect(try kernel.get(page, as: UInt64.self) == 5)
    let free = kernel.freeCount
    child.call(94, 3)
    #expect(machine.endedWith == 3)
    #expect(kernel.freeCount > free)
    // Its slot is used again.
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == 4321)
    #expect(kernel.shared.value.tasks[2] == 0)
  }

  @Test func aForkThatTheHostRefusesCostsNothing() throws {
    machine.onForward = { _ in -11 }
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == -11)
    let free = kernel.freeCount
    let total = kernel.shared.value.totalCount
    for _ in 0..<50 { #expect(kernel.call(220, 17, 0, 0, 0, 0) == -11) }
    #expect(kernel.freeCount - free == kernel.shared.value.totalCount - total)
    #expect(machine.threads == 1)
    // Memory without the rest that threads share, and a thread without memory.
    #expect(kernel.call(220, 0x111, 0, 0, 0, 0) == -38)
    #expect(kernel.call(220, 0x10000, 0, 0, 0, 0) == -22)
  }

  @Test func theFirstProgramIsTheHosts() throws {
    files.contents["/bin/first"] = Self.program()
    let files = files
    machine.onForward = { machine in
      guard machine.header(Exchange.call) == ProxyCall.start.rawValue else { return files.answer(machine) }
      let data = FakeMachine.exchange + UInt64(Exchange.data)
      let strings = Array("/bin/first\0first\0two\0A=b\0".utf8)
      machine.memory.store(UInt64(2), at: data)
      machine.memory.store(UInt64(1), at: data + 8)
      machine.memory.store(UInt64(strings.count), at: data + 16)
      machine.memory.store(UInt64(1 << 1 | 1 << 12), at: data + 24)
      machine.memory.store(UInt64.max, at: data + 32)
      machine.write(strings, at: data + 40)
      return 0
    }
    kernel.start()
    #expect(machine.endedWith == nil)
    // What was ignored stays so, and what was blocked.
    #expect((1...64).filter { kernel.process.value.actions[$0 - 1].handler == 1 } == [2, 13])
    #expect(kernel.task.value.mask == UInt64.max ^ (1 << 8 | 1 << 18))
    #expect(try strings() == ["first", "two"])
    #expect(kernel.frame.value.pc == 0x40_0100)
  }

  @Test func aLieAboutTheFirstProgramEndsIt() throws {
    machine.onForward = { machine in
      let data = FakeMachine.exchange + UInt64(Exchange.data)
      machine.memory.store(UInt64(1000), at: data)
      machine.memory.store(UInt64(1), at: data + 8)
      machine.memory.store(UInt64.max, at: data + 16)
      return 0
    }
    kernel.start()
    #expect(machine.endedWith == 126)
  }

  @Test func theHostIsToldWhatDoesNotStart() throws {
    files.contents["/bin/dynamic"] = Self.dynamic()
    files.contents["/bin/garbage"] = Array("garbage".utf8)
    let files = files
    for (path, file, error, status) in [
      ("/bin/dynamic", "/lib/ld.so", 2, 127), ("/bin/garbage", "/bin/garbage", 8, 126), ("/nosuch", "/nosuch", 2, 127),
    ] as [(String, String, UInt64, UInt64)] {
      let machine = FakeMachine()
      let kernel = try machine.boot()
      kernel.process.value.space = 0
      var told: (String, UInt64)?
      machine.onForward = { machine in
        switch machine.header(Exchange.call) {
        case ProxyCall.start.rawValue:
          let data = FakeMachine.exchange + UInt64(Exchange.data)
          let strings = Array((path + "\0x\0").utf8)
          for (index, word) in [1, 0, UInt64(strings.count), 0, 0].enumerated() {
            machine.memory.store(word, at: data + UInt64(index) * 8)
          }
          machine.write(strings, at: data + 40)
          return 0
        case ProxyCall.notStarted.rawValue:
          told = (machine.string(machine.pointer(1)), machine.argument(0))
          return 0
        default: return files.answer(machine)
        }
      }
      kernel.start()
      #expect(machine.endedWith == status)
      #expect(told?.0 == file)
      #expect(told?.1 == error)
    }
  }
}

struct RandomTests {
  /// RFC 8439, A.1, test vector 1.
  @Test func chacha() {
    let block = chachaBlock(key: InlineArray(repeating: 0), counter: 0)
    #expect(block[0] == 0xade0_b876)
    #expect(block[1] == 0x903d_f1a0)
    #expect(block[15] == 0x8665_eeb2)
  }

  @Test func answersDiffer() throws {
    let machine = FakeMachine()
    let kernel = try machine.boot()
    let page = kernel.memory(pages: 2)
    #expect(kernel.call(278, page, 5000, 0) == 5000)
    let first = try kernel.read(page, 32)
    #expect(kernel.call(278, page, 32, 0) == 32)
    #expect(try kernel.read(page, 32) != first)
    #expect(kernel.call(278, page, 32, 128) == -22)
    #expect(kernel.call(278, 8, 32, 0) == -14)
  }
}

struct ClockTests {
  @Test func theHostIsAskedOnce() throws {
    let machine = FakeMachine()
    let kernel = try machine.boot()
    let page = kernel.memory(pages: 1)
    machine.onForward = { machine in
      machine.memory.store(Int64(1_700_000_000), at: machine.pointer(1))
      machine.memory.store(Int64(5), at: machine.pointer(1) + 8)
      return 0
    }
    for _ in 0..<100 { #expect(kernel.call(113, 0, page) == 0) }
    #expect(machine.forwarded.count == 1)
    #expect(try kernel.get(page, as: Int64.self) == 1_700_000_000)
    machine.ticks += 2_000_000_000
    #expect(kernel.call(113, 0, page) == 0)
    #expect(machine.forwarded.count == 2)
    machine.onForward = { machine in
      machine.memory.store(Int64(-5), at: machine.pointer(1))
      return 0
    }
    #expect(kernel.call(113, 1, page) == -5)
  }
}
