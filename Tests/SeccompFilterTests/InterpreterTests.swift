import SyscallCatalogue
import Testing

@testable import SeccompFilter

struct Random: Choices {
  var state: UInt64
  mutating func next(_ bound: Int) -> Int { Int(word() % UInt64(bound)) }
  mutating func word() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite("Filters mean what policies say") struct FilterTests {
  @Test func whatIsAlwaysAllowed() {
    func policy(_ fallback: SeccompAction, _ rules: SeccompPolicy.Rule...) -> SeccompPolicy {
      SeccompPolicy(defaultAction: fallback, rules: rules)
    }
    let some = [SeccompPolicy.Condition(argument: 0, .equal, 7)]
    let calls = ["read", "write"]
    #expect(policy(.allow).alwaysAllows(calls))
    #expect(!policy(.error(1)).alwaysAllows(calls))
    #expect(policy(.error(1), .init(["read", "lseek"], .allow), .init(["write"], .allow)).alwaysAllows(calls))
    #expect(!policy(.error(1), .init(["read"], .allow)).alwaysAllows(calls))
    #expect(!policy(.error(1), .init(calls, .allow, some)).alwaysAllows(calls))
    #expect(policy(.error(1), .init(calls, .allow, some), .init(calls, .allow)).alwaysAllows(calls))
    for action in [SeccompAction.log, .error(1), .notify, .killProcess] {
      #expect(!policy(.allow, .init(["write"], action)).alwaysAllows(calls))
      #expect(!policy(.allow, .init(["write"], action, some)).alwaysAllows(calls))
      #expect(!policy(.error(1), .init(calls, .allow), .init(["read"], action, some)).alwaysAllows(calls))
      #expect(policy(.allow, .init(["lseek"], action)).alwaysAllows(calls))
    }
  }

  @Test func randomPoliciesForAllNumbersAndBoundaryArguments() throws {
    var random = Random(state: 7)
    var compiled = 0
    for _ in 0..<60 {
      let policy = anyPolicy(&random)
      // Some need more than the kernel takes, which is told.
      guard let program = try? FilterCompiler.compile(policy).instructions else { continue }
      compiled += 1
      for architecture in policy.architectures {
        let bit = architecture == .x32 ? Architecture.x32Bit : 0
        for bare in Array(0..<600 as Range<UInt32>) + [0xf0001, 0xf0005, 0x3fff_ffff] {
          let arguments = (0..<6).map { _ in boundaryValues[random.next(boundaryValues.count)] }
          let expected = verdict(policy, architecture, bare | bit, arguments)
          #expect(run(program, architecture.auditValue, bare | bit, arguments) == expected)
        }
      }
      // What is not listed ends the process.
      for architecture in Architecture.allCases
      where !policy.architectures.contains(where: { $0.auditValue == architecture.auditValue }) {
        #expect(run(program, architecture.auditValue, 1, [0, 0, 0, 0, 0, 0]) == SeccompAction.killProcess.rawValue)
      }
      if !policy.architectures.contains(.x32) && policy.architectures.contains(.x86_64) {
        #expect(run(program, 0xc000_003e, 0x4000_0001, [0, 0, 0, 0, 0, 0]) == SeccompAction.killProcess.rawValue)
      }
    }
    #expect(compiled > 50)
  }

  @Test func allCallsAllowedIsASmallProgram() throws {
    let names = (0..<SyscallCatalogue.count).map { SyscallCatalogue.name(at: $0) }
    let policy = SeccompPolicy(
      defaultAction: .error(1), architectures: [.x86_64, .i386, .x32], rules: [.init(names, .allow)])
    let filter = try FilterCompiler.compile(policy)
    #expect(filter.instructions.count < 180)
    #expect(filter.unknownNames.isEmpty)
  }

  @Test func unknownNamesAreTold() throws {
    let filter = try FilterCompiler.compile(
      SeccompPolicy(defaultAction: .allow, rules: [.init(["no_such_call", "read"], .error(1))]))
    #expect(filter.unknownNames == ["no_such_call"])
  }

  @Test func theStricterOfTwoWins() throws {
    let conditions = [SeccompPolicy.Condition(argument: 1, .greater, 5)]
    let first = SeccompPolicy(
      defaultAction: .error(1), architectures: [.x86_64, .i386],
      rules: [
        .init(["read", "openat", "close"], .allow), .init(["write"], .notify), .init(["getpid"], .log),
        .init(["lseek"], .allow, conditions), .init(["ptrace"], .killProcess), .init(["mount"], .trap),
      ])
    let second = SeccompPolicy(
      defaultAction: .error(38), architectures: [.x86_64],
      rules: [
        .init(["read", "write", "lseek", "ptrace", "mount", "getpid"], .allow),
        .init(["openat"], .allow, conditions), .init(["close"], .killThread),
      ])
    let both = try FilterCompiler.stricter(FilterCompiler.compile(first), FilterCompiler.compile(second))
    for architecture in [Architecture.x86_64, .i386, .aarch64] {
      for number: UInt32 in 0..<500 {
        for argument: UInt64 in [0, 5, 6, 1 << 33] {
          let arguments = [argument, argument, 0, 0, 0, 0]
          let separate = [first, second].map {
            $0.architectures.contains(architecture)
              ? SeccompAction(verdict($0, architecture, number, arguments)) : .killProcess
          }
          let found = SeccompAction(run(both.instructions, architecture.auditValue, number, arguments)!)
          let strictest = separate.min { $0.rank < $1.rank }!
          if separate[0].rank < SeccompAction.notify.rank {
            #expect(found == separate[0])
          } else {
            #expect(found == strictest, "\(architecture) \(number) \(argument)")
          }
        }
      }
    }
  }

  @Test func anArgumentThatDoesNotExistIsRefused() {
    #expect(throws: SeccompError.argumentOutOfRange(6)) {
      try FilterCompiler.compile(
        SeccompPolicy(defaultAction: .allow, rules: [.init(["read"], .error(1), [.init(argument: 6, .equal, 0)])]))
    }
  }

  @Test func aProgramThatTheKernelWouldRefuseIsRefused() {
    let names = (0..<SyscallCatalogue.count).map { SyscallCatalogue.name(at: $0) }
    let conditions = (0..<6).map { SeccompPolicy.Condition(argument: $0, .greater, UInt64($0)) }
    #expect(throws: SeccompError.self) {
      try FilterCompiler.compile(
        SeccompPolicy(
          defaultAction: .error(1), architectures: [.x86_64],
          rules: [.init(names, .allow, conditions), .init(Array(names.prefix(200)), .log, conditions)]
            + names.map { .init([$0], .trap, [.init(argument: 1, .equal, 3)]) }))
    }
  }

  @Test func everyActionAndArchitectureNameIsKnown() {
    for name in SeccompAction.names { #expect(SeccompAction(name: name, errno: nil) != nil) }
    for name in SeccompArchitecture.names { #expect(SeccompArchitecture.meaning(of: name) != nil) }
    #expect(SeccompAction(name: "SCMP_ACT_X", errno: nil) == nil)
    #expect(SeccompArchitecture.meaning(of: "SCMP_ARCH_VAX") == nil)
  }
}
