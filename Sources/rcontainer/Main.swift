import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem
import OCISpec

@main
struct Main {
  static func main() {
    ignoreBrokenPipes()
    let words = Array(arguments().dropFirst())
    let invocation: Invocation
    do throws(UsageError) {
      invocation = try Invocation(words)
    } catch {
      try? writeAll(2, "rcontainer: " + onOneLine(error.description) + "\n")
      exitNow(1)
    }
    exitNow(Dispatch.run(invocation))
  }
}

/// From words to verbs.
enum Dispatch {
  static func run(_ invocation: Invocation) -> Int32 {
    if invocation.global.has("version") || invocation.verb == "version" {
      printOut(VersionVerb.text)
      return 0
    }
    if invocation.global.has("help") || invocation.options.has("help") {
      printOut(invocation.verb.map { Help.verb($0) } ?? Help.overview())
      return 0
    }
    guard let verb = invocation.verb else {
      try? writeAll(2, Help.overview())
      return 1
    }
    var log: Log? = nil
    do throws(RuntimeError) {
      let context = try Context(invocation)
      log = context.log
      if let early = earlyFailure() {
        throw RuntimeError(.hardening, early.stage, early.error)
      }
      return try run(verb, context)
    } catch {
      report(error, log)
      // As runc: what exec reports is not mixed up with the status of what it would have run.
      return verb == "exec" || verb == "do" || verb == "trace" ? 255 : 1
    }
  }

  private static func run(_ verb: String, _ context: Context) throws(RuntimeError) -> Int32 {
    switch verb {
    case "do": return try DoVerb.run(context)
    case "pool": try PoolVerb.run(context)
    case "trace": return try TraceVerb.run(context)
    case "run": return try RunVerb.run(context)
    case "create": try CreateVerb.run(context)
    case "start": try StartVerb.run(context)
    case "state": try StateVerb.run(context)
    case "kill": try KillVerb.run(context)
    case "delete": try DeleteVerb.run(context)
    case "exec": return try ExecVerb.run(context)
    case "list": try ListVerb.run(context)
    case "ps": try PSVerb.run(context)
    case "pause": try PauseVerb.run(context)
    case "resume": try ResumeVerb.run(context)
    case "update": try UpdateVerb.run(context)
    case "events": try EventsVerb.run(context)
    case "spec": try SpecVerb.run(context)
    case "features": return FeaturesVerb.run(context)
    case "profile": return try ProfileVerb.run(context)
    case "machine": try MachineVerb.run(context)
    case "assess": try AssessVerb.run(context)
    case "completion": try CompletionVerb.run(context)
    case "man": printOut(ManualPage.text(version: RContainer.version))
    default: throw RuntimeError(.options, "verb " + verb + " has no implementation")
    }
    return 0
  }

  private static func report(_ error: RuntimeError, _ log: Log?) {
    log?.write(.error, error.description)
    // Engines read the log file, people the terminal.
    if log == nil || log?.isStandardError == false {
      try? writeAll(2, "rcontainer: " + error.description + "\n")
    }
  }
}

/// Writes to standard output.
func printOut(_ text: String) { try? writeAll(1, text) }
