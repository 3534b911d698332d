import ArgumentParser
import ProfileKit

@main
struct RContainerProfile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rcontainer-profile",
    abstract: "Makes policies of the software con-shim from programs.",
    subcommands: [Derive.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as ProfileError {
      say(error.description)
      exit(withError: ExitCode(1))
    } catch {
      exit(withError: error)
    }
  }
}

/// Everything that is not the policy goes to standard error.
func say(_ text: String) {
  write("rcontainer-profile: \(text)\n", to: 2)
}
