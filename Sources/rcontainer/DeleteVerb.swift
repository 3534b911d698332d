import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum DeleteVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    try Delete.run(
      id: context.id, force: context.options.has("force"), store: try context.store(),
      log: context.log)
  }
}
