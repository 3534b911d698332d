import ShimABI
import Testing

@testable import MiniOSKernel

struct ThreadTests {
  typealias Thread = Kernel<FakeMachine>
  let machine = FakeMachine()
  let kernel: Thread
  let page: UInt64

  static let flags: UInt64 = 0x3d_0f00

  init() throws {
    kernel = try machine.boot()
    var number: Int64 = 100
    machine.onForward = { machine in
      switch machine.header(Exchange.call) {
      case 172: return 100
      case ProxyCall.thread.rawValue, ProxyCall.fork.rawValue:
        number += 1
        return number
      default: return 0
      }
    }
    page = kernel.memory(pages: 4)
  }

  /// A thread that has begun.
  private func start(_ from: Thread? = nil, clear: UInt64 = 0) throws -> Thread {
    let from = from ?? kernel
    #expect(from.call(220, Self.flags, 0x5000, page + 2048, 0x6000, clear) > 100)
    let new: Thread = try #require(
      (0..<480).compactMap { slot -> Thread? in
        let address = from.shared.value.tasks[slot]
        guard address != 0 else { return nil }
        let task: Ref<TaskData> = machine.memory.reference(address)
        return task.value.state == TaskState.ready ? Kernel(platform: machine, task: task) : nil
      }.first)
    new.startChild(exchange: FakeMachine.exchange)
    return new
  }

  private func wait(_ thread: Thread, _ address: UInt64, _ value: UInt64 = 0, bits: UInt64 = 0xffff_ffff) -> Int64 {
    thread.call(98, address, 9, value, 0, 0, bits)
  }

  /// Threads that wait, the first one first; then something happens.
  private func wait(_ threads: [Thread], _ address: UInt64, then body: @escaping () -> Void) {
    guard let first = threads.first else { return body() }
    machine.whileBlocked.append { self.wait(Array(threads.dropFirst()), address, then: body) }
    #expect(wait(first, address) == 0)
  }

  @Test func aThreadHasMemoryAndProcessInCommon() throws {
    kernel.frame.value.x[7] = 1234
    let clear = page + 8
    try kernel.put(UInt32(55), at: clear)
    let thread = try start(clear: clear)
    #expect(try kernel.get(page + 2048, as: UInt32.self) == 101)
    #expect(thread.frame.value.x[0] == 0)
    #expect(thread.frame.value.x[7] == 1234)
    #expect(thread.frame.value.sp == 0x5000)
    #expect(machine.threadPointer == 0x6000)
    #expect((thread.call(172), thread.call(178), kernel.call(178)) == (100, 101, 100))
    try thread.put(UInt64(77), at: page)
    #expect(try kernel.get(page, as: UInt64.self) == 77)
    let free = kernel.freeCount
    thread.call(93, 0)
    #expect(try kernel.get(clear, as: UInt32.self) == 0)
    #expect(kernel.freeCount == free)
    #expect(kernel.process.value.threads == 1)
    // Its slot is used again.
    _ = try start()
    #expect(kernel.shared.value.tasks[2] == 0)
  }

  @Test func theLastThreadFreesEverything() throws {
    let thread = try start()
    kernel.call(93, 0)
    // The slot of the first thread is not free as long as the process is there.
    let other = try start(thread)
    #expect(other.task.value.slot == 2)
    let free = kernel.freeCount
    other.call(93, 0)
    #expect(kernel.freeCount == free)
    thread.call(93, 0)
    #expect(kernel.task.value.isHeld == 0)
    #expect(kernel.freeCount > free)
  }

  @Test func numbersThatTheHostGivesTwiceAreRefused() throws {
    for answer: Int64 in [100, 101, 0x4000_0000, 0, Int64.max] {
      _ = answer == 100 ? try start() : nil
      machine.onForward = { machine in machine.header(Exchange.call) == 172 ? 100 : answer }
      #expect(kernel.call(220, Self.flags, 0x5000, page + 2048, 0, 0) == -5)
      #expect(kernel.process.value.threads == 2)
    }
    machine.onForward = { _ in -11 }
    #expect(kernel.call(220, Self.flags, 0x5000, page + 2048, 0, 0) == -11)
    #expect(kernel.process.value.threads == 2)
  }

  @Test func aThreadThatRunsThoughTheHostSaidItDoesNotEnds() throws {
    machine.onForward = { machine in
      guard machine.header(Exchange.call) == ProxyCall.thread.rawValue else { return 100 }
      let task: Ref<TaskData> = machine.memory.reference(self.kernel.shared.value.tasks[1])
      task.value.state = TaskState.running
      return -11
    }
    #expect(kernel.call(220, Self.flags, 0x5000, page + 2048, 0, 0) == -11)
    let task: Ref<TaskData> = machine.memory.reference(kernel.shared.value.tasks[1])
    #expect(task.value.go == 3)
    task.value.state = TaskState.ready
    Kernel(platform: machine, task: task).startChild(exchange: FakeMachine.exchange)
    #expect(machine.endedWith == 0)
    #expect(kernel.process.value.threads == 1)
  }

  @Test func whoWaitsIsWokenInOrder() throws {
    let threads = [try start(), try start(), try start()]
    let numbers = threads.map { $0.task.value.thread }
    wait(threads, page) {
      #expect(kernel.call(98, page, 1, 1) == 1)
      #expect(machine.woken == [numbers[0]])
      #expect(kernel.call(98, page, 129, 5) == 2)
      #expect(machine.woken == numbers)
      #expect(kernel.call(98, page, 1, 5) == 0)
    }
  }

  @Test func aHostThatWakesWithoutReasonChangesNothing() throws {
    let thread = try start()
    var count = 0
    for _ in 0..<10 { machine.whileBlocked.append { count += 1 } }
    machine.whileBlocked.append { #expect(kernel.call(98, page, 1, 1) == 1) }
    #expect(wait(thread, page) == 0)
    #expect(count == 10)
  }

  /// As behind a barrier: whoever is woken is through the next round, and waits again, before the wake is over.
  @Test func whoWaitsAgainIsNotWokenAgain() throws {
    let thread = try start()
    let word = thread.waitAddress(thread.task.value.slot)
    var count = 0
    wait([thread], page) {
      let key: UInt64 = machine.memory.load(word)
      machine.whileWaking = {
        count += 1
        if count < 5 { thread.beginWaiting(key, 0xffff_ffff) }
      }
      #expect(kernel.call(98, page, 129, 0x7fff_ffff) == 1)
      #expect(count == 1)
      machine.whileWaking = nil
      #expect(kernel.call(98, page, 129, 0x7fff_ffff) == 1)
    }
  }

  @Test func oneThatTheHostDoesNotKnowIsNoWake() throws {
    let threads = [try start(), try start(), try start()]
    let numbers = threads.map { $0.task.value.thread }
    machine.gone = [numbers[0]]
    wait(threads, page) {
      #expect(kernel.call(98, page, 1, 1) == 1)
      #expect(machine.woken == [numbers[1]])
      #expect(kernel.call(98, page, 1, 1) == 1)
    }
  }

  @Test func valuesTimesAndSignals() throws {
    #expect(wait(kernel, page, 1) == -11)
    #expect(wait(kernel, page + 1) == -22)
    #expect(wait(kernel, page, bits: 0) == -22)
    #expect(wait(kernel, 0x1000) == -14)
    machine.onForward = { machine in
      machine.memory.store(UInt64(0), at: machine.pointer(1))
      machine.memory.store(UInt64(0), at: machine.pointer(1) + 8)
      return 0
    }
    try kernel.put(UInt64(3), at: page + 64)
    try kernel.put(UInt64(5), at: page + 72)
    let before = machine.ticks
    #expect(kernel.call(98, page, 0, 0, page + 64) == -110)
    #expect(machine.ticks - before >= 3_000_000_005)
    try kernel.put(UInt64(1_000_000_000), at: page + 72)
    #expect(kernel.call(98, page, 0, 0, page + 64) == -22)
    machine.whileBlocked.append {
      machine.memory.store(UInt64(1) << 9, at: FakeMachine.exchange + UInt64(Exchange.signals))
    }
    // Default action of a signal that the host recorded: the process ends.
    #expect(wait(kernel, page) == -4)
    #expect(machine.endedWith == 138)
    #expect(machine.memory.load(kernel.shared.value.waits, as: UInt64.self) == 0)
  }

  @Test func waitersMoveToAnotherWord() throws {
    let threads = [try start(), try start(), try start()]
    try kernel.put(UInt32(0), at: page + 4)
    wait(threads, page) {
      #expect(kernel.call(98, page, 4, 1, 5, page + 4, 1) == -11)
      #expect(kernel.call(98, page, 4, 1, 1, page + 4, 0) == 2)
      #expect(kernel.call(98, page + 4, 1, 9) == 1)
      // FUTEX_WAKE_OP: adds 3 to the other word, which was 0.
      #expect(kernel.call(98, page, 5, 9, 9, page + 4, 1 << 28 | 3 << 12) == 1)
    }
    #expect(try kernel.get(page + 4, as: UInt32.self) == 3)
  }

  @Test func sharedMemoryIsTheSameWordForAllProcesses() throws {
    let shared = UInt64(bitPattern: kernel.call(222, 0, 4096, 3, 0x21, UInt64.max, 0))
    #expect(kernel.call(220, 17, 0, 0, 0, 0) > 100)
    let task: Ref<TaskData> = machine.memory.reference(kernel.shared.value.tasks[1])
    let child = Kernel(platform: machine, task: task)
    child.startChild(exchange: FakeMachine.exchange)
    machine.whileBlocked.append {
      // Private memory is another process's, whatever its page.
      #expect(kernel.call(98, page, 1, 9) == 0)
      #expect(kernel.call(98, shared, 1, 9) == 1)
    }
    #expect(wait(child, shared) == 0)
    machine.whileBlocked.append {
      #expect(kernel.call(98, page, 1, 9) == 0)
      #expect(child.call(98, page, 1, 9) == 1)
    }
    #expect(wait(child, page) == 0)
  }

  @Test func allLeaveWhenOneEndsTheProcess() throws {
    let threads = [try start(), try start()]
    let leave = UInt64(1) << (Signal.kill - 1)
    let signals = FakeMachine.exchange + UInt64(Exchange.signals)
    // Nobody said so.
    machine.memory.store(leave, at: signals)
    threads[0].interrupted()
    #expect(machine.endedWith == nil)
    machine.whileBlocked.append {
      kernel.call(94, 3)
      #expect(machine.endedWith == 3)
      machine.memory.store(leave, at: signals)
    }
    let free = kernel.freeCount
    #expect(wait(threads[0], page) == -4)
    #expect(kernel.process.value.threads == 1)
    #expect(kernel.freeCount == free)
    threads[1].call(94, 4)
    #expect(kernel.process.value.isHeld == 0)
    #expect(kernel.freeCount > free)
    #expect(machine.forwarded.filter { $0 == 94 }.count == 1)
  }

  @Test func executingWaitsUntilTheOthersHaveLeft() throws {
    let thread = try start()
    var asked = 0
    machine.onForward = { machine in
      guard machine.header(Exchange.call) == ProxyCall.alone.rawValue else { return 0 }
      asked += 1
      if asked == 3 {
        machine.memory.store(UInt64(1) << 8, at: FakeMachine.exchange + UInt64(Exchange.signals))
        kernel.interrupted()
      }
      return 0
    }
    try thread.becomeAlone()
    #expect(asked == 3)
    #expect(thread.process.value.threads == 1)
    #expect(thread.call(178) == 100)
  }

  @Test func locksOfAThreadThatEndedAreMarked() throws {
    let thread = try start()
    // A list of one lock, 8 bytes after its entry.
    let (head, entry) = (page + 256, page + 512)
    for (index, word) in [entry, 8, 0].enumerated() { try thread.put(word, at: head + UInt64(index) * 8) }
    try thread.put(head, at: entry)
    try thread.put(UInt64(0x1234_5678_0000_0000 | 0x8000_0000 | 101), at: entry + 8)
    #expect(thread.call(99, head, 24) == 0)
    machine.whileBlocked.append { thread.call(93, 0) }
    #expect(wait(kernel, entry + 8, 0x8000_0000 | 101) == 0)
    #expect(try kernel.get(entry + 8, as: UInt64.self) == 0x1234_5678_c000_0000)
  }

  @Test func whoNeedsTheMemoryMapLetsItsOwnerGoOn() throws {
    let thread = try start()
    thread.lockMap()
    thread.lockMap()
    thread.unlockMap()
    machine.whileBlocked.append {}
    machine.whileBlocked.append { thread.unlockMap() }
    #expect(kernel.call(214, 0) > 0)
    #expect(machine.whileBlocked.isEmpty)
    #expect(kernel.process.value.mapOwner == 0)
  }
}
