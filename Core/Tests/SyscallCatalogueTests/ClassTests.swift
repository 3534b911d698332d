import Testing

@testable import SyscallCatalogue

@Suite("Classes of system calls") struct ClassTests {
  static func callClass(_ name: String) -> CallClass {
    SyscallCatalogue.callClass(at: SyscallCatalogue.index(of: name)!)
  }

  @Test func everyCallHasAClassAndARisk() {
    for index in 0..<SyscallCatalogue.count {
      let name = SyscallCatalogue.name(at: index)
      #expect(!SyscallCatalogue.risk(at: index).isEmpty, "\(name)")
      guard case .checked(let alternatives, let error) = SyscallCatalogue.callClass(at: index) else { continue }
      #expect(error != 0 && !alternatives.isEmpty, "\(name)")
      let arguments = SyscallCatalogue.arguments(at: index) ?? []
      for test in alternatives.joined() {
        #expect(arguments[test.argument].kind == .number, "\(name)")
        #expect(test.values.allSatisfy { $0 & ~test.mask == 0 }, "\(name): a value that never is")
        #expect(Set(test.values).count == test.values.count, "\(name): a value twice")
      }
    }
  }

  @Test func wellKnownClasses() {
    #expect(Self.callClass("read") == .direct)
    #expect(Self.callClass("clone3") == .denied(error: 38))
    #expect(Self.callClass("unshare") == .denied(error: 1))
    #expect(Self.callClass("execve") == .mediated(error: 0))
    #expect(Self.callClass("mount") == .mediated(error: 1))
    #expect(
      Self.callClass("clone")
        == .checked([[CallTest(argument: 0, mask: 0x7e02_0000, values: [0])]], error: 1))
    #expect(
      Self.callClass("socket")
        == .checked(
          [
            [CallTest(argument: 0, values: [1]), CallTest(argument: 1, mask: 15, values: [1, 2, 5])],
            [
              CallTest(argument: 0, values: [2, 10]), CallTest(argument: 1, mask: 15, values: [1, 2]),
              CallTest(argument: 2, values: [0, 1, 6, 17, 58]),
            ],
            [CallTest(argument: 0, values: [16]), CallTest(argument: 2, values: [0])],
          ], error: 97))
  }

  /// What a call with pointers judges can't be a number's business alone.
  @Test func mediatedCallsHavePointers() {
    for index in 0..<SyscallCatalogue.count {
      guard case .mediated = SyscallCatalogue.callClass(at: index),
        let arguments = SyscallCatalogue.arguments(at: index)
      else { continue }
      #expect(arguments.contains { $0.isPointer }, "\(SyscallCatalogue.name(at: index))")
    }
  }

  @Test(arguments: [Architecture.x86_64, .aarch64]) func fewCallsReachTheKernel(on architecture: Architecture) {
    let reachable = (0..<SyscallCatalogue.count).filter {
      guard SyscallCatalogue.number(at: $0, on: architecture) != nil else { return false }
      return switch SyscallCatalogue.callClass(at: $0) {
      case .direct, .checked, .mediated(error: 0): true
      default: false
      }
    }
    #expect(reachable.count <= 190)
  }
}
