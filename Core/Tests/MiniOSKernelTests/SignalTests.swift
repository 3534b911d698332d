import ShimABI
import Testing

@testable import MiniOSKernel

struct SignalTests {
  let machine = FakeMachine()
  let kernel: Kernel<FakeMachine>
  let stack: UInt64
  let action: UInt64

  init() throws {
    kernel = try machine.boot()
    machine.onForward = { _ in 0 }
    stack = kernel.memory(pages: 8) + 8 * 4096
    action = kernel.memory(pages: 1)
    kernel.frame.value.sp = stack - 64
  }

  private func handle(_ signal: UInt64, flags: UInt64 = 0, mask: UInt64 = 0) throws {
    for (index, word) in [0x7777, flags, 0, mask].enumerated() { try kernel.put(word, at: action + UInt64(index) * 8) }
    #expect(kernel.call(134, signal, action, 0, 8) == 0)
  }

  private func send(_ signal: UInt64) {
    machine.memory.store(UInt64(1) << (signal - 1), at: FakeMachine.exchange + UInt64(Exchange.signals))
  }

  @Test func aHandlerRunsAndEverythingIsAsItWas() throws {
    try handle(10)
    for index in 0..<31 { kernel.frame.value.x[index] = UInt64(index) * 1000 }
    kernel.frame.value.pc = 0x4242
    kernel.frame.value.sp = stack - 64
    kernel.frame.value.pstate = 0x6000_0000
    let before = kernel.frame.value
    send(10)
    kernel.interrupted()
    #expect(kernel.frame.value.pc == 0x7777)
    #expect(kernel.frame.value.x[0] == 10)
    #expect(kernel.frame.value.sp % 16 == 0)
    #expect(kernel.task.value.mask == 1 << 9)
    #expect(kernel.frame.value.x[30] == Layout.trampoline)
    let frame = kernel.frame.value.sp
    #expect(try kernel.get(frame, as: UInt32.self) == 10)
    // struct ucontext: the mask at 40, struct sigcontext at 176, its first record the floating-point state.
    #expect(try kernel.get(frame + 128 + 176 + 8 + 5 * 8, as: UInt64.self) == 5000)
    #expect(try kernel.get(frame + 128 + 176 + 288, as: UInt32.self) == 0x4650_8001)
    #expect(try kernel.get(frame + 128 + 176 + 288 + 528, as: UInt64.self) == 0)
    kernel.frame.value.x[8] = 139
    kernel.systemCall()
    #expect(kernel.task.value.mask == 0)
    for index in 0..<31 { #expect(kernel.frame.value.x[index] == before.x[index]) }
    #expect(kernel.frame.value.pc == before.pc)
    #expect(kernel.frame.value.sp == before.sp)
    #expect(kernel.frame.value.pstate == before.pstate)
    #expect(machine.loadedFloats == (0..<520).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  }

  /// The result of the call that was interrupted is no result of rt_sigreturn.
  @Test func anInterruptedCallIsNotMadeAgainAfterItsHandler() throws {
    try handle(14)
    machine.onForward = { machine in
      machine.memory.store(UInt64(1) << 13, at: FakeMachine.exchange + UInt64(Exchange.signals))
      return -4
    }
    kernel.frame.value.pc = 0x5004
    kernel.frame.value.sp = stack - 64
    kernel.call(63, 3, action, 1)
    #expect(kernel.frame.value.pc == 0x7777)
    kernel.frame.value.x[8] = 139
    kernel.systemCall()
    #expect(kernel.frame.value.pc == 0x5004)
    #expect(Int64(bitPattern: kernel.frame.value.x[0]) == -4)
  }

  @Test func restartsAreMade() throws {
    try handle(14, flags: 0x1000_0000)
    machine.onForward = { machine in
      machine.memory.store(UInt64(1) << 13, at: FakeMachine.exchange + UInt64(Exchange.signals))
      return -4
    }
    kernel.frame.value.pc = 0x5004
    kernel.frame.value.sp = stack - 64
    kernel.call(63, 3, action, 1)
    kernel.frame.value.x[8] = 139
    kernel.systemCall()
    #expect(kernel.frame.value.pc == 0x5000)
    #expect(kernel.frame.value.x[0] == 3)
    // A call that was not made is always made again.
    machine.onForward = { _ in -513 }
    kernel.frame.value.pc = 0x5004
    kernel.call(63, 4, action, 1)
    #expect(kernel.frame.value.pc == 0x5000)
    #expect(kernel.frame.value.x[0] == 4)
  }

  @Test func aBlockedSignalWaits() throws {
    try handle(10)
    try kernel.put(UInt64(1) << 9, at: action + 64)
    #expect(kernel.call(135, 0, action + 64, 0, 8) == 0)
    send(10)
    kernel.frame.value.pc = 0x4000
    kernel.call(172)
    #expect(kernel.frame.value.pc == 0x4000)
    kernel.frame.value.sp = stack - 64
    #expect(kernel.call(135, 1, action + 64, 0, 8) == 10)
    #expect(kernel.frame.value.pc == 0x7777)
  }

  @Test func aStackThatIsNoneIsFatal() throws {
    try handle(11)
    kernel.frame.value.sp = 0x100
    kernel.exception(syndrome: 0x24 << 26 | 0b000111, address: 0x123)
    #expect(machine.forwarded.last == ProxyCall.die.rawValue)
    #expect(machine.endedWith == 128 + 11)
  }

  @Test func aFrameOfLiesGivesNoRights() throws {
    let base = (stack - 8192) & ~15
    for word in 0..<UInt64(144) { try kernel.put(UInt64.max, at: base + word * 8) }
    kernel.frame.value.sp = base
    kernel.frame.value.x[8] = 139
    kernel.systemCall()
    // EL0 with everything unmasked, whatever the frame says.
    #expect(kernel.frame.value.pstate == 0xf000_0000)
    #expect(kernel.task.value.mask & (1 << 8 | 1 << 18) == 0)
  }
}
