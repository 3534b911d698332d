import Testing

@testable import SyscallCatalogue

@Suite("What arguments are") struct ArgumentTests {
  static let withoutCall: Set = [
    "_sysctl", "afs_syscall", "create_module", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms", "getpmsg",
    "nfsservctl", "putpmsg", "query_module", "security", "tuxcall", "vserver",
  ]

  @Test func everyCallOf64BitMachinesIsDescribed() {
    for index in 0..<SyscallCatalogue.count {
      let name = SyscallCatalogue.name(at: index)
      let exists = [Architecture.x86_64, .aarch64].contains { SyscallCatalogue.number(at: index, on: $0) != nil }
      let arguments = SyscallCatalogue.arguments(at: index)
      #expect((arguments != nil) == (exists && !Self.withoutCall.contains(name)), "\(name)")
    }
  }

  @Test func whatIsCountedIsCountedByANumberOfTheSameCall() {
    for index in 0..<SyscallCatalogue.count {
      let name = SyscallCatalogue.name(at: index)
      guard let arguments = SyscallCatalogue.arguments(at: index) else { continue }
      #expect(arguments.count <= 6, "\(name)")
      for (place, argument) in arguments.enumerated() {
        #expect(
          !argument.name.isEmpty
            && argument.name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }, "\(name)")
        switch argument.kind {
        case .input(.counted(let other, let unit)), .output(.counted(let other, let unit)),
          .both(.counted(let other, let unit)):
          #expect(unit > 0, "\(name)")
          // Some lengths are themselves in memory (struct of a changing size).
          #expect(other < arguments.count && other != place, "\(name) \(argument.name)")
        case .vectorIn(let count), .vectorOut(let count):
          #expect(count < arguments.count && arguments[count].kind == .number, "\(name)")
        case .input(.bytes(let bytes)), .output(.bytes(let bytes)), .both(.bytes(let bytes)):
          #expect(bytes > 0 && bytes < 4096, "\(name)")
        case .sized: #expect(arguments[place + 1].kind == .length, "\(name)")
        default: break
        }
      }
      // The kernel names two arguments of epoll_ctl and fanotify_mark alike.
      #expect(
        Set(arguments.map { $0.name }).count == arguments.count
          || ["fanotify_mark", "epoll_ctl"].contains(name), "\(name)")
    }
  }

  @Test func wellKnownCalls() throws {
    let read = try #require(SyscallCatalogue.arguments("read"))
    #expect(read.map { $0.name } == ["fd", "buf", "count"])
    #expect(read.map { $0.kind } == [.descriptor, .output(.counted(argument: 2, unit: 1)), .number])
    #expect(SyscallCatalogue.arguments("getpid") == [])
    #expect(SyscallCatalogue.arguments("fstat", on: .aarch64)?[1].kind == .output(.bytes(128)))
    #expect(SyscallCatalogue.arguments("fstat", on: .x86_64)?[1].kind == .output(.bytes(144)))
    #expect(
      SyscallCatalogue.arguments("epoll_pwait", on: .aarch64)?[1].kind
        == .output(.counted(argument: 2, unit: 16)))
    #expect(SyscallCatalogue.arguments("ppoll")?[0].kind == .both(.counted(argument: 1, unit: 8)))
    #expect(SyscallCatalogue.arguments("socketcall") == nil)
    #expect(SyscallCatalogue.arguments("nosuch") == nil)
  }
}
