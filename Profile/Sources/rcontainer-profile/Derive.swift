import ArgumentParser
import FoundationEssentials
import ProfileKit

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
  @Flag(help: "Fail if the number of a system call cannot be found out.") var strictAnalysis = false
  @Flag(help: "Tell where each call was found, and what is not known.") var explain = false

  func run() throws {
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
    var calls = derivation.calls
    if !unresolved.isEmpty { calls.formUnion(DerivedPolicy.base) }
    let first = derivation.programs[0]
    let name = first.split(separator: "/").last.map(String.init) ?? first
    let policy = DerivedPolicy(name: name, calls: calls, architecture: architecture)
    let count = derivation.programs.count
    let summary = "what the code of \(first)\(count > 1 ? " and \(count - 1) more programs" : "") can call"
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
      for call in derivation.calls.sorted() {
        say(
          "\(call): \(derivation.origins[call]?.place ?? "")\(policy.denied.contains(call) ? "; denied by default" : "")"
        )
      }
      for place in unresolved { say("unknown number: \(place.place); lost at \(place.lost)") }
    }
    say(
      "\(policy.calls.count) system calls of \(count) \(count == 1 ? "program" : "programs"); default allows "
        + "\(DerivedPolicy.defaultCount(architecture)), compat \(DerivedPolicy.compatCount(architecture))")
    if !policy.denied.isEmpty {
      say("\(policy.denied.count) more are in the code and denied by default: \(policy.denied.joined(separator: " "))")
    }
    if !unresolved.isEmpty {
      say(
        "the numbers of \(unresolved.count) system calls are not known (--explain lists them); "
          + "the base set of \(DerivedPolicy.base.count) calls is added")
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
