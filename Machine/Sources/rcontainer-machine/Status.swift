import ArgumentParser
import MachineKit

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells whether a machine runs.", discussion: "The exit status is 0 if one does, otherwise 1.")

  @OptionGroup var place: Place

  func run() throws {
    let machine = place.machine
    guard let record = try machine.running() else {
      print("stopped")
      throw ExitCode(1)
    }
    let kind = record.plain ? "plain" : "Arm CCA"
    let cpus = record.cpus == 1 ? "1 CPU" : "\(record.cpus) CPUs"
    print("running: \(kind), \(cpus), process \(record.pid), in \(machine.state.path)")
  }
}
