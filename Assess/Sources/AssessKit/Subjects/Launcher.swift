import Foundation

/// Starts and ends the containers of one subject.
public struct Launcher: Sendable {
  public let subject: Subject
  public let workspace: Workspace

  /// In the place of the runtime's program: a copy.
  var program: String?
  /// Whether the runtime inherits the host's root directory as descriptor 3.
  var descriptor = false
  /// The payload on the host that runs the runtime on a terminal; none if nil.
  var terminal: String?
  /// What the runtime's own environment holds.
  var secret = ""

  public init(subject: Subject, workspace: Workspace) { (self.subject, self.workspace) = (subject, workspace) }

  /// The state directory: one per subject, so that names can't meet.
  private var state: String { workspace.state + "/" + subject.id.replacing("/", with: "-").replacing(":", with: "-") }

  /// The words of a direct runtime before its verb.
  public var prefix: [String] { [program ?? subject.runtime.path, "--root", state] + subject.configuration.options }

  /// The command that runs a bundle in the foreground until it ends.
  public func command(_ bundle: Bundle, id: String, arguments: [String], more: [String] = []) -> [String] {
    switch subject.runtime.driver {
    case .direct: prefix + ["run", "--bundle", bundle.path] + more + [id]
    case .podman:
      // Limits as they are here: podman's own may be more than this host's root is allowed.
      ["podman", "--runtime", subject.runtime.path, "run", "--rm", "--name", id]
        + ["--ulimit", "nofile=" + limit("Max open files"), "--ulimit", "nproc=4096:4096"]
        + ["--rootfs", bundle.root, "/probe"] + arguments
    case .docker:
      ["docker", "run", "--rm", "--runtime", subject.runtime.path, "--name", id, image, "/probe"] + arguments
    case .containerd:
      ["ctr", "run", "--rm", "--runc-binary", subject.runtime.path, "--seccomp", "--rootfs", bundle.root, id, "/probe"]
        + arguments
    }
  }

  /// A resource limit of our own, as `SOFT:HARD`; -1 is none.
  private func limit(_ name: String) -> String {
    let table = System.text("/proc/self/limits")
    let line = table.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    let values = line.dropFirst(name.count).split(separator: " ").prefix(2)
    return values.map { $0 == "unlimited" ? "-1" : String($0) }.joined(separator: ":")
  }

  /// The image that docker knows our root file system by.
  var image: String { workspace.name + "-image" }

  private func started(_ words: [String]) -> [String] {
    if let terminal { return [terminal, "terminal"] + words }
    return descriptor ? ["sh", "-c", "exec \"$@\" 3</", "sh"] + words : words
  }

  private var environment: [String: String] { secret.isEmpty ? [:] : ["CANARY_SECRET": secret] }

  /// Executes the payload once more in a container that runs; its own arguments are those of the program.
  public func execute(
    id: String, arguments: [String], limit: Double, more: [String]
  ) async throws -> (outcome: Outcome, command: [String]) {
    let words = started(prefix + ["exec"] + more + [id, "/probe"] + arguments)
    let outcome = try await Command.run(words, scratch: workspace.scratch, limit: limit, environment: environment)
    return (outcome, words)
  }

  public func run(
    _ bundle: Bundle, id: String, arguments: [String], limit: Double, more: [String] = []
  ) async throws -> (outcome: Outcome, command: [String]) {
    if subject.runtime.driver == .docker { try await importImage(bundle) }
    let words = started(command(bundle, id: id, arguments: arguments, more: more))
    let outcome = try await Command.run(words, scratch: workspace.scratch, limit: limit, environment: environment)
    await remove(id)
    return (outcome, words)
  }

  /// Starts a container that goes on in the background. What it says goes to `output`.out and `output`.err.
  ///
  /// - Throws: `AssessError` with the runtime's own words if it does not start.
  public func start(_ bundle: Bundle, id: String, arguments: [String], output: String) async throws {
    if subject.runtime.driver == .docker { try await importImage(bundle) }
    var words = command(bundle, id: id, arguments: arguments)
    switch subject.runtime.driver {
    case .direct: words.insert("--detach", at: words.count - 1)
    // ctr removes no container that it does not wait for.
    case .containerd: words[words.firstIndex(of: "--rm")!] = "--detach"
    case .podman, .docker: words.insert("--detach", at: words.firstIndex(of: "run")! + 1)
    }
    let outcome = try await Command.run(
      started(words), scratch: workspace.scratch, limit: 30, environment: environment, keep: output)
    guard outcome.succeeded else {
      await remove(id)
      throw AssessError("\(subject.id) does not start a container: \(outcome.lastLine)")
    }
  }

  /// Ends a container if it is there, and forgets it.
  public func remove(_ id: String) async {
    let words: [[String]] =
      switch subject.runtime.driver {
      case .direct: [prefix + ["delete", "--force", id]]
      case .podman: [["podman", "rm", "--force", "--time", "0", "--ignore", id]]
      case .docker: [["docker", "rm", "--force", id]]
      case .containerd: [["ctr", "task", "delete", "--force", id], ["ctr", "container", "delete", id]]
      }
    // Most runtimes keep a directory of the container's name; gVisor has a file NAME_sandbox:NAME.state, and would take a name that
    // is not there for the beginning of another one.
    let kept = (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []
    if subject.runtime.driver == .direct, !kept.contains(where: { $0 == id || $0.hasPrefix(id + "_") }) { return }
    for command in words { _ = try? await Command.run(command, scratch: workspace.scratch, limit: 20) }
  }

  private func importImage(_ bundle: Bundle) async throws {
    let known = try await Command.run(["docker", "image", "inspect", image], scratch: workspace.scratch, limit: 30)
    if known.succeeded { return }
    let words = ["sh", "-c", "tar -C \"$1\" -c . | docker import - \"$2\"", "sh", bundle.root, image]
    let outcome = try await Command.run(words, scratch: workspace.scratch, limit: 60)
    guard outcome.succeeded else { throw AssessError("docker takes no image: \(outcome.lastLine)") }
  }

  /// What is left when all is done.
  public func clean() async {
    if subject.runtime.driver == .docker {
      _ = try? await Command.run(["docker", "image", "rm", "--force", image], scratch: workspace.scratch, limit: 30)
    }
  }

  /// What the program says of its version, in one line.
  public func version() async throws -> String {
    let words: [String] =
      switch subject.runtime.driver {
      case .direct: [subject.runtime.path, "--version"]
      case .podman: ["podman", "--version"]
      case .docker: ["docker", "version", "--format", "docker {{.Server.Version}}"]
      case .containerd: ["ctr", "--version"]
      }
    let outcome = try await Command.run(words, scratch: workspace.scratch, limit: 10)
    guard outcome.succeeded, let line = (outcome.output + outcome.errors).split(separator: "\n").first else {
      throw AssessError("\(words.joined(separator: " ")) says no version: \(outcome.lastLine)")
    }
    return String(line)
  }
}
