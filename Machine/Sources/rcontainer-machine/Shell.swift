import ArgumentParser
import Foundation
import MachineKit

struct Shell: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens the console of the machine; Ctrl-] leaves.",
    discussion: "If no machine runs, one is started, and stopped when you leave.")

  @OptionGroup var options: MachineOptions
  @OptionGroup var place: Place

  func run() throws {
    if let record = try place.machine.running() {
      guard options.accepts(record) else {
        throw MachineError("the machine that runs was started with other options; stop it first")
      }
      return try Console.attach(to: place.machine, interruptions: Interruptions.descriptor())
    }
    try Session(options: options, place: place).withMachine { machine, interruptions in
      try Console.attach(to: machine, interruptions: interruptions)
    }
  }
}
