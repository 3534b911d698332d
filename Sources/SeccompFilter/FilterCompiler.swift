import SyscallCatalogue

/// Why a policy can't become a filter.
public enum SeccompError: Error, Equatable, Sendable {
  /// The kernel takes 4096 instructions (BPF_MAXINSNS).
  case tooLong(instructions: Int)
  case argumentOutOfRange(Int)
}

/// A program for the kernel.
public struct CompiledFilter: Equatable, Sendable {
  public let instructions: [BPFInstruction]
  /// Names in the policy that no kernel knows; they have no effect.
  public let unknownNames: [String]

  /// As the kernel reads it: 8 bytes an instruction.
  public var encoded: [UInt64] { instructions.map { $0.encoded } }
}

/// Compiles policies into classic BPF: one block for each architecture, in it a balanced decision tree over
/// ranges of call numbers that share a fate.
public enum FilterCompiler {
  /// What a call of an architecture that the policy doesn't list meets.
  public static let wrongArchitecture = SeccompAction.killProcess

  public static func compile(_ policy: SeccompPolicy) throws(SeccompError) -> CompiledFilter {
    for rule in policy.rules {
      for condition in rule.conditions where !(0...5).contains(condition.argument) {
        throw .argumentOutOfRange(condition.argument)
      }
    }
    let resolved = Resolved(policy)
    var program: [BPFInstruction] = [BPFInstruction(.load, SeccompData.architecture)]
    var done: [UInt32] = []
    for architecture in policy.architectures where !done.contains(architecture.auditValue) {
      done.append(architecture.auditValue)
      let block = block(
        for: policy.architectures.filter { $0.auditValue == architecture.auditValue }, resolved)
      program.append(BPFInstruction(.jumpIfEqual, architecture.auditValue, ifTrue: 1))
      program.append(BPFInstruction(.jump, UInt32(block.count)))
      program += block
    }
    program.append(.ret(wrongArchitecture))
    if program.count > 4096 { throw .tooLong(instructions: program.count) }
    return CompiledFilter(instructions: program, unknownNames: resolved.unknown)
  }

  /// A program that does what the stricter of two does, in the kernel's order (seccomp(2), "SECCOMP_RET_*"). Where both
  /// deny a call, the first says how.
  public static func stricter(_ first: CompiledFilter, _ second: CompiledFilter) throws(SeccompError) -> CompiledFilter
  {
    var program = first.instructions
    var copies: [(action: SeccompAction, start: Int)] = []
    for place in first.instructions.indices where program[place].code == BPFInstruction.Code.returnValue.rawValue {
      let action = SeccompAction(program[place].operand)
      if action.rank < SeccompAction.notify.rank { continue }
      var start = copies.first { $0.action == action }?.start
      if start == nil {
        start = program.count
        copies.append((action, program.count))
        program += second.instructions.map { instruction in
          guard instruction.code == BPFInstruction.Code.returnValue.rawValue else { return instruction }
          let other = SeccompAction(instruction.operand)
          return .ret(other.rank < action.rank ? other : action)
        }
      }
      program[place] = BPFInstruction(.jump, UInt32(start! - place - 1))
    }
    if program.count > 4096 { throw .tooLong(instructions: program.count) }
    return CompiledFilter(instructions: program, unknownNames: first.unknownNames + second.unknownNames)
  }

  /// The code for the architectures that share one audit value: x86-64 and x32, or one alone.
  private static func block(for architectures: [Architecture], _ resolved: Resolved)
    -> [BPFInstruction]
  {
    var code = [BPFInstruction(.load, SeccompData.number)]
    guard let first = architectures.first, first == .x86_64 || first == .x32 else {
      for architecture in architectures { code += tree(resolved, architecture) }
      return code
    }
    let wrong: [BPFInstruction] = [.ret(wrongArchitecture)]
    let plain = architectures.contains(.x86_64) ? tree(resolved, .x86_64) : wrong
    // The tree for x32 compares whole numbers, with their bit.
    let x32 = architectures.contains(.x32) ? tree(resolved, .x32) : wrong
    code += branch(.jumpIfNotLess, Architecture.x32Bit, ifTrue: x32, ifFalse: plain)
    return code
  }

