import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum StartVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    try Start.run(id: context.id, store: try context.store(), log: context.log)
  }
}
