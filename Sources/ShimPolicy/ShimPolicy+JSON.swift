import OCISpec
import SyscallCatalogue

extension ShimPolicy {
  /// Reads a policy file:
  ///
  ///     {
  ///       "name": "mine", "summary": "one line",
  ///       "base": "default",
  ///       "otherArchitectures": false, "writeExecute": false, "exec": "image", "ownFiles": true,
  ///       "nested": false, "watchedOn": "x86_64",
  ///       "rules": [
  ///         {"calls": ["ptrace"], "action": "allow"},
  ///         {"calls": ["socket"], "action": "deny", "error": "EAFNOSUPPORT"},
  ///         {"calls": ["clone"], "action": "check", "error": "EPERM",
  ///          "when": [[{"argument": "clone_flags", "mask": 2114060288, "in": [0]}]]}
  ///       ]
  ///     }
  ///
  /// `base` is a policy of ours, "catalogue" or "nothing" (every call is denied). `when` is a list of alternatives, of
  /// which one has to hold with all its tests; a test without `mask` compares 32 bits. `exec` is "any", "image" or a list
  /// of absolute paths. `nested` and a rule for programs exclude each other. `watchedOn` is there if the policy was learned.
  /// - Parameter file: its name, for messages.
  /// - Throws: what is wrong, with its place: no JSON, an unknown member, call, argument or error, a call in two rules.
  public init(json bytes: [UInt8], file: String) throws(SpecError) {
    var reader = JSONReader(bytes, file: file)
    var policy = ShimPolicy.nothing
    var hasBase = false
    var rules: [PolicyRule] = []
    var ruled = [Bool](repeating: false, count: SyscallCatalogue.count)
    policy.name = ""
    var others: Bool?
    var writeExecute: Bool?
    var exec: ExecRule?
    var ownFiles: Bool?
    var nested: Bool?
    var watchedOn: Architecture?
    try reader.document { (reader, key) throws(SpecError) in
      switch key {
      case "name": policy.name = try reader.string()
      case "summary": policy.summary = try reader.string()
      case "base":
        let base = try reader.string()
        guard let found = ShimPolicy.base(base) else {
          throw reader.error(
            "\"" + base + "\" is no policy",
            hint: "use " + Self.builtInNames.reduce("catalogue, nothing") { $0 + ", " + $1 })
        }
        hasBase = true
        let (name, summary) = (policy.name, policy.summary)
        policy = found
        (policy.name, policy.summary) = (name, summary)
      case "otherArchitectures": others = try reader.bool()
      case "writeExecute": writeExecute = try reader.bool()
      case "exec": exec = try Self.execRule(&reader)
      case "ownFiles": ownFiles = try reader.bool()
      case "nested": nested = try reader.bool()
      case "watchedOn":
        let name = try reader.string()
        watchedOn = Architecture.named(name)
        if watchedOn == nil {
          throw reader.error("\"" + name + "\" is no architecture", hint: "use x86_64 or aarch64")
        }
      case "rules":
        try reader.array { (reader) throws(SpecError) in
          let rule = try PolicyRule(&reader)
          for call in rule.calls {
            if ruled[call] {
              throw reader.error(
                SyscallCatalogue.name(at: call) + " is in two rules",
                hint: "a policy says once what a call meets")
            }
            ruled[call] = true
          }
          rules.append(rule)
        }
      default:
        throw reader.error(
          "\"" + key + "\" is no member of a policy",
          hint: "use name, summary, base, rules, otherArchitectures, writeExecute, exec, ownFiles, nested, watchedOn")
      }
    }
    if policy.name.isEmpty { throw reader.missing("name") }
    if !hasBase { throw reader.missing("base") }
    policy.otherArchitectures = others ?? policy.otherArchitectures
    policy.writeExecute = writeExecute ?? policy.writeExecute
    policy.exec = exec ?? policy.exec
    policy.ownFiles = ownFiles ?? policy.ownFiles
    policy.nested = nested ?? policy.nested
    policy.watchedOn = watchedOn
    if policy.nested, policy.exec != .any {
      // A mount can bring any file under a name, and shows as read-only what is written elsewhere.
      throw reader.error(
        "\"nested\" and a rule for programs exclude each other", hint: "set exec to \"any\", or nested to false")
    }
    if nested == true { policy.allowNested() }
    for rule in rules {
      for (call, callClass) in zip(rule.calls, rule.classes) { policy.set(call, callClass) }
    }
    self = policy
  }

  private static func execRule(_ reader: inout JSONReader) throws(SpecError) -> ExecRule {
    if reader.isAtString() {
      switch try reader.string() {
      case "any": return .any
      case "image": return .image
      case let other:
        throw reader.error(
          "\"" + other + "\" is no rule for exec", hint: "use \"any\", \"image\" or a list of absolute paths")
      }
    }
    var paths: [String] = []
    try reader.array { (reader) throws(SpecError) in
      let path = try reader.string()
      if path.utf8.first != 0x2f {
        throw reader.error("\"" + path + "\" is not absolute", hint: "name programs by their paths in the container")
      }
      if paths.count == 256 { throw reader.error("exec lists more than 256 programs") }
      paths.append(path)
    }
    if paths.isEmpty { throw reader.error("exec lists no program, so that none could start") }
    return .paths(paths)
  }

  private static func base(_ name: String) -> ShimPolicy? {
    switch name {
    case "catalogue": .catalogue
    case "nothing": .nothing
    default: builtIn(name)
    }
  }
}

