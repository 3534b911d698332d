import ArgumentParser
import FoundationEssentials
import ProfileKit
import ShimPolicy

struct Derive: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Derives a policy from the code of programs.")

  @Argument(help: "A root file system, or a bundle with config.json.") var place: String
  @Argument(help: "Programs in it; all of a root file system, and the one that a bundle starts, if none is named.")
  var programs: [String] = []
  @Option(name: .shortAndLong, help: ArgumentHelp("Write the policy to this file.", valueName: "file"))
  var output: String?
  @Flag(help: "Take all programs of the root file system.") var all = false
  @Option(
    name: .customLong("with"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A library that programs load while they run; can be repeated.", valueName: "path"))
  var modules: [String] = []
  @Option(
    name: .customLong("watched"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Allow of that only what `rcontainer profile learn` wrote to this file, and its kin; can be repeated.",
      valueName: "file"))
  var watched: [String] = []
  @Flag(help: "Fail if the number of a system call cannot be found out.") var strictAnalysis = false
  @Flag(help: "Tell where each call was found, and what is not known.") var explain = false

  func run() throws {
    let seen = try watched.map { try WatchedCalls(file: $0) }
    let bundle = try Bundle(place)
    let derivation = try Derivation(try RootFileSystem(bundle?.root ?? place), modules: modules)
    for program in programs { try derivation.add(program) }
    if let bundle, programs.isEmpty { try derivation.add(process: bundle.arguments) }
    if all || bundle == nil && programs.isEmpty { try derivation.addAll() }
    guard let architecture = derivation.architecture else { throw ProfileError("no program was found") }

    let unresolved = derivation.unresolved.sorted { ($0.file, $0.address) < ($1.file, $1.address) }
    if strictAnalysis, let first = unresolved.first {
      throw ProfileError(
        "\(unresolved.count) system calls have numbers that are not known, the first in \(first.place)")
    }
    let count = derivation.programs.count
    let first = derivation.programs[0]
    let programs = "\(first)\(count > 1 ? " and \(count - 1) more programs" : "")"
    for file in seen {
      guard file.architecture == architecture else {
        throw ProfileError(
          "\(file.file) was learned on \(file.architecture.policyName), and \(first) is for \(architecture.policyName)")
      }
      try JoinedCalls.check(file, code: derivation.calls, of: programs)
    }
    let joined =
      seen.isEmpty
      ? nil
      : JoinedCalls(
        code: derivation.calls, isComplete: unresolved.isEmpty,
        watched: seen.reduce(into: []) { $0.formUnion($1.calls) })
    var calls = joined?.allowed ?? derivation.calls
    if joined == nil, !unresolved.isEmpty { calls.formUnion(DerivedPolicy.base) }
    let name = first.split(separator: "/").last.map(String.init) ?? first
    let policy = DerivedPolicy(
      name: name, calls: calls, withheld: joined?.withheld ?? [], architecture: architecture)
    let summary =
      joined == nil
      ? "what the code of \(programs) can call"
      : "what the code of \(programs) can call, if it was watched or is kin to that"
        + (policy.withheld.isEmpty ? "" : "; the first rule is what else it can call")
    if let output {
      do {
        try Data(policy.text(summary: summary).utf8).write(to: URL(fileURLWithPath: output))
      } catch {
        throw ProfileError("\(output) cannot be written")
      }
    } else {
      write(policy.text(summary: summary), to: 1)
    }

    if explain {
      for note in derivation.notes { say(note) }
      for call in derivation.calls.union(joined?.withheld ?? []).union(joined?.allowed ?? []).sorted() {
        let place = derivation.origins[call]?.place ?? "maybe where the number is not known"
        say("\(call): \(place)\(verdict(call, joined))")
      }
      for place in unresolved { say("unknown number: \(place.place); lost at \(place.lost)") }
    }
    say(
      "\(policy.calls.count) system calls of \(count) \(count == 1 ? "program" : "programs"); default allows "
        + "\(DerivedPolicy.defaultCount(architecture)), compat \(DerivedPolicy.compatCount(architecture))")
    if let joined {
      tell(joined, policy, isComplete: unresolved.isEmpty)
    } else if !policy.denied.isEmpty {
      say("\(policy.denied.count) more are in the code and denied by default: \(policy.denied.joined(separator: " "))")
    }
    if !unresolved.isEmpty {
      say(
        "the numbers of \(unresolved.count) system calls are not known (--explain lists them); "
          + (joined == nil
            ? "the base set of \(DerivedPolicy.base.count) calls is added"
            : "they may be any that was watched"))
    }
  }

  /// What becomes of a call that is in the code.
  private func verdict(_ call: String, _ joined: JoinedCalls?) -> String {
    if !DerivedPolicy.reaches(call) { return "; denied by default" }
    guard let joined else { return "" }
    if let why = joined.kin[call] { return "; \(why)" }
    return joined.allowed.contains(call) ? "; watched" : "; denied, neither watched nor kin"
  }

  /// What a reader has to judge of a policy that was joined.
  private func tell(_ joined: JoinedCalls, _ policy: DerivedPolicy, isComplete: Bool) {
    let kin = policy.calls.count { joined.kin[$0] != nil }
    say("\(policy.calls.count - kin) of them were watched, \(kin) are kin to that")
    if !policy.withheld.isEmpty {
      say(
        "\(policy.withheld.count) are in the code and were neither watched nor are kin: denied by the first rule "
          + "(--explain tells where they are)")
    }
    let denied = policy.denied.filter { joined.kin[$0] == nil }
    if !denied.isEmpty {
      say("watched, and denied by default: \(denied.joined(separator: " "))")
    }
    let foreign = joined.foreign.sorted()
    if !foreign.isEmpty {
      say(
        "watched, and not in the code\(isComplete ? ", so denied" : ""): \(foreign.joined(separator: " ")); "
          + "name the programs that made them, too")
    }
  }
}

extension Derivation.Unresolved {
  var place: String { "\(file), function 0x\(String(function, radix: 16)), address 0x\(String(address, radix: 16))" }
}

/// What matters of a bundle.
struct Bundle {
  var root: String
  var arguments: [String]

  /// Nil for a directory without config.json.
  init?(_ path: String) throws {
    let file = URL(fileURLWithPath: path).appending(path: "config.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    struct Configuration: Decodable {
      struct Root: Decodable { var path: String }
      struct Process: Decodable { var args: [String]? }
      var root: Root
      var process: Process?
    }
    guard let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(contentsOf: file)) else {
      throw ProfileError("\(file.path) is no configuration of a bundle")
    }
    arguments = configuration.process?.args ?? []
    let relative = configuration.root.path
    root = relative.hasPrefix("/") ? relative : path + "/" + relative
  }
}
