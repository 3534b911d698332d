import CommandLineInterface
import LinuxSystem

enum CompletionVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    guard let script = Completions.script(context.operands[0]) else {
      throw RuntimeError(
        .options, "no completions for shell " + context.operands[0], hint: "use bash, zsh or fish")
    }
    printOut(script)
  }
}
