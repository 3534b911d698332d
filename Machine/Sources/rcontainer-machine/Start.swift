import ArgumentParser
import MachineKit

struct Start: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Starts the machine in the background.")

  @OptionGroup var options: MachineOptions
  @OptionGroup var place: Place

  func run() throws {
    if options.icount { throw ValidationError("--icount is for run: its command has to be there from the beginning") }
    let machine = place.machine
    try Builder(layout: place.layout, say: say).build()
    try machine.start(options.command(place.layout), temporary: false)
    do {
      _ = try machine.connect(limit: options.limit)
    } catch let error as MachineError {
      let words = error.description.contains("last lines") ? "" : machine.lastWords()
      try machine.stop(limit: 0)
      throw MachineError(error.description + words)
    }
  }
}
