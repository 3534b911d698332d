import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum ListVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let store = try context.store()
    if context.options.has("quiet") { return printOut(try List.quiet(store)) }
    switch context.options["format"] {
    case nil, "table": printOut(try List.table(store))
    case "json": printOut(try List.json(store))
    case let other?: throw context.bad("format", other, "table or json")
    }
  }
}
