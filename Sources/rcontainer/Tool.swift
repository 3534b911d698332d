import CLinux
import LinuxSystem

/// A program of its own beside this one, which finds it and becomes it.
enum Tool {
  /// - Parameter hint: how to get it.
  static func become(_ name: String, _ arguments: [String], hint: String) throws(RuntimeError) -> Never {
    let own = try at(.execution, "looking for " + name) { () throws(Errno) in try readLink("/proc/self/exe") }
    let directory = own.utf8.lastIndex(of: 0x2f).map { String(own[..<$0]) } ?? "."
    for path in [directory + "/" + name, directory + "/../libexec/rcontainer/" + name]
    where canAccess(path, mode: X_OK) {
      try at(.execution, path) { () throws(Errno) in
        try execute(path, arguments: [name] + arguments, environment: environment())
      }
    }
    throw RuntimeError(.execution, name + " is not beside " + own, hint: hint)
  }
}
