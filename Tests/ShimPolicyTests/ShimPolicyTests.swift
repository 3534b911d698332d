import Foundation
import OCISpec
import SeccompFilter
import SyscallCatalogue
import Testing

@testable import ShimPolicy

/// What a class means for some arguments, without any cleverness.
private func meaning(_ callClass: CallClass, _ arguments: [UInt64]) -> UInt32 {
  switch callClass {
  case .direct, .mediated(error: 0): return 0x7fff_0000
  case .denied(let error), .mediated(let error): return 0x0005_0000 | UInt32(error)
  case .checked(let alternatives, let error):
    let holds = alternatives.contains { $0.allSatisfy { $0.holds(arguments) } }
    return holds ? 0x7fff_0000 : 0x0005_0000 | UInt32(error)
  }
}

@Suite("Policies of the software con-shim") struct ShimPolicyTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static let zeros = [UInt64](repeating: 0, count: 6)

  /// Arguments at and beside what a class tests.
  static func boundaries(_ callClass: CallClass) -> [[UInt64]] {
    guard case .checked(let alternatives, _) = callClass else { return [[0, 0, 0, 0, 0, 0]] }
    var values = [[UInt64]](repeating: [0, 1, .max, 1 << 32], count: 6)
    for test in alternatives.joined() {
      for value in test.values {
        values[test.argument] += [value, value &+ 1, value &- 1, value | ~test.mask].map { UInt64($0) }
        values[test.argument].append(UInt64(value) | 0xdead_0000_0000)
      }
    }
    let tested = Set(alternatives.joined().map { $0.argument }).sorted()
    var all: [[UInt64]] = [[7, 7, 7, 7, 7, 7]]
    for argument in tested {
      all = all.flatMap { one in
        Set(values[argument]).map { value in
          var changed = one
          changed[argument] = value
          return changed
        }
      }
    }
    return all
  }

  @Test(arguments: ShimPolicy.builtInNames) func theFilterSaysWhatThePolicySays(name: String) throws {
    let policy = try #require(ShimPolicy.builtIn(name))
    let program = try FilterCompiler.compile(policy.seccompPolicy).instructions
    for index in 0..<SyscallCatalogue.count {
      guard let number = SyscallCatalogue.number(at: index, on: Architecture.native) else { continue }
      for arguments in Self.boundaries(policy.classes[index]) {
        let expected = meaning(policy.classes[index], arguments)
        let found = run(program, Architecture.native.auditValue, number, arguments)
        if found != expected {
          Issue.record("\(name): \(SyscallCatalogue.name(at: index)) \(arguments): \(found ?? 0), not \(expected)")
        }
      }
    }
    let known = Set(
      (0..<SyscallCatalogue.count).compactMap { SyscallCatalogue.number(at: $0, on: Architecture.native) })
    for number: UInt32 in 0..<1024 where !known.contains(number) {
      #expect(run(program, Architecture.native.auditValue, number, Self.zeros) == 0x0005_0026, "\(number)")
    }
    // Calls of i386 and x32 end the process where they are not asked for.
    let other: Architecture = Architecture.native == .x86_64 ? .i386 : .arm
    let expected: UInt32 = policy.otherArchitectures ? 0x7fff_0000 : 0x8000_0000
    #expect(run(program, other.auditValue, 3, Self.zeros) == expected)
    if Architecture.native == .x86_64 {
      let other32 = Architecture.x32
      #expect(run(program, other32.auditValue, Architecture.x32Bit, Self.zeros) == expected)
    }
  }

  @Test func theDefaultFilterIsSmall() throws {
    let program = try FilterCompiler.compile(ShimPolicy.builtIn("default")!.seccompPolicy)
    #expect(program.instructions.count < 1024)
    #expect(program.unknownNames.isEmpty)
  }

  @Test func eachIsAPartOfTheNext() throws {
    let strict = try #require(ShimPolicy.builtIn("strict"))
    let normal = try #require(ShimPolicy.builtIn("default"))
    for index in 0..<SyscallCatalogue.count where strict.reaches(at: index) {
      #expect(normal.reaches(at: index), "\(SyscallCatalogue.name(at: index))")
    }
    #expect(strict.reach() < normal.reach())
    #expect(normal.reach() <= 190)
    #expect(ShimPolicy.builtIn("compat")!.reach() > normal.reach())
  }

  /// Without any one of its calls a rule would mean something else.
  @Test(arguments: ShimPolicy.builtInNames) func noRuleIsRedundant(name: String) throws {
    let file = Self.root.appending(path: "Policies/\(name).json")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.utf8.elementsEqual(ShimPolicy.text(name)!.description.utf8 + [10]), "scripts/generate-policies")
    var document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let whole = try #require(ShimPolicy.builtIn(name))
    let rules = document["rules"] as? [[String: Any]] ?? []
    for (place, rule) in rules.enumerated() {
      for call in rule["calls"] as? [String] ?? [] {
        var fewer = rules
        fewer[place]["calls"] = (rule["calls"] as! [String]).filter { $0 != call }
        if (fewer[place]["calls"] as! [String]).isEmpty { fewer.remove(at: place) }
        document["rules"] = fewer
        let bytes = try JSONSerialization.data(withJSONObject: document)
        #expect(try ShimPolicy(json: Array(bytes), file: name).classes != whole.classes, "\(name): \(call)")
      }
    }
  }

  private static func rule(_ text: String) -> String {
    #"{"name": "x", "base": "nothing", "rules": [\#(text)]}"#
  }

  private static func clone(_ when: String) -> String {
    rule(#"{"calls": ["clone"], "action": "check", "when": [\#(when)]}"#)
  }

  static let mistakes: [(String, String)] = [
    (rule(#"{"calls": ["raed"], "action": "allow"}"#), "\"raed\" is no system call"),
    (
      rule(#"{"calls": ["read"], "action": "allow"}, {"calls": ["read"], "action": "deny"}"#),
      "read is in two rules"
    ),
    (#"{"name": "x", "base": "noting"}"#, "\"noting\" is no policy"),
    (#"{"base": "nothing"}"#, "\"name\" is missing"),
    (#"{"name": "x"}"#, "\"base\" is missing"),
    (rule(#"{"calls": ["read"], "action": "alow"}"#), "\"alow\" is no action"),
    (rule(#"{"calls": ["read"], "action": "deny", "error": "EOOPS"}"#), "\"EOOPS\" is no error"),
    (rule(#"{"calls": ["read"], "action": "check"}"#), "\"when\" belongs to the action check"),
    (clone(#"[{"argument": "flags", "in": [0]}]"#), "clone has no argument \"flags\""),
    (clone(#"[{"argument": "parent_tid", "in": [0]}]"#), "parent_tid is a pointer"),
    (clone(#"[{"argument": "clone_flags", "mask": 1, "in": [2]}]"#), "the test never holds"),
    (
      clone(#"[{"argument": "clone_flags", "in": [2]}, {"argument": "clone_flags", "in": [3]}]"#),
      "clone_flags is tested twice"
    ),
    (clone("[]"), "always holds"),
    (#"{"name": "x", "base": "nothing", "rulez": []}"#, "\"rulez\" is no member"),
    ("[]", "object"),
    (#"{"name": "x", "base": "nothing", "watchedOn": "riscv64"}"#, "\"riscv64\" is no architecture"),
  ]

  @Test func whatWasLearnedTellsWhereAndIsAPolicy() throws {
    let learned = LearnedPolicy(command: ["/bin/a"], seen: ["read", "ptrace"])
    let policy = try ShimPolicy(json: Array(learned.json.utf8), file: "p.json")
    #expect(policy.watchedOn == .native)
    #expect(policy.callClass("ptrace") == .direct)
    #expect(policy.callClass("write") == .denied(error: 1))
    #expect(ShimPolicy.builtIn("default")?.watchedOn == nil)
  }

  @Test(arguments: mistakes) func aMistakeIsNamed(text: String, message: String) {
    let error = #expect(throws: SpecError.self) { try ShimPolicy(json: Array(text.utf8), file: "p.json") }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("p.json:1:") == true)
  }
}
