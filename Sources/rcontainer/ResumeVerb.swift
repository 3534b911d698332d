import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum ResumeVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    try Resume.run(id: context.id, store: try context.store())
  }
}