  private static func tree(_ resolved: Resolved, _ architecture: Architecture) -> [BPFInstruction] {
    let segments = resolved.segments(architecture)
    return tree(segments[...], resolved)
  }

  /// A search for the segment that the number in the accumulator lies in.
  private static func tree(_ segments: ArraySlice<Segment>, _ resolved: Resolved)
    -> [BPFInstruction]
  {
    if segments.count == 1 { return code(for: segments[segments.startIndex].fate, resolved) }
    let middle = segments.startIndex + segments.count / 2
    return branch(
      .jumpIfNotLess, segments[middle].start, ifTrue: tree(segments[middle...], resolved),
      ifFalse: tree(segments[..<middle], resolved))
  }

  /// A comparison whose outcomes are blocks of any length.
  private static func branch(
    _ code: BPFInstruction.Code, _ operand: UInt32, ifTrue: [BPFInstruction],
    ifFalse: [BPFInstruction]
  ) -> [BPFInstruction] {
    if ifFalse.count <= 255 {
      return [BPFInstruction(code, operand, ifTrue: UInt8(ifFalse.count))] + ifFalse + ifTrue
    }
    return [
      BPFInstruction(code, operand, ifTrue: 0, ifFalse: 1),
      BPFInstruction(.jump, UInt32(ifFalse.count)),
    ] + ifFalse + ifTrue
  }

  // MARK: leaves

  private static func code(for fate: Fate, _ resolved: Resolved) -> [BPFInstruction] {
    switch fate {
    case .always(let action): return [.ret(action)]
    case .depends(let rules):
      var code: [BPFInstruction] = []
      var rest = rules[...]
      while let index = rest.first {
        let rule = resolved.rules[index]
        if rule.conditions.isEmpty { return code + [.ret(rule.action)] }
        let alike = rest.prefix { isOneOfMany(resolved.rules[$0], like: rule) }
        if alike.count > 1 {
          code += oneOf(alike.map { resolved.rules[$0].conditions[0] }, rule.action)
          rest = rest.dropFirst(alike.count)
        } else {
          code += alternative(rule)
          rest = rest.dropFirst()
        }
      }
      return code + [.ret(resolved.defaultAction)]
    }
  }

  /// Whether the rule compares the low half of an argument with one value, as `other` does.
  private static func isOneOfMany(_ rule: SeccompPolicy.Rule, like other: SeccompPolicy.Rule) -> Bool {
    func tested(_ rule: SeccompPolicy.Rule) -> Int? {
      guard rule.conditions.count == 1, rule.conditions[0].comparison == .maskedEqual,
        rule.conditions[0].value == UInt64(UInt32.max), rule.conditions[0].second >> 32 == 0
      else { return nil }
      return rule.conditions[0].argument
    }
    return rule.action == other.action && tested(rule) != nil && tested(rule) == tested(other)
  }

  /// Loads once, compares with each value, and returns the action if one is equal; else falls through.
  private static func oneOf(_ conditions: [SeccompPolicy.Condition], _ action: SeccompAction) -> [BPFInstruction] {
    var code: [BPFInstruction] = []
    var rest = conditions[...]
    while !rest.isEmpty {
      let part = rest.prefix(128)  // distances have 8 bits
      code.append(BPFInstruction(.load, SeccompData.low(conditions[0].argument)))
      for (place, condition) in part.enumerated() {
        let toReturn = part.count - 1 - place
        code.append(
          BPFInstruction(
            .jumpIfEqual, UInt32(truncatingIfNeeded: condition.second), ifTrue: UInt8(toReturn),
            ifFalse: toReturn == 0 ? 1 : 0))
      }
      code.append(.ret(action))
      rest = rest.dropFirst(part.count)
    }
    return code
  }

