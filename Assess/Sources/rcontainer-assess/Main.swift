import ArgumentParser
import AssessKit
import Foundation

/// That of the runtime which it comes with; scripts/check-docs compares.
let version = "0.1.0"

@main
struct RContainerAssess: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rcontainer assess",
    abstract: "Measures how well container runtimes contain threats, and what that costs.",
    discussion: """
      Without options: all runtimes that are installed, all suites, the quick selection. The reports go to ./assessment.
      """,
    version: version,
    subcommands: [Run.self, Probes.self, Controls.self, Render.self], defaultSubcommand: Run.self)

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch let error as AssessError {
      say("rcontainer assess: \(error)")
      exit(withError: ExitCode(1))
    } catch is CancellationError {
      exit(withError: ExitCode(130))
    } catch { exit(withError: error) }
  }
}

/// Everything that is not asked for goes to standard error.
func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

/// Where the probes and payloads are: beside the program, or where `make install` puts them.
func dataDirectory() throws -> String {
  let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
  for place in [folder + "/assess", folder + "/../../share/rcontainer/assess"]
  where FileManager.default.fileExists(atPath: place + "/probes") { return place }
  throw AssessError("the probes are not beside \(program)", hint: "`make assess` puts them there")
}

/// Ends a task at the first Ctrl-C, so that it cleans up; the second one is not waited for.
func untilInterrupted<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T {
  let task = Task { try await work() }
  var sources: [any DispatchSourceSignal] = []
  for number in [SIGINT, SIGTERM, SIGHUP] {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      if task.isCancelled { return }
      say("\ninterrupted; cleaning up")
      task.cancel()
    }
    source.resume()
    sources.append(source)
  }
  defer { for source in sources { source.cancel() } }
  return try await task.value
}
