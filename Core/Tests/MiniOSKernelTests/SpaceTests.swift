import ShimABI
import Testing

@testable import MiniOSKernel

struct SpaceTests {
  let machine = FakeMachine()
  let kernel: Kernel<FakeMachine>

  init() throws { kernel = try machine.boot() }

  /// Random calls against a model that knows each page.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func mappingsAreThoseOfAModel(seed: UInt64) throws {
    var numbers = Numbers(state: seed)
    let base: UInt64 = 0x5000_0000_0000
    let pages = 64
    // Protection and the first byte of each page; nil is unmapped.
    var model = [(protection: UInt32, byte: UInt8)?](repeating: nil, count: pages)
    for _ in 0..<1500 {
      let start = Int.random(in: 0..<pages, using: &numbers)
      let count = Int.random(in: 1...pages - start, using: &numbers)
      let address = base + UInt64(start) * 4096
      let length = UInt64(count) * 4096
      let protection = UInt64.random(in: 0...7, using: &numbers)
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0:
        #expect(kernel.call(222, address, length, protection, 0x32, UInt64.max, 0) == Int64(address))
        for page in start..<start + count { model[page] = (UInt32(protection), 0) }
      case 1:
        #expect(kernel.call(215, address, length) == 0)
        for page in start..<start + count { model[page] = nil }
      case 2:
        let result = kernel.call(226, address, length, protection)
        var isWhole = true
        for page in start..<start + count where isWhole {
          if model[page] == nil { isWhole = false } else { model[page]!.protection = UInt32(protection) }
        }
        #expect(result == (isWhole ? 0 : -12))
      case 3:
        let result = kernel.call(233, address, length, 4)
        let isWhole = model[start..<start + count].allSatisfy { $0 != nil }
        #expect(result == (isWhole ? 0 : -12))
        if isWhole { for page in start..<start + count { model[page]!.byte = 0 } }
      default:
        let byte = UInt8.random(in: 1...255, using: &numbers)
        let isWritable = model[start].map { $0.protection & 2 != 0 } ?? false
        do throws(Errno) {
          try kernel.put(byte, at: address)
          #expect(isWritable)
          model[start]!.byte = byte
        } catch {
          #expect(!isWritable && error == .fault)
        }
      }
      for page in 0..<pages {
        let address = base + UInt64(page) * 4096
        let area = kernel.findArea(kernel.space, address)
        #expect(area?.protection.rawValue == model[page]?.protection)
        let byte = try? kernel.get(address, as: UInt8.self)
        let expected = model[page].flatMap { $0.protection == 0 ? nil : $0.byte }
        #expect(byte == expected)
      }
      for index in 0..<kernel.space.value.areaCount {
        let area = kernel.area(kernel.space, index)
        #expect(area.start < area.end)
        if index > 0 { #expect(kernel.area(kernel.space, index - 1).end <= area.start) }
      }
    }
  }

  @Test func nothingIsMappedInTheKernelsHalf() {
    #expect(kernel.call(222, 0xffff_0000_0000_0000, 4096, 3, 0x32, UInt64.max, 0) == -12)
    #expect(kernel.call(222, Layout.trampoline, 4096, 3, 0x32, UInt64.max, 0) == -12)
    #expect(kernel.call(222, 0, 4096, 3, 0x32, UInt64.max, 0) == -12)
    #expect(kernel.call(222, 0, UInt64.max, 3, 0x22, UInt64.max, 0) == -12)
    #expect(kernel.call(222, 0, 0, 3, 0x22, UInt64.max, 0) == -22)
    #expect(kernel.call(215, 0xffff_0000_0000_0000, 4096) == -22)
    #expect(kernel.call(226, UInt64.max & ~4095, 8192, 3) == -12)
  }

  @Test func theHeapGrowsAndShrinks() throws {
    let start = kernel.call(214, 0)
    #expect(kernel.call(214, UInt64(start) + 10000) == start + 10000)
    try kernel.put(UInt8(1), at: UInt64(start) + 9999)
    #expect(kernel.call(214, UInt64(start) + 100) == start + 100)
    #expect(throws: Errno.fault) { try kernel.get(UInt64(start) + 9999, as: UInt8.self) }
    #expect(kernel.call(214, UInt64(start) + 10000) == start + 10000)
    #expect(try kernel.get(UInt64(start) + 9999, as: UInt8.self) == 0)
  }

  @Test func remappingMovesContents() throws {
    let old = kernel.memory(pages: 2)
    try kernel.put(UInt8(42), at: old + 5000)
    // In the way of growing.
    _ = kernel.call(222, old + 8192, 4096, 3, 0x32, UInt64.max, 0)
    #expect(kernel.call(216, old, 8192, 65536, 0) == -12)
    let new = UInt64(bitPattern: kernel.call(216, old, 8192, 65536, 1))
    #expect(new != old)
    #expect(try kernel.get(new + 5000, as: UInt8.self) == 42)
    #expect(throws: Errno.fault) { try kernel.get(old, as: UInt8.self) }
  }

  @Test func freedMemoryGoesBackToTheHost() throws {
    machine.skipsClaimed = true
    for _ in 0..<3 {
      let pages: UInt64 = 10_000
      let address = kernel.memory(pages: pages)
      for page in 0..<pages { try kernel.put(page + 1, at: address + page * 4096) }
      let (before, total) = (machine.givenBack.count, kernel.shared.value.totalCount)
      #expect(kernel.call(215, address, pages * 4096) == 0)
      let given = machine.givenBack[before...].reduce(0) { $0 + $1.1 }
      #expect(given > 4000)
      #expect(kernel.shared.value.totalCount == total - given)
      // The boot block is not the host's to have.
      #expect(machine.givenBack.allSatisfy { $0.0 >= FakeMachine.firstGrant && $0.1 <= 512 })
      var free: UInt64 = 0
      var taken: [UInt64] = []
      let count = kernel.freeCount
      while free < count {
        taken.append(try kernel.allocate())
        free += 1
      }
      #expect(Set(taken).count == taken.count)
      for page in taken { kernel.release(page) }
      #expect(kernel.freeCount == count)
      // What was given back is granted again.
      machine.nextGrant = FakeMachine.firstGrant
    }
  }

  @Test func memoryThatSomebodyLooksAtStays() throws {
    let address = kernel.memory(pages: 10_000)
    for page in 0..<UInt64(10_000) { try kernel.put(page + 1, at: address + page * 4096) }
    machine.onForward = { _ in 99 }
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == 99)
    let other: Ref<TaskData> = machine.memory.reference(kernel.shared.value.tasks[1])
    other.value.isLooking = 1
    let total = kernel.shared.value.totalCount
    kernel.freeSpace(machine.memory.reference(other.value.space))
    #expect(kernel.call(215, address, 10_000 * 4096) == 0)
    #expect(machine.givenBack.isEmpty && kernel.shared.value.totalCount == total && kernel.freeCount > 9000)
    other.value.isLooking = 0
    kernel.giveBack()
    #expect(!machine.givenBack.isEmpty)
  }

  @Test func forkedMemoryIsCopiedWhenWritten() throws {
    let private_ = kernel.memory(pages: 8)
    let shared = UInt64(bitPattern: kernel.call(222, 0, 8192, 3, 0x21, UInt64.max, 0))
    for page in 0..<UInt64(8) { try kernel.put(UInt64(page + 1), at: private_ + page * 4096) }
    let before = kernel.freeCount
    let total = kernel.shared.value.totalCount
    let child = try kernel.copySpace(asid: 2)
    // The child writes.
    machine.memory.store(UInt64(99), at: try kernel.translate(child, private_, .write))
    machine.memory.store(UInt64(7), at: try kernel.translate(child, shared, .write))
    #expect(try kernel.get(private_, as: UInt64.self) == 1)
    #expect(try kernel.get(shared, as: UInt64.self) == 7)
    // The parent writes; the child keeps what it had.
    try kernel.put(UInt64(55), at: private_ + 4096)
    let copied: UInt64 = machine.memory.load(try kernel.translate(child, private_ + 4096, .read))
    #expect(copied == 2)
    let page = kernel.entry(kernel.space, private_ + 8192).page
    #expect(kernel.holders(page) == 2)
    kernel.freeSpace(child)
    #expect(kernel.holders(page) == 1)
    // The two private pages that were copied are all that is not free again, and the parent's copy replaced one.
    #expect(kernel.freeCount + (total - total) == before + kernel.shared.value.totalCount - total)
    // Nobody else holds it, so that it is written in place.
    try kernel.put(UInt64(3), at: private_ + 8192)
    #expect(kernel.entry(kernel.space, private_ + 8192).page == page)
  }

  @Test func everythingIsFreedAtTheEnd() throws {
    let pages = kernel.shared.value.totalCount
    let free = kernel.freeCount
    let area = kernel.memory(pages: 300)
    for page in 0..<UInt64(300) { try kernel.put(UInt8(1), at: area + page * 4096) }
    let child = try kernel.copySpace(asid: 2)
    kernel.freeSpace(child)
    #expect(kernel.call(215, area, 300 * 4096) == 0)
    let grown = kernel.shared.value.totalCount - pages
    // Tables and the page of areas stay with the space; counts take no new page in this range.
    #expect(kernel.freeCount + 8 >= free + grown)
  }

  @Test func aHostThatGrantsForeignMemoryIsNotBelieved() throws {
    // Its own exchange buffer, an unaligned address, beyond RAM, and twice the same.
    machine.nextGrant = FakeMachine.exchange
    let held = kernel.shared.value.totalCount
    #expect(throws: Errno.noMemory) { try kernel.grow() }
    machine.nextGrant = FakeMachine.firstGrant + 8
    #expect(throws: Errno.noMemory) { try kernel.grow() }
    machine.nextGrant = FakeMachine.ram + UInt64(FakeMachine.size) - 4096
    #expect(throws: Errno.noMemory) { try kernel.grow() }
    machine.nextGrant = FakeMachine.firstGrant
    try kernel.grow()
    machine.nextGrant = FakeMachine.firstGrant
    #expect(throws: Errno.noMemory) { try kernel.grow() }
    #expect(kernel.shared.value.totalCount == held + 128)
  }

  @Test func withoutMemoryCallsFail() throws {
    machine.grantsLeft = 0
    let area = kernel.memory(pages: 1000)
    var written: UInt64 = 0
    while written < 1000, (try? kernel.put(UInt8(1), at: area + written * 4096)) != nil { written += 1 }
    #expect(written > 10 && written < 100)
    machine.grantsLeft = 100
    try kernel.put(UInt8(1), at: area + written * 4096)
  }
}
