import CommandLineInterface
import ContainerRuntime
import LinuxSystem

enum FeaturesVerb {
  /// - Returns: 1 if a feature is missing that was looked for.
  static func run(_ context: Context) -> Int32 {
    guard context.options.has("check") else {
      printOut(Features.json() + "\n")
      return 0
    }
    let (text, isComplete) = KernelFeature.table()
    printOut(text)
    return isComplete ? 0 : 1
  }
}
