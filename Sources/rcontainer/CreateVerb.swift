import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum CreateVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    try Create.run(
      id: context.id, bundle: context.options["bundle"] ?? ".",
      configuration: context.options["config"], options: try context.launchOptions(),
      store: try context.store(), log: context.log)
  }
}