  /// Returns the rule's action if all its conditions hold, else falls through to what follows.
  private static func alternative(_ rule: SeccompPolicy.Rule) -> [BPFInstruction] {
    let parts = rule.conditions.map { test($0) }
    var rest = parts.reduce(1) { $0 + $1.count }
    var code: [BPFInstruction] = []
    for part in parts {
      rest -= part.count
      code += link(part, toFail: rest)
    }
    return code + [.ret(rule.action)]
  }

  /// Where a comparison leads, before the distances are known.
  private enum Target { case next, pass, fail }

  private enum Step {
    case plain(BPFInstruction)
    case test(BPFInstruction.Code, UInt32, ifTrue: Target, ifFalse: Target)
  }

  /// `toFail`: how many instructions lie between the end of these steps and what follows the rule.
  private static func link(_ steps: [Step], toFail: Int) -> [BPFInstruction] {
    var code: [BPFInstruction] = []
    for (index, step) in steps.enumerated() {
      let left = steps.count - index - 1
      func distance(_ target: Target) -> UInt8 {
        switch target {
        case .next: 0
        case .pass: UInt8(left)
        case .fail: UInt8(left + toFail)
        }
      }
      switch step {
      case .plain(let instruction): code.append(instruction)
      case .test(let test, let operand, let yes, let no):
        code.append(BPFInstruction(test, operand, ifTrue: distance(yes), ifFalse: distance(no)))
      }
    }
    return code
  }

  /// A 64-bit comparison by halves.
  private static func test(_ condition: SeccompPolicy.Condition) -> [Step] {
    let high = UInt32(truncatingIfNeeded: condition.value >> 32)
    let low = UInt32(truncatingIfNeeded: condition.value)
    let loadHigh = Step.plain(BPFInstruction(.load, SeccompData.high(condition.argument)))
    let loadLow = Step.plain(BPFInstruction(.load, SeccompData.low(condition.argument)))
    switch condition.comparison {
    case .equal:
      return [
        loadHigh, .test(.jumpIfEqual, high, ifTrue: .next, ifFalse: .fail),
        loadLow, .test(.jumpIfEqual, low, ifTrue: .pass, ifFalse: .fail),
      ]
    case .notEqual:
      return [
        loadHigh, .test(.jumpIfEqual, high, ifTrue: .next, ifFalse: .pass),
        loadLow, .test(.jumpIfEqual, low, ifTrue: .fail, ifFalse: .pass),
      ]
    case .maskedEqual:
      let wantedHigh = UInt32(truncatingIfNeeded: condition.second >> 32)
      let wantedLow = UInt32(truncatingIfNeeded: condition.second)
      var steps: [Step] = []
      // Nothing of the high half matters, or all of the low one does.
      if high != 0 || wantedHigh != 0 {
        steps += [
          loadHigh, .plain(BPFInstruction(.and, high)),
          .test(.jumpIfEqual, wantedHigh, ifTrue: .next, ifFalse: .fail),
        ]
      }
      steps.append(loadLow)
      if low != .max { steps.append(.plain(BPFInstruction(.and, low))) }
      return steps + [.test(.jumpIfEqual, wantedLow, ifTrue: .pass, ifFalse: .fail)]
    case .greater, .greaterOrEqual:
      return [
        loadHigh, .test(.jumpIfGreater, high, ifTrue: .pass, ifFalse: .next),
        .test(.jumpIfEqual, high, ifTrue: .next, ifFalse: .fail),
        loadLow,
        .test(
          condition.comparison == .greater ? .jumpIfGreater : .jumpIfNotLess, low, ifTrue: .pass,
          ifFalse: .fail),
      ]
    case .less, .lessOrEqual:
      return [
        loadHigh, .test(.jumpIfGreater, high, ifTrue: .fail, ifFalse: .next),
        .test(.jumpIfEqual, high, ifTrue: .next, ifFalse: .pass),
        loadLow,
        .test(
          condition.comparison == .less ? .jumpIfNotLess : .jumpIfGreater, low, ifTrue: .fail,
          ifFalse: .pass),
      ]
    }
  }
}

