import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum TraceVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    let sandbox = try DoVerb.options(context, command: context.operands)
    let output = try context.output(otherwise: 2)
    return try Do.trace(sandbox, output: output.raw, store: try context.store(), log: context.log).exitCode
  }
}
