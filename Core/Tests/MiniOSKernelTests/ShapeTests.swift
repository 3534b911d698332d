import ShimABI
import SyscallCatalogue
import Testing

@testable import MiniOSKernel

struct ShapeTests {
  @Test func unknownCallsHaveNoShape() {
    #expect(Shape.of(999).map { _ in true } == nil)
    // mmap, execve, clone: never the host's.
    for number in [222, 221, 220, 215, 226, 214, 117, 270, 271] as [UInt64] {
      #expect(Shape.of(number).map { _ in true } == nil)
    }
  }

  /// Each number that has a shape is the call that its comment in Shapes.swift names.
  @Test func numbersAreThoseOfTheCatalogue() throws {
    let names: [(UInt64, String)] = [
      (5, "setxattr"), (17, "getcwd"), (19, "eventfd2"), (20, "epoll_create1"), (21, "epoll_ctl"),
      (22, "epoll_pwait"), (23, "dup"), (24, "dup3"), (32, "flock"), (34, "mkdirat"), (35, "unlinkat"),
      (36, "symlinkat"), (37, "linkat"), (38, "renameat"), (43, "statfs"), (46, "ftruncate"), (48, "faccessat"),
      (49, "chdir"), (53, "fchmodat"), (54, "fchownat"), (57, "close"), (59, "pipe2"), (61, "getdents64"),
      (62, "lseek"), (71, "sendfile"), (73, "ppoll"), (74, "signalfd4"), (79, "newfstatat"), (80, "fstat"),
      (85, "timerfd_create"), (86, "timerfd_settime"), (88, "utimensat"), (95, "waitid"), (101, "nanosleep"),
      (103, "setitimer"), (115, "clock_nanosleep"), (123, "sched_getaffinity"), (129, "kill"),
      (137, "rt_sigtimedwait"), (148, "getresuid"), (153, "times"), (154, "setpgid"), (157, "setsid"),
      (158, "getgroups"), (165, "getrusage"), (166, "umask"), (179, "sysinfo"), (198, "socket"),
      (199, "socketpair"), (200, "bind"), (202, "accept"), (203, "connect"), (204, "getsockname"),
      (208, "setsockopt"), (209, "getsockopt"), (210, "shutdown"), (242, "accept4"), (260, "wait4"),
      (261, "prlimit64"), (276, "renameat2"), (279, "memfd_create"), (291, "statx"), (434, "pidfd_open"),
      (436, "close_range"), (439, "faccessat2"),
    ]
    for (number, name) in names {
      #expect(SyscallCatalogue.number(name, on: .aarch64) == UInt32(number), "\(name)")
      #expect(Shape.of(number).map { _ in true } == true, "\(name)")
    }
  }
}

struct MarshallerTests {
  let machine = FakeMachine()
  let kernel: Kernel<FakeMachine>
  let buffer: UInt64

  init() throws {
    kernel = try machine.boot()
    buffer = kernel.memory(pages: 64)
  }

  @Test func pathsAreCopied() throws {
    try kernel.write(Array("/etc/passwd\0".utf8), to: buffer)
    machine.onForward = { machine in
      #expect(machine.header(Exchange.call) == 56)
      #expect(machine.header(Exchange.pointerMask) == 2)
      #expect(machine.string(machine.pointer(1)) == "/etc/passwd")
      return 5
    }
    #expect(kernel.call(56, UInt64(bitPattern: -100), buffer, 0, 0) == 5)
  }

  @Test func aPathWithoutEndIsTooLong() throws {
    try kernel.write([UInt8](repeating: 65, count: 5000), to: buffer)
    #expect(kernel.call(56, 0, buffer, 0, 0) == -36)
    #expect(kernel.call(56, 0, 8, 0, 0) == -14)
    #expect(kernel.call(56, 0, UInt64.max, 0, 0) == -14)
    #expect(kernel.call(56, 0, 0xffff_ff80_4000_0000, 0, 0) == -14)
    #expect(machine.forwarded.isEmpty)
  }

