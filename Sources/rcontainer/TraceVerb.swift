import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum TraceVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    let sandbox = try DoVerb.options(context, command: context.operands)
    var output = try at(.options, "standard error") { () throws(Errno) in try duplicate(2) }
    if let path = context.options["output"] {
      output = try at(.options, "--output " + path) { () throws(Errno) in
        try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      }
    }
    return try Do.trace(sandbox, output: output.raw, store: try context.store(), log: context.log).exitCode
  }
}
