import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem
import OCISpec
import ShimPolicy
import SyscallCatalogue

/// Policies of the software con-shim, for people.
enum ProfileVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    let architecture: Architecture
    switch context.options["arch"] {
    case nil: architecture = .native
    case "x86_64": architecture = .x86_64
    case "aarch64": architecture = .aarch64
    case let other?: throw context.bad("arch", other, "x86_64 or aarch64")
    }
    if context.operands[0] == "learn" { return try learn(context) }
    if context.operands[0] == "derive" { try derive(context) }
    if context.operands.count > 3 {
      throw RuntimeError(.options, "profile " + context.operands[0] + " has no use for \"" + context.operands[3] + "\"")
    }
    let policy = try load(context.operands[1])
    let other = context.operands.count > 2 ? try load(context.operands[2]) : nil
    switch (context.operands[0], other) {
    case ("show", nil):
      printOut(context.options.has("json") ? json(policy, architecture) : text(policy, architecture))
    case ("check", nil):
      printOut(
        context.operands[1] + ": policy " + policy.name + ", "
          + String(policy.reach(on: architecture)) + " system calls reach the kernel\n")
    case ("diff", let other?):
      let lines = difference(policy, other, architecture)
      printOut(lines)
      return lines.isEmpty ? 0 : 1
    case ("diff", nil):
      throw RuntimeError(.options, "profile diff needs two policies")
    case ("show", _), ("check", _):
      throw RuntimeError(.options, "profile " + context.operands[0] + " takes one policy")
    default:
      throw RuntimeError(
        .options, "profile " + context.operands[0] + " is unknown", hint: "use show, check, diff, learn or derive")
    }
    return 0
  }

  /// The analysis of programs is the business of a tool of its own.
  private static func derive(_ context: Context) throws(RuntimeError) -> Never {
    var words = ["derive"]
    for name in ["output", "with", "watched"] {
      for value in context.options.all(name) { words.append("--" + name + "=" + value) }
    }
    for name in ["all", "explain", "strict-analysis"] where context.options.has(name) { words.append("--" + name) }
    words += ["--"] + context.operands.dropFirst()
    try Tool.become("rcontainer-profile", words, hint: "`make profile` builds it")
  }

  private static func learn(_ context: Context) throws(RuntimeError) -> Int32 {
    let sandbox = try DoVerb.options(context, command: Array(context.operands.dropFirst()))
    // Before the command runs: a policy that can be written nowhere is of no use.
    let output = try context.output(otherwise: 1)
    let (result, policy) = try Do.learn(sandbox, store: try context.store(), log: context.log)
    try at(.process, "writing the policy") { () throws(Errno) in try writeAll(output.raw, policy.json) }
    return result.exitCode
  }

  /// A policy by its name, or a file with its absolute path.
  static func absolute(_ name: String) throws(RuntimeError) -> String {
    if ShimPolicy.builtInNames.contains(name) { return name }
    return try at(
      .options, "policy " + name,
      hint: "use " + ShimPolicy.builtInNames.reduce("") { $0 + $1 + ", " } + "or the path of a file"
    ) { () throws(Errno) in
      let file = try open(name, O_PATH)
      return try readLink("/proc/self/fd/\(file.raw)")
    }
  }

  private static func load(_ name: String) throws(RuntimeError) -> ShimPolicy {
    try PolicyStage.load(try absolute(name))
  }

  // MARK: show

  private static func text(_ policy: ShimPolicy, _ architecture: Architecture) -> String {
    var counts = (direct: 0, checked: 0, mediated: 0, denied: 0)
    var lines = ""
    for index in policy.classes.indices where SyscallCatalogue.number(at: index, on: architecture) != nil {
      let callClass = policy.classes[index]
      switch callClass {
      case .direct: counts.direct += 1
      case .checked: counts.checked += 1
      case .mediated: counts.mediated += 1
      case .denied: counts.denied += 1
      }
      lines += padded(SyscallCatalogue.name(at: index), 24) + padded(word(callClass), 23)
      lines += SyscallCatalogue.risk(at: index) + "\n"
      if case .checked(let alternatives, _) = callClass {
        for tests in alternatives { lines += "    if " + condition(tests, index, architecture) + "\n" }
      }
    }
    var head = "policy " + policy.name + ": " + policy.summary + "\n"
    head += String(policy.reach(on: architecture)) + " system calls reach the kernel: "
    head += "\(counts.direct) direct, \(counts.checked) checked, \(counts.mediated) mediated"
    head += " (some only where the policy asks for it), \(counts.denied) denied\n"
    head += "other architectures: " + (policy.otherArchitectures ? "the same" : "end the process")
    head += "; memory that is written and then executed: " + (policy.writeExecute ? "allowed" : "refused") + "\n"
    head += "programs that may be executed: " + policy.exec.description
    head += "; mounts, device nodes and attributes: " + (policy.nested ? "made for the container" : "denied") + "\n\n"
    return head + lines
  }

  /// `direct`, or how else the call ends.
  private static func word(_ callClass: CallClass) -> String {
    switch callClass {
    case .direct: "direct"
    case .checked(_, let error): "checked, " + ErrorName.name(error)
    case .mediated(error: 0): "mediated"
    case .mediated(let error): "mediated, " + ErrorName.name(error)
    case .denied(let error): "denied, " + ErrorName.name(error)
    }
  }

  private static func condition(_ tests: [CallTest], _ index: Int, _ architecture: Architecture) -> String {
    let arguments = SyscallCatalogue.arguments(at: index, on: architecture) ?? []
    var text = ""
    for test in tests {
      if !text.isEmpty { text += ", " }
      text += test.argument < arguments.count ? arguments[test.argument].name : "argument \(test.argument)"
      if test.mask != .max { text += " & 0x" + String(test.mask, radix: 16) }
      text += " is"
      for (place, value) in test.values.enumerated() {
        text += (place == 0 ? " " : place == test.values.count - 1 ? " or " : ", ")
        text += value < 10 ? String(value) : "0x" + String(value, radix: 16)
      }
    }
    return text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }

  private static func json(_ policy: ShimPolicy, _ architecture: Architecture) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("name", policy.name)
      writer.member("summary", policy.summary)
      writer.member("architecture", architecture == .x86_64 ? "x86_64" : "aarch64")
      writer.member("otherArchitectures", policy.otherArchitectures)
      writer.member("writeExecute", policy.writeExecute)
      writer.member("exec", policy.exec.description)
      writer.member("nested", policy.nested)
      writer.member("reachable", policy.reach(on: architecture))
      writer.key("calls")
      writer.array { writer in
        for index in policy.classes.indices {
          guard let number = SyscallCatalogue.number(at: index, on: architecture) else { continue }
          writer.object { writer in
            writer.member("name", SyscallCatalogue.name(at: index))
            writer.member("number", number)
            writer.member("class", word(policy.classes[index]))
            if case .checked(let alternatives, _) = policy.classes[index] {
              writer.member("when", alternatives.map { condition($0, index, architecture) })
            }
            writer.member("risk", SyscallCatalogue.risk(at: index))
          }
        }
      }
    }
    return writer.text + "\n"
  }

  // MARK: diff

  private static func difference(_ one: ShimPolicy, _ other: ShimPolicy, _ architecture: Architecture) -> String {
    var text = ""
    for index in one.classes.indices
    where SyscallCatalogue.number(at: index, on: architecture) != nil && one.classes[index] != other.classes[index] {
      text += "- " + described(one.classes[index], index, architecture)
      text += "+ " + described(other.classes[index], index, architecture)
    }
    func setting(_ name: String, _ old: Bool, _ new: Bool) {
      if old != new { text += "- " + name + ": \(old)\n+ " + name + ": \(new)\n" }
    }
    setting("otherArchitectures", one.otherArchitectures, other.otherArchitectures)
    setting("writeExecute", one.writeExecute, other.writeExecute)
    setting("nested", one.nested, other.nested)
    if one.exec != other.exec {
      text += "- exec: " + one.exec.description + "\n+ exec: " + other.exec.description + "\n"
    }
    return text
  }

  private static func described(_ callClass: CallClass, _ index: Int, _ architecture: Architecture) -> String {
    var text = padded(SyscallCatalogue.name(at: index), 24) + word(callClass)
    if case .checked(let alternatives, _) = callClass {
      for tests in alternatives { text += "\n      if " + condition(tests, index, architecture) }
    }
    return text + "\n"
  }
}
