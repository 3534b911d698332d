import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum PauseVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    try Pause.run(id: context.id, store: try context.store())
  }
}
