import ShimABI
import Testing

@testable import MiniOSKernel

struct ReapingTests {
  let machine = FakeMachine()
  let kernel: Kernel<FakeMachine>
  let page: UInt64

  init() throws {
    kernel = try machine.boot()
    page = kernel.memory(pages: 4)
    try kernel.put(UInt64(1), at: page)
  }

  /// A child that runs: its kernel.
  private func child() -> Kernel<FakeMachine> {
    machine.onForward = { machine in machine.header(Exchange.call) == ProxyCall.fork.rawValue ? 500 : 0 }
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == 500)
    let number = machine.header(Exchange.newThread)
    let address = (0..<480).map { kernel.shared.value.tasks[$0] }.first { address in
      address != 0 && machine.memory.reference(address, to: TaskData.self).value.thread == number
        && machine.memory.reference(address, to: TaskData.self).value.state == TaskState.ready
    }
    let child = Kernel(platform: machine, task: machine.memory.reference(address ?? 0, to: TaskData.self))
    child.startChild(exchange: FakeMachine.exchange)
    return child
  }

  private func wait(status: UInt32) {
    machine.onForward = { machine in
      if machine.header(Exchange.call) == 260 { machine.memory.store(status, at: machine.pointer(1)) }
      return 500
    }
    #expect(kernel.call(260, UInt64.max, page + 64, 0, 0) == 500)
  }

  @Test func aKilledChildLeavesNothing() throws {
    wait(status: 0)
    var used: UInt64 = 0
    for round in 0..<300 {
      let child = child()
      for number in 0..<UInt64(4) { try child.put(number, at: page + number * 4096) }
      // While it lives it stays.
      wait(status: 9)
      #expect(child.task.value.state == TaskState.running)
      #expect(try child.get(page + 4096, as: UInt64.self) == 1)
      machine.killed.insert(child.task.value.thread)
      wait(status: 9)
      #expect(child.task.value.state == TaskState.free)
      if round == 0 { used = kernel.shared.value.totalCount - kernel.freeCount }
      #expect(kernel.shared.value.totalCount - kernel.freeCount == used)
    }
    #expect(kernel.shared.value.tasks[2] == 0)
  }

  @Test func aForkFindsTheSlotOfAKilledChild() throws {
    for _ in 0..<20 {
      let child = child()
      machine.killed.insert(child.task.value.thread)
    }
    #expect(kernel.shared.value.tasks[2] == 0)
  }

  /// Before it runs first a child has no exchange buffer either: that alone does not mean that it is dead.
  @Test func aChildThatNeverRanIsReapedOnceTheHostSaysThatItIsDead() throws {
    machine.onForward = { _ in 500 }
    #expect(kernel.call(220, 17, 0, 0, 0, 0) == 500)
    let address = kernel.shared.value.tasks[1]
    let child: Ref<TaskData> = machine.memory.reference(address)
    machine.killed.insert(child.value.thread)
    #expect(kernel.reapThreads() == 0)
    #expect(kernel.reapThreads(reported: 501) == 0)
    #expect(child.value.state == TaskState.ready)
    #expect(kernel.reapThreads(reported: 500) == 1)
    #expect(child.value.state == TaskState.free)
  }

  /// Killed while it has a page that no table has, and in the midst of what was claimed.
  @Test func whatAThreadHadInHandIsFreed() throws {
    let child = child()
    let before = kernel.freeCount
    let held = try kernel.allocate()
    child.task.value.slotInHand = try child.makeEntryAddress(child.space, page)
    child.task.value.pageInHand = held
    let rest = try [kernel.allocate(), kernel.allocate()].sorted()
    for page in rest { kernel.release(page) }
    machine.killed.insert(child.task.value.thread)
    #expect(kernel.reapThreads() == 1)
    #expect(kernel.holders(held) == 0)
    #expect(kernel.freeCount >= before)
    // One that a table has is freed with it, once.
    let other = self.child()
    try other.put(UInt64(5), at: page)
    let slot = try #require(other.entryAddress(other.space, page))
    other.task.value.slotInHand = slot
    other.task.value.pageInHand = PageEntry(bits: machine.memory.load(slot)).page
    machine.killed.insert(other.task.value.thread)
    #expect(kernel.reapThreads() == 1)
    var seen: Set<UInt64> = []
    let count = kernel.freeCount
    for _ in 0..<count { #expect(seen.insert(try kernel.allocate()).inserted) }
  }

  /// Killed while it freed its memory map, at any step: the rest is freed, and nothing twice.
  @Test func whoeverReapsGoesOnWhereAThreadWas() throws {
    let child = child()
    for number in 0..<UInt64(4) { try child.put(number, at: page + number * 4096) }
    child.task.value.hasLeft = 1
    child.task.value.threads = 0
    child.task.value.finisher = child.task.value.slot + 1
    let slot = try #require(child.entryAddress(child.space, page))
    let entry = PageEntry(bits: machine.memory.load(slot))
    machine.memory.store(UInt64(0), at: slot)
    child.release(entry.page)
    machine.killed.insert(child.task.value.thread)
    #expect(kernel.reapThreads() == 1)
    #expect(child.task.value.space == 0 && child.task.value.isHeld == 0)
    var seen: Set<UInt64> = []
    let count = kernel.freeCount
    for _ in 0..<count { #expect(seen.insert(try kernel.allocate()).inserted) }
  }
}
