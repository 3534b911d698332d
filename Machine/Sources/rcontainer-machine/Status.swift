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
    print("running: \(kind), \(record.cpus) CPU\(record.cpus == 1 ? "" : "s"), process \(record.pid), in \(machine.state.path)")
  }
}