  @Test func descriptorsAreSmall() throws {
    for answer: Int64 in [1 << 31, 1 << 40, Int64.max] {
      machine.onForward = { _ in answer }
      #expect(kernel.call(23, 1) == -5)
    }
    machine.onForward = { _ in -5000 }
    #expect(kernel.call(23, 1) == -5)
    machine.onForward = { _ in Int64.min }
    #expect(kernel.call(23, 1) == -5)
    machine.onForward = { _ in -4095 }
    #expect(kernel.call(23, 1) == -4095)
  }

  /// One call for each rule: what it takes of the host, and what it does not.
  @Test func resultsAreWhatTheCallCanHave() throws {
    let rules: [(call: UInt64, arguments: [UInt64], taken: [Int64], refused: [Int64])] = [
      (80, [3, buffer], [0], [1, 4096]),  // zero: fstat
      (31, [0, 0], [0, 1, 65535], [1 << 31]),  // number: ioprio_get
      (174, [], [0, 1000, 0xffff_fffe], [1 << 32]),  // identifier: getuid
      (62, [3, 0, 1], [0, 1 << 40], []),  // any: lseek
      (85, [0, 0], [0, 5], [1 << 31]),  // descriptor: timerfd_create
      (157, [], [100], [1 << 31]),  // process: setsid
      (260, [0, buffer, 0, 0], [0, 100], [1 << 31]),  // child: wait4
      (101, [buffer, 0], [0], [1]),  // remainder: nanosleep
      (17, [buffer, 16], [1, 16], [17, 4096]),  // upTo, with a buffer: getcwd
      (76, [0, 0, 1, 0, 100, 0], [0, 100], [101]),  // upTo: splice
      (13, [3, buffer, 8], [0, 8], [9]),  // length: flistxattr
      (13, [3, 0, 0], [4000], [65537]),  // length, asked for
      (73, [buffer, 2, 0, 0, 0], [0, 2], [3]),  // upTo: ppoll
      (72, [8, buffer, 0, 0, 0, 0], [0, 24], [25]),  // pselect6
      (25, [1, 0, 0], [0, 7], [1 << 31]),  // fcntl F_DUPFD
      (25, [1, 2, 1], [0], [1]),  // fcntl F_SETFD
    ]
    for rule in rules {
      let six = rule.arguments + [UInt64](repeating: 0, count: 6 - rule.arguments.count)
      for (answer, isTaken) in rule.taken.map({ ($0, true) }) + rule.refused.map({ ($0, false) }) {
        machine.onForward = { _ in answer }
        let result = kernel.call(rule.call, six[0], six[1], six[2], six[3], six[4], six[5])
        #expect(result == (isTaken ? answer : -5), "call \(rule.call) with \(answer)")
      }
    }
  }

  @Test func aReadIsNeverLongerThanAsked() throws {
    try kernel.write([UInt8](repeating: 1, count: 64), to: buffer)
    for answer: Int64 in [17, 4096, 1 << 40] {
      machine.onForward = { _ in answer }
      #expect(kernel.call(63, 3, buffer, 16) == -5)
    }
    #expect(try kernel.read(buffer, 64) == [UInt8](repeating: 1, count: 64))
    machine.onForward = { machine in
      machine.write(Array("abc".utf8), at: machine.pointer(1))
      return 3
    }
    #expect(kernel.call(63, 3, buffer, 16) == 3)
    #expect(try kernel.read(buffer, 5) == [97, 98, 99, 1, 1])
  }

  @Test func aWriteIsNeverLongerThanAsked() throws {
    machine.onForward = { _ in 100 }
    #expect(kernel.call(64, 1, buffer, 16) == -5)
  }

  @Test func largeTransfersGoInParts() throws {
    var seen = 0
    machine.onForward = { machine in
      switch machine.header(Exchange.call) {
      case 64:
        seen += Int(machine.argument(2))
        return Int64(machine.argument(2))
      default: return -38
      }
    }
    #expect(kernel.call(64, 1, buffer, 200_000) == 200_000)
    #expect(seen == 200_000)
    // A pipe's short read is the end; a file's goes on.
    machine.onForward = { machine in machine.header(Exchange.call) == 63 ? Int64(machine.argument(2)) : -29 }
    #expect(kernel.call(63, 0, buffer, 200_000) < 200_000)
    machine.onForward = { machine in machine.header(Exchange.call) == 63 ? Int64(machine.argument(2)) : 0 }
    #expect(kernel.call(63, 0, buffer, 200_000) == 200_000)
  }

