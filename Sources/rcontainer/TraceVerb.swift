import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum TraceVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    let store = try context.store()
    // One word that is the name of a container means that container.
    if context.operands.count == 1, Trace.knows(context.id, store: store) {
      let output = try context.output(otherwise: 2)
      try Trace.run(id: context.id, output: output.raw, store: store)
      return 0
    }
    let sandbox = try DoVerb.options(context, command: context.operands)
    let output = try context.output(otherwise: 2)
    return try Do.trace(sandbox, output: output.raw, store: store, log: context.log).exitCode
  }
}
