import ArgumentParser
import AssessKit
import Foundation

struct Controls: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controls",
    abstract: "Test the probes: each in a weakened container, where it must succeed, and in a hardened one.")
  @Option(help: ArgumentHelp("On this runtime.", valueName: "runtime")) var runtime = "runc"
  @Option(help: ArgumentHelp("Only these probes, with commas.", valueName: "list")) var probe: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("More probes, from this directory; can be repeated.", valueName: "directory"))
  var probes: [String] = []

  func run() async throws {
    let data = try dataDirectory()
    var library = try ProbeLibrary(directories: [data + "/probes"] + probes)
    if let probe { library = try library.only(probe.split(separator: ",").map(String.init)) }
    let (chosen, runtime) = (library, try Runtime(parsing: runtime))
    let wrong = try await untilInterrupted {
      try await TruthTable(library: chosen, runtime: runtime, data: data).run { print($0) }
    }
    if wrong > 0 { throw AssessError("\(wrong) probes are not what they should be") }
  }
}
