import ArgumentParser
import AssessKit

@main
struct RContainerAssess: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "rcontainer-assess")
  func run() async throws {}
}
