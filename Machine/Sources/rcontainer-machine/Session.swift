import Foundation
import MachineKit

/// A machine that lives as long as one command of the user.
struct Session {
  let options: MachineOptions
  let place: Place

  /// `body` gets the machine and the descriptor of interruptions.
  func withMachine<Result>(job: CpioArchive? = nil, _ body: (Machine, Int32) throws -> Result) throws -> Result {
    try Builder(layout: place.layout, say: say).build()
    let name = "run-\(ProcessInfo.processInfo.processIdentifier)"
    let machine = Machine(layout: place.layout, state: place.layout.machine.appending(path: name))
    // Only now: while things are built, an interruption may simply end everything.
    machine.interruptions = try Interruptions.descriptor()
    try machine.start(options.command(place.layout), job: job, temporary: true)
    do {
      let result = try body(machine, machine.interruptions)
      try machine.stop(limit: 0)
      return result
    } catch {
      var error = error
      if let known = error as? MachineError, known.status == 125, !known.description.contains("last lines") {
        error = MachineError(known.description + machine.lastWords())
      }
      _ = try? machine.stop(limit: 0)
      throw error
    }
  }
}
