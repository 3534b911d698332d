import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum PSVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let store = try context.store()
    switch context.options["format"] {
    case nil, "table":
      printOut(
        try ProcessList.table(
          id: context.id, arguments: Array(context.operands.dropFirst()), store: store))
    case "json": printOut(try ProcessList.json(id: context.id, store: store))
    case let other?: throw context.bad("format", other, "table or json")
    }
  }
}
