// What a filter does and what a policy means, for the unit tests and the fuzz target alike.

import SyscallCatalogue

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

/// Arguments where comparisons of 32-bit halves go wrong first.
let boundaryValues: [UInt64] = [
  0, 1, 2, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, .max,
]

/// Where the choices of a generator come from.
protocol Choices {
  /// A number below `bound`.
  mutating func next(_ bound: Int) -> Int
}

/// A policy of at most twelve rules.
func anyPolicy(_ random: inout some Choices) -> SeccompPolicy {
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
            boundaryValues[random.next(boundaryValues.count)], boundaryValues[random.next(boundaryValues.count)]))
      }
    }
    policy.rules.append(SeccompPolicy.Rule(names, actions[random.next(actions.count)], conditions))
  }
  return policy
}
