import ArgumentParser
import MachineKit

struct Stop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Powers the machine off.", discussion: "It is no mistake to stop a machine that does not run.")

  @Option(help: ArgumentHelp("How long it may take before the machine is killed.", valueName: "seconds"))
  var timeout = 10.0
  @OptionGroup var place: Place

  func run() throws { try place.machine.stop(limit: timeout) }
}