  @Test func socketLengthsAreLimited() throws {
    try kernel.write([UInt8](repeating: 9, count: 200), to: buffer)
    try kernel.put(UInt32(16), at: buffer + 100)
    machine.onForward = { machine in
      machine.memory.store(UInt32(4000), at: machine.pointer(2))
      return 0
    }
    #expect(kernel.call(204, 3, buffer, buffer + 100) == 0)
    #expect(try kernel.get(buffer + 100, as: UInt32.self) == 4000)
    // What lies behind the 16 bytes is as it was.
    #expect(try kernel.read(buffer + 16, 4) == [9, 9, 9, 9])
  }

  @Test func waitWritesNothingWithoutAChild() throws {
    try kernel.put(UInt32(77), at: buffer)
    machine.onForward = { _ in 0 }
    #expect(kernel.call(260, UInt64.max, buffer, 1, 0) == 0)
    #expect(try kernel.get(buffer, as: UInt32.self) == 77)
  }

  @Test func vectorsAreGatheredAndScattered() throws {
    try kernel.write(Array("hello world".utf8), to: buffer)
    for (index, word) in [buffer, 5, buffer + 5, 6].enumerated() {
      try kernel.put(word, at: buffer + 256 + UInt64(index) * 8)
    }
    machine.onForward = { machine in
      #expect(machine.header(Exchange.call) == 64)
      #expect(machine.bytes(machine.pointer(1), 11) == Array("hello world".utf8))
      return 11
    }
    #expect(kernel.call(66, 1, buffer + 256, 2) == 11)
    machine.onForward = { machine in
      machine.write(Array("HELLO WORLDextra".utf8), at: machine.pointer(1))
      return 12
    }
    #expect(kernel.call(65, 1, buffer + 256, 2) == -5)
    #expect(kernel.call(66, 1, buffer + 256, 100_000) == -22)
  }

  @Test func unknownRequestsAreNotForwarded() throws {
    #expect(kernel.call(29, 1, 0xdead_beef, buffer) == -25)
    #expect(kernel.call(25, 1, 9999, buffer) == -22)
    #expect(kernel.call(282, 0) == -38)
    #expect(machine.forwarded.isEmpty)
  }

  /// Whatever the host answers, the kernel survives it, and memory that was not asked for stays.
  @Test func hostileAnswers() throws {
    var numbers = Numbers(state: 7)
    let guardPage = kernel.memory(pages: 1)
    try kernel.write([UInt8](repeating: 0x5a, count: 4096), to: guardPage)
    for round in 0..<3000 {
      let call = UInt64.random(in: 0...460, using: &numbers)
      // What changes the process itself is tested elsewhere.
      if [93, 94, 139, 214, 215, 216, 220, 221, 222, 226, 233].contains(call) { continue }
      machine.onForward = { machine in
        for offset in stride(from: 0, to: UInt64(8192), by: 8) {
          machine.memory.store(
            numbers.next() >> UInt64.random(in: 0..<64, using: &numbers),
            at: FakeMachine.exchange + UInt64(Exchange.data) + offset)
        }
        return Int64(bitPattern: numbers.next() >> UInt64.random(in: 0..<64, using: &numbers))
      }
      let choices = [0, 1, 8, 16, 4096, buffer, buffer + 8, buffer + 5000, UInt64.max, 1 << 40]
      kernel.call(
        call, choices.randomElement(using: &numbers)!, choices.randomElement(using: &numbers)!,
        choices.randomElement(using: &numbers)!, choices.randomElement(using: &numbers)!,
        choices.randomElement(using: &numbers)!, choices.randomElement(using: &numbers)!)
      kernel.task.value.pending = 0
      machine.endedWith = nil
      if round % 100 == 0 {
        #expect(try kernel.read(guardPage, 4096).allSatisfy { $0 == 0x5a })
      }
    }
  }
}
