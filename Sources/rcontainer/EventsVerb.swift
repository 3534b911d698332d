import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum EventsVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let store = try context.store()
    if context.options.has("stats") {
      return printOut(try Events.statistics(id: context.id, store: store) + "\n")
    }
    let text = context.options["interval"] ?? "5s"
    guard let interval = Quantities.milliseconds(text), interval > 0 else {
      throw context.bad("interval", text, "a time such as 500ms or 5s")
    }
    try Events.follow(id: context.id, interval: interval, store: store) { printOut($0 + "\n") }
  }
}
