import Foundation
import MachineKit

/// A machine that lives as long as one command of the user.
struct Session {
  let options: MachineOptions
  let place: Place

  func withMachine<Result>(job: CpioArchive? = nil, _ body: (Machine) throws -> Result) throws -> Result {
    try Builder(layout: place.layout, say: say).build()
    let name = "run-\(ProcessInfo.processInfo.processIdentifier)"
    let machine = Machine(layout: place.layout, state: place.layout.machine.appending(path: name))
    try machine.start(options.command(place.layout), job: job, temporary: true)
    do {
      let result = try body(machine)
      try machine.stop(limit: 0)
      return result
    } catch {
      var error = error
      if let known = error as? MachineError, !known.description.contains("last lines") {
        error = MachineError(known.description + machine.lastWords())
      }
      _ = try? machine.stop(limit: 0)
      throw error
    }
  }
}