extension Architecture {
  /// As policy files call those that containers have.
  public var policyName: String { self == .aarch64 ? "aarch64" : "x86_64" }

  static func named(_ name: String) -> Architecture? {
    [.x86_64, .aarch64].first { $0.policyName == name }
  }
}

/// What a file says of some calls.
struct PolicyRule {
  /// Places in the catalogue, and what each call meets.
  private(set) var calls: [Int] = []
  private(set) var classes: [CallClass] = []

  /// A test with the name of an argument, whose place depends on the call.
  private struct NamedTest {
    var argument = ""
    var mask = UInt32.max
    var values: [UInt32] = []
  }

  init(_ reader: inout JSONReader) throws(SpecError) {
    var names: [String] = []
    var action = ""
    var error: UInt16?
    var alternatives: [[NamedTest]] = []
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "calls":
        try reader.array { (reader) throws(SpecError) in
          let name = try reader.string()
          guard let call = SyscallCatalogue.index(of: name) else {
            throw reader.error("\"" + name + "\" is no system call of Linux up to 6.18")
          }
          names.append(name)
          self.calls.append(call)
        }
      case "action":
        action = try reader.string()
        if !["allow", "check", "deny"].contains(action) {
          throw reader.error("\"" + action + "\" is no action", hint: "use allow, check or deny")
        }
      case "error":
        let name = try reader.string()
        error = ErrorName.number(name)
        if error == nil {
          throw reader.error(
            "\"" + name + "\" is no error that a denied call can have", hint: "use " + ErrorName.list)
        }
      case "when":
        try reader.array { (reader) throws(SpecError) in
          var tests: [NamedTest] = []
          try reader.array { (reader) throws(SpecError) in tests.append(try Self.test(&reader)) }
          alternatives.append(tests)
        }
      default:
        throw reader.error("\"" + key + "\" is no member of a rule", hint: "use calls, action, error, when")
      }
    }
    if calls.isEmpty { throw reader.error("a rule needs calls") }
    if action.isEmpty { throw reader.missing("action") }
    if (action == "check") == alternatives.isEmpty {
      throw reader.error("\"when\" belongs to the action check, and only to it")
    }
    for (call, name) in zip(calls, names) {
      switch action {
      case "allow": classes.append(.direct)
      case "deny": classes.append(.denied(error: error ?? 1))
      default:
        classes.append(.checked(try Self.resolve(alternatives, call, name, reader), error: error ?? 1))
      }
    }
  }

  private static func test(_ reader: inout JSONReader) throws(SpecError) -> NamedTest {
    var test = NamedTest()
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "argument": test.argument = try reader.string()
      case "mask": test.mask = try reader.integer()
      case "in":
        try reader.array { (reader) throws(SpecError) in
          let value: UInt32 = try reader.integer()
          test.values.append(value)
        }
      default: throw reader.error("\"" + key + "\" is no member of a test", hint: "use argument, mask, in")
      }
    }
    if test.argument.isEmpty { throw reader.missing("argument") }
    if test.values.isEmpty { throw reader.missing("in") }
    if let value = test.values.first(where: { $0 & ~test.mask != 0 }) {
      throw reader.error("\(value) has bits that the mask \(test.mask) has not: the test never holds")
    }
    return test
  }

  private static func resolve(
    _ alternatives: [[NamedTest]], _ call: Int, _ name: String, _ reader: JSONReader
  ) throws(SpecError) -> [[CallTest]] {
    let known = SyscallCatalogue.arguments(at: call) ?? []
    var resolved: [[CallTest]] = []
    for tests in alternatives {
      if tests.isEmpty {
        throw reader.error(
          "an alternative of " + name + " without a test always holds", hint: "use the action allow")
      }
      var places: [CallTest] = []
      for test in tests {
        guard let place = known.firstIndex(where: { $0.name == test.argument }) else {
          throw reader.error(
            name + " has no argument \"" + test.argument + "\"",
            hint: "it has " + known.reduce("") { $0 + ($0.isEmpty ? "" : ", ") + $1.name })
        }
        if known[place].isPointer, known[place].kind != .any {
          throw reader.error(name + ": " + test.argument + " is a pointer, whose number says nothing")
        }
        if places.contains(where: { $0.argument == place }) {
          throw reader.error(name + ": " + test.argument + " is tested twice in one alternative")
        }
        places.append(CallTest(argument: place, mask: test.mask, values: test.values))
      }
      resolved.append(places)
    }
    return resolved
  }
}

/// Errors that denied calls have (errno(3)).
public enum ErrorName {
  static let all: [(StaticString, UInt16)] = [
    ("EPERM", 1), ("ENOENT", 2), ("EIO", 5), ("EBADF", 9), ("EAGAIN", 11), ("ENOMEM", 12), ("EACCES", 13),
    ("EBUSY", 16), ("ENODEV", 19), ("EINVAL", 22), ("ENOTTY", 25), ("EROFS", 30), ("ENOSYS", 38),
    ("ENOPROTOOPT", 92), ("EPROTONOSUPPORT", 93), ("EOPNOTSUPP", 95), ("EAFNOSUPPORT", 97),
    ("ENETUNREACH", 101), ("ECONNREFUSED", 111),
  ]

  static func number(_ name: String) -> UInt16? { all.first { $0.0.description == name }?.1 }

  static var list: String { all.reduce("") { $0 + ($0.isEmpty ? "" : ", ") + $1.0.description } }

  /// The name of a number, or the number.
  public static func name(_ number: UInt16) -> String {
    all.first { $0.1 == number }?.0.description ?? String(number)
  }
}
