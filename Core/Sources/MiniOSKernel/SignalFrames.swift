// The frame on a program's stack while its handler runs: struct rt_sigframe of Linux for arm64
// (arch/arm64/kernel/signal.c, uapi/asm/sigcontext.h and ucontext.h).

/// Offsets into the frame.
enum SignalFrame {
  static let info: UInt64 = 0
  static let context: UInt64 = 128
  static let alternateStack = context + 16
  static let mask = context + 40
  static let machine = context + 176
  static let registers = machine + 8
  static let stackPointer = registers + 31 * 8
  static let counter = stackPointer + 8
  static let state = counter + 8
  /// struct fpsimd_context: magic, size, FPSR, FPCR, then 32 registers of 16 bytes.
  static let floats = machine + 288
  static let floatRegisters = floats + 16
  static let floatMagic: UInt32 = 0x4650_8001
  static let floatSize: UInt32 = 528
  /// An empty record is the last.
  static let terminator = floats + 528
  /// What is written of it.
  static let used = terminator + 16
  /// All of it, with the whole reserved space of struct sigcontext.
  static let size: UInt64 = 128 + 176 + 288 + 4096
}

/// What a handler is told (siginfo_t).
struct SignalInfo {
  var code: UInt32
  /// Of a fault; others have sender, user and value.
  var address: UInt64
  var sender: UInt32 = 0
  var user: UInt32 = 0
  var value: UInt32 = 0
}

extension Kernel {
  /// Builds the frame and continues the program in its handler. A stack that can't be written is fatal.
  func enterHandler(_ number: UInt64, _ action: SignalAction, _ info: SignalInfo) {
    let page = task.value.scratch
    memory.zero(page, count: SignalFrame.used)
    memory.store(UInt32(number), at: page + SignalFrame.info)
    memory.store(info.code, at: page + SignalFrame.info + 8)
    memory.store(info.address | UInt64(info.sender) | UInt64(info.user) << 32, at: page + SignalFrame.info + 16)
    memory.store(UInt64(info.value), at: page + SignalFrame.info + 24)
    let wasOn = isOnAlternateStack(frame.value.sp)
    memory.store(task.value.alternateStack, at: page + SignalFrame.alternateStack)
    memory.store(UInt32(task.value.alternateSize == 0 ? 2 : wasOn ? 1 : 0), at: page + SignalFrame.alternateStack + 8)
    memory.store(task.value.alternateSize, at: page + SignalFrame.alternateStack + 16)
    let oldMask = task.value.hasSavedMask != 0 ? task.value.savedMask : task.value.mask
    task.value.hasSavedMask = 0
    memory.store(oldMask, at: page + SignalFrame.mask)
    memory.store(info.address, at: page + SignalFrame.machine)
    for index in 0..<31 {
      memory.store(frame.value.x[index], at: page + SignalFrame.registers + UInt64(index) * 8)
    }
    memory.store(frame.value.sp, at: page + SignalFrame.stackPointer)
    memory.store(frame.value.pc, at: page + SignalFrame.counter)
    memory.store(frame.value.pstate, at: page + SignalFrame.state)
    platform.saveFloats(page + SignalFrame.floatRegisters)
    let status: UInt32 = memory.load(page + SignalFrame.terminator)
    let control: UInt32 = memory.load(page + SignalFrame.terminator + 4)
    memory.store(SignalFrame.floatMagic, at: page + SignalFrame.floats)
    memory.store(SignalFrame.floatSize, at: page + SignalFrame.floats + 4)
    memory.store(status, at: page + SignalFrame.floats + 8)
    memory.store(control, at: page + SignalFrame.floats + 12)
    memory.zero(page + SignalFrame.terminator, count: 16)

    var stack = frame.value.sp
    if action.flags & ActionFlag.onStack != 0, task.value.alternateSize != 0, !wasOn {
      stack = task.value.alternateStack &+ task.value.alternateSize
    }
    // A frame record above it lets debuggers walk through the handler.
    let record = (stack & ~15) &- 16
    let base = record &- SignalFrame.size
    do throws(Errno) {
      try copyOut(page, to: base, count: SignalFrame.used)
      try put(frame.value.x[29], at: record)
      try put(frame.value.x[30], at: record &+ 8)
    } catch {
      die(Signal.segmentation)
      return
    }
    frame.value.x[0] = number
    frame.value.x[1] = base &+ SignalFrame.info
    frame.value.x[2] = base &+ SignalFrame.context
    frame.value.x[29] = record
    frame.value.x[30] = action.flags & ActionFlag.restorer != 0 ? action.restorer : Layout.trampoline
    frame.value.sp = base
    frame.value.pc = action.handler
    frame.value.pstate = cleanState(frame.value.pstate)
    task.value.mask |= action.mask
    if action.flags & ActionFlag.noDefer == 0 { task.value.mask |= Signal.bit(number) }
    if action.flags & ActionFlag.reset != 0 { process.value.actions[Int(number - 1)].handler = 0 }
  }

  /// rt_sigreturn. A frame that can't be read is fatal.
  func returnFromHandler() {
    let page = task.value.scratch
    let base = frame.value.sp
    do throws(Errno) {
      guard base % 16 == 0 else { throw .fault }
      try copyIn(base, to: page, count: SignalFrame.used)
    } catch {
      die(Signal.segmentation)
      return
    }
    for index in 0..<31 {
      frame.value.x[index] = memory.load(page + SignalFrame.registers + UInt64(index) * 8)
    }
    frame.value.sp = memory.load(page + SignalFrame.stackPointer)
    frame.value.pc = memory.load(page + SignalFrame.counter)
    frame.value.pstate = cleanState(memory.load(page + SignalFrame.state))
    let mask = memory.load(page + SignalFrame.mask, as: UInt64.self) & ~Signal.unblockable
    if memory.load(page + SignalFrame.floats, as: UInt32.self) == SignalFrame.floatMagic,
      memory.load(page + SignalFrame.floats + 4, as: UInt32.self) == SignalFrame.floatSize
    {
      let status: UInt32 = memory.load(page + SignalFrame.floats + 8)
      let control: UInt32 = memory.load(page + SignalFrame.floats + 12)
      memory.store(status, at: page + SignalFrame.terminator)
      memory.store(control, at: page + SignalFrame.terminator + 4)
      platform.loadFloats(page + SignalFrame.floatRegisters)
    }
    try? changeMask(mask)
  }

  /// The processor state of a program: only its condition flags are its own to choose.
  func cleanState(_ state: UInt64) -> UInt64 { state & 0xf000_0000 }
}
