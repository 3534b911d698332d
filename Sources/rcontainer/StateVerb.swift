import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum StateVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    printOut(try StateQuery.run(id: context.id, store: try context.store()) + "\n")
  }
}