/// What becomes of a call.
enum Fate: Equatable {
  case always(SeccompAction)
  /// Of these rules, by index, the first whose conditions hold decides.
  case depends([Int])
}

/// A run of call numbers, from `start` to the start of the next one, that share a fate.
struct Segment {
  let start: UInt32
  let fate: Fate
}

/// A policy whose names are numbers.
struct Resolved {
  let defaultAction: SeccompAction
  let unknown: [String]
  /// Rules with at most one condition for each argument.
  let rules: [SeccompPolicy.Rule]
  /// Place in the catalogue and index of the rule.
  private var entries: [(call: Int, rule: Int)] = []

  init(_ policy: SeccompPolicy) {
    defaultAction = policy.defaultAction
    var unknown: [String] = []
    var rules: [SeccompPolicy.Rule] = []
    for rule in policy.rules {
      // The conditions on one argument are alternatives (runc does the same, for libseccomp can't).
      let repeats = rule.conditions.indices.contains { index in
        rule.conditions[..<index].contains { $0.argument == rule.conditions[index].argument }
      }
      let split =
        repeats
        ? rule.conditions.map { SeccompPolicy.Rule([], rule.action, [$0]) }
        : [SeccompPolicy.Rule([], rule.action, rule.conditions)]
      let first = rules.count
      rules += split
      for name in rule.names {
        guard let call = SyscallCatalogue.index(of: name) else {
          unknown.append(name)
          continue
        }
        for index in first..<rules.count { entries.append((call, index)) }
      }
    }
    self.unknown = unknown
    self.rules = rules
  }

  /// The fates of all numbers of an architecture, from 0 on, each segment different from its neighbours.
  func segments(_ architecture: Architecture) -> [Segment] {
    let bit = architecture == .x32 ? Architecture.x32Bit : 0
    var calls: [(number: UInt32, rule: Int)] = []
    calls.reserveCapacity(entries.count)
    for entry in entries {
      if let number = SyscallCatalogue.number(at: entry.call, on: architecture) {
        calls.append((number | bit, entry.rule))
      }
    }
    calls.sort { $0.number != $1.number ? $0.number < $1.number : $0.rule < $1.rule }
    var segments = [Segment(start: 0, fate: .always(defaultAction))]
    func append(_ start: UInt32, _ fate: Fate) {
      if segments[segments.count - 1].fate == fate { return }
      if segments[segments.count - 1].start == start { segments.removeLast() }
      if segments.last?.fate == fate { return }
      segments.append(Segment(start: start, fate: fate))
    }
    var index = 0
    while index < calls.count {
      let number = calls[index].number
      var matching: [Int] = []
      while index < calls.count, calls[index].number == number {
        matching.append(calls[index].rule)
        index += 1
      }
      append(number, fate(matching))
      append(number + 1, .always(defaultAction))
    }
    // A call that is newer than the whole policy: a program that gets ENOSYS falls back to an older one,
    // which EPERM would not make it do. runc answers so too.
    if let last = calls.last, !defaultAction.lets {
      append(last.number + 1, .always(.error(38)))
    }
    return segments
  }

  /// Conditional rules decide before the first unconditional one.
  private func fate(_ matching: [Int]) -> Fate {
    let conditional = matching.filter { !rules[$0].conditions.isEmpty }
    let always = matching.first { rules[$0].conditions.isEmpty }
    if conditional.isEmpty, let always { return .always(rules[always].action) }
    return .depends(conditional + (always.map { [$0] } ?? []))
  }
}
