import SyscallCatalogue
import Testing

@testable import SeccompFilter

/// Runs a filter as the kernel does; nil for a program that the kernel would refuse.
func run(_ program: [BPFInstruction], _ architecture: UInt32, _ number: UInt32, _ arguments: [UInt64])
  -> UInt32?
{
  func word(_ offset: UInt32) -> UInt32 {
    switch offset {
    case 0: return number
    case 4: return architecture
    default:
      let index = Int(offset - 16)
      let value = arguments[index / 8]
      return UInt32(truncatingIfNeeded: index % 8 == 0 ? value : value >> 32)
    }
  }
  var (place, a): (Int, UInt32) = (0, 0)
  while place < program.count {
    let i = program[place]
    place += 1
    switch i.code {
    case 0x20: a = word(i.operand)
    case 0x54: a &= i.operand
    case 0x05: place += Int(i.operand)
    case 0x15: place += Int(a == i.operand ? i.ifTrue : i.ifFalse)
    case 0x25: place += Int(a > i.operand ? i.ifTrue : i.ifFalse)
    case 0x35: place += Int(a >= i.operand ? i.ifTrue : i.ifFalse)
    case 0x06: return i.operand
    default: return nil
    }
  }
  return nil
}

/// What a policy means, without any cleverness.
func verdict(_ policy: SeccompPolicy, _ architecture: Architecture, _ number: UInt32, _ arguments: [UInt64])
  -> UInt32
{
  let bare = architecture == .x32 ? number & ~Architecture.x32Bit : number
  var highest: UInt32?
  var always: SeccompAction?
  var matched: SeccompAction?
  for rule in policy.rules {
    for name in rule.names {
      guard let known = SyscallCatalogue.number(name, on: architecture) else { continue }
      highest = max(highest ?? 0, known)
      guard known == bare else { continue }
      let indices = rule.conditions.map { $0.argument }
      let isEither = Set(indices).count < indices.count
      let holds = { (c: SeccompPolicy.Condition) in c.holds(arguments[c.argument]) }
      if rule.conditions.isEmpty {
        always = always ?? rule.action
      } else if isEither ? rule.conditions.contains(where: holds) : rule.conditions.allSatisfy(holds) {
        matched = matched ?? rule.action
      }
    }
  }
  if let action = matched ?? always { return action.rawValue }
  if let highest, bare > highest, policy.defaultAction != .allow, policy.defaultAction != .log {
    return SeccompAction.error(38).rawValue
  }
  return policy.defaultAction.rawValue
}

struct Random {
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
  static let values: [UInt64] = [
    0, 1, 2, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, .max,
  ]

  func randomPolicy(_ random: inout Random) -> SeccompPolicy {
    let actions: [SeccompAction] = [
      .allow, .error(1), .error(38), .killProcess, .killThread, .trap, .log, .trace(3), .notify,
    ]
    var policy = SeccompPolicy(defaultAction: actions[random.next(5)], architectures: [])
    for architecture in Architecture.allCases where random.next(2) == 0 { policy.architectures.append(architecture) }
    if policy.architectures.isEmpty { policy.architectures = [.x86_64] }
    for _ in 0..<random.next(12) {
      var names: [String] = []
      for _ in 0...random.next(20) { names.append(SyscallCatalogue.name(at: random.next(SyscallCatalogue.count))) }
      var conditions: [SeccompPolicy.Condition] = []
      if random.next(2) == 0 {
        for _ in 0...random.next(3) {
          let comparisons = SeccompPolicy.Comparison.allCases
          conditions.append(
            SeccompPolicy.Condition(
              argument: random.next(6), comparisons[random.next(comparisons.count)],
              Self.values[random.next(Self.values.count)], Self.values[random.next(Self.values.count)]))
        }
      }
      policy.rules.append(SeccompPolicy.Rule(names, actions[random.next(actions.count)], conditions))
    }
    return policy
  }

  @Test func randomPoliciesForAllNumbersAndBoundaryArguments() throws {
    var random = Random(state: 7)
    var compiled = 0
    for _ in 0..<60 {
      let policy = randomPolicy(&random)
      // Some need more than the kernel takes, which is told.
      guard let program = try? FilterCompiler.compile(policy).instructions else { continue }
      compiled += 1
      for architecture in policy.architectures {
        let bit = architecture == .x32 ? Architecture.x32Bit : 0
        for bare in Array(0..<600 as Range<UInt32>) + [0xf0001, 0xf0005, 0x3fff_ffff] {
          let arguments = (0..<6).map { _ in Self.values[random.next(Self.values.count)] }
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
