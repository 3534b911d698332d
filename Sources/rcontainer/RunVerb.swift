import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum RunVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    try Run.run(
      id: context.id, bundle: context.options["bundle"] ?? ".",
      configuration: context.options["config"], options: try context.launchOptions(),
      detach: context.options.has("detach"), keep: context.options.has("keep"),
      store: try context.store(), log: context.log)
  }
}
