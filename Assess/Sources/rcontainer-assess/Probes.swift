import ArgumentParser
import AssessKit

struct Probes: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "probes", abstract: "List the probes.")
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("More probes, from this directory; can be repeated.", valueName: "directory"))
  var probes: [String] = []

  func run() throws {
    let library = try ProbeLibrary(directories: [dataDirectory() + "/probes"] + probes)
    for probe in library.probes {
      print(
        "\(probe.id)\t\(probe.group.rawValue)\t\(probe.technique)\t\((probe.cve ?? []).joined(separator: ","))\t\(probe.title)"
      )
    }
  }
}
