import OCISpec
import SyscallCatalogue

/// A policy made of what a command did: as "default", without the calls that it did not make, and with those that it
/// made though "default" denies them.
public struct LearnedPolicy: Sendable {
  public let name: String
  /// Calls of "default" that were not made.
  public private(set) var unused: [String] = []
  /// Calls that "default" denies, and were made.
  public private(set) var additional: [String] = []

  /// What every program needs, whether or not it was seen: it ends, and signals come back.
  private static let needed = ["execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall"]

  /// - Parameter seen: names of the calls that were made.
  public init(command: [String], seen: [String]) {
    let path = command.first ?? ""
    name = path.utf8.lastIndex(of: 0x2f).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    let base = ShimPolicy.builtIn("default") ?? .catalogue
    var made = [Bool](repeating: false, count: SyscallCatalogue.count)
    for name in seen + Self.needed {
      if let index = SyscallCatalogue.index(of: name) { made[index] = true }
    }
    for index in made.indices {
      // Calls of 32-bit machines stay as they are in "default".
      let isHere = [Architecture.x86_64, .aarch64].contains { SyscallCatalogue.number(at: index, on: $0) != nil }
      if !isHere { continue }
      let name = SyscallCatalogue.name(at: index)
      if base.reaches(at: index) {
        if !made[index] { unused.append(name) }
      } else if made[index] {
        additional.append(name)
      }
    }
  }

  /// As a policy file.
  public var json: String {
    var writer = JSONWriter(pretty: true)
    writer.object { writer in
      writer.member("name", name)
      writer.member("summary", "what " + name + " did when it was watched")
      writer.member("watchedOn", Architecture.native.policyName)
      writer.member("base", "default")
      writer.key("rules")
      writer.array { writer in
        rule(additional, "allow", &writer)
        rule(unused, "deny", &writer)
      }
    }
    return writer.text + "\n"
  }

  private func rule(_ calls: [String], _ action: String, _ writer: inout JSONWriter) {
    if calls.isEmpty { return }
    writer.object { writer in
      writer.member("calls", calls)
      writer.member("action", action)
    }
  }
}
