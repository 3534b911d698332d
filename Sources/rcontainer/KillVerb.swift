import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum KillVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let name = context.operands.count > 1 ? context.operands[1] : "TERM"
    guard let signal = Quantities.signal(name) else {
      throw RuntimeError(
        .options, "unknown signal \"" + name + "\"", hint: "use a name such as TERM, or 1 to 64")
    }
    try Kill.run(
      id: context.id, signal: signal, all: context.options.has("all"), store: try context.store())
  }
}
