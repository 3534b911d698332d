import CLinux
import CommandLineInterface
import LinuxSystem

/// The emulated CCA machine is the business of a tool of its own, which this program finds and becomes.
enum MachineVerb {
  static let tool = "rcontainer-machine"

  static func run(_ context: Context) throws(RuntimeError) -> Never {
    let own = try at(.execution, "looking for " + tool) { () throws(Errno) in try readLink("/proc/self/exe") }
    let directory = own.utf8.lastIndex(of: 0x2f).map { String(own[..<$0]) } ?? "."
    for path in [directory + "/" + tool, directory + "/../libexec/rcontainer/" + tool]
    where canAccess(path, mode: X_OK) {
      try at(.execution, path) { () throws(Errno) in
        try execute(path, arguments: [tool] + context.operands, environment: environment())
      }
    }
    throw RuntimeError(
      .execution, tool + " is not beside " + own, hint: "`make machine` builds it, with the machine")
  }
}
