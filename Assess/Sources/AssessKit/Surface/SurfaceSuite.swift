import Foundation

/// Measures what of the host a container can reach.
///
/// What can be tried is tried from inside, with arguments that do nothing; what this kernel has is tried first on the host, in
/// namespaces of its own and without the rights that docker does not give, so that a filter's answer and the kernel's can be told apart.
public struct SurfaceSuite: Sendable {
  public let workspace: Workspace
  public let payload: String
  private let reference = Reference()

  public init(workspace: Workspace, payload: String) { (self.workspace, self.payload) = (workspace, payload) }

  private actor Reference {
    private var lines: SurfaceLines?
    private var functions: PayloadWord?

    /// Whether this kernel tells which of its functions run.
    func functions(_ suite: SurfaceSuite) async throws -> PayloadWord? {
      if functions == nil {
        let outcome = try await Command.run(
          suite.functionsCommand + ["check"], scratch: suite.workspace.scratch, limit: 10)
        functions = PayloadWord(outcome.output)
      }
      return functions
    }

    func lines(_ suite: SurfaceSuite) async throws -> SurfaceLines {
      if let lines { return lines }
      let words = (geteuid() == 0 ? [] : ["as-root"]) + ["surface", "calls"]
      let outcome = try await Command.run(
        [suite.payload] + words, scratch: suite.workspace.scratch, limit: 60, directory: suite.workspace.scratch)
      let said = PayloadWord(outcome.output)
      guard said?.result == .worked else {
        throw AssessError("what this kernel has is not known: \(said?.detail ?? outcome.lastLine)")
      }
      let found = try SurfaceLines(outcome.output)
      lines = found
      return found
    }
  }

  /// - Parameter trusted: the code that has to be trusted with this subject, if that is known.
  /// - Throws: `AssessError` if the payload could not tell.
  public func measure(_ subject: Subject, trusted: TrustedCode?) async throws -> SurfaceRecord {
    var record = SurfaceRecord(subject: subject.id, counts: [])
    if subject.hasOwnKernel {
      record.leftOut = [
        "What is reached from inside: the runtime's own kernel answers there, and that tells nothing of the host's."
      ]
    } else {
      record.counts = try await reached(subject)
    }
    if let code = trusted {
      record.counts.append(
        .init(
          id: "trusted-lines", title: "Lines of code that have to be trusted: \(code.what)", dimension: "complexity",
          value: code.lines, tried: nil, names: [code.source]))
    }
    do { record.counts += try await functions(subject) } catch let error as AssessError {
      record.leftOut = (record.leftOut ?? []) + ["The kernel's functions: \(error)."]
    }
    return record
  }

  /// What answers from inside, of what this kernel has.
  private func reached(_ subject: Subject) async throws -> [SurfaceRecord.Count] {
    let host = try await reference.lines(self)
    let launcher = Launcher(subject: subject, workspace: workspace)
    let id = workspace.name + "-surface"
    let bundle = try Bundle(
      workspace, name: id, payload: payload, patches: [subject.configuration.patch], arguments: ["surface"])
    defer { try? FileManager.default.removeItem(atPath: bundle.path) }
    let (outcome, _) = try await launcher.run(bundle, id: id, arguments: ["surface"], limit: 60)
    let said = PayloadWord(outcome.output)
    guard said?.result == .worked else {
      throw AssessError("\(subject.id): the payload did not end: \(said?.detail ?? outcome.lastLine)")
    }
    return Self.counts(try SurfaceLines(outcome.output, reference: host), host: host)
  }

  private var functionsCommand: [String] {
    [payload, "functions", workspace.name + "-functions", workspace.path + "/tracing"]
  }

  /// How many of the kernel's functions a container's ordinary work runs in, and how often: breadth and volume.
  ///
  /// - Throws: `AssessError` saying why that is not known.
  private func functions(_ subject: Subject) async throws -> [SurfaceRecord.Count] {
    guard subject.runtime.driver == .direct else {
      throw AssessError("an engine's processes are not told apart from others")
    }
    let told = try await reference.functions(self)
    guard told?.result == .worked else { throw AssessError("this host does not tell which run: \(told?.detail ?? "")") }
    let launcher = Launcher(subject: subject, workspace: workspace)
    let id = workspace.name + "-functions"
    let bundle = try Bundle(
      workspace, name: id, payload: payload, patches: [subject.configuration.patch], arguments: ["exercise"])
    defer { try? FileManager.default.removeItem(atPath: bundle.path) }
    let before = ProcessTable.now()
    let output = workspace.scratch + "/" + id
    try await launcher.start(bundle, id: id, arguments: ["exercise"], output: output)
    let outcome: Outcome
    do {
      guard await Companion.ready(output + ".out") else { throw AssessError("the work did not begin") }
      let processes = ProcessTable.now().of(id, before: before, except: getpid())
      outcome = try await Command.run(
        functionsCommand + [output + ".out", processes.sorted().map(String.init).joined(separator: ","), "--"]
          + launcher.prefix + ["kill", id, "USR1"], scratch: workspace.scratch, limit: 60)
    } catch {
      await launcher.remove(id)
      throw error
    }
    await launcher.remove(id)
    for end in [".out", ".err"] { System.unlink(output + end) }
    return try Self.functions(outcome)
  }

  /// - Throws: `AssessError` if there are no figures, or not all of them.
  static func functions(_ outcome: Outcome) throws -> [SurfaceRecord.Count] {
    let numbers = outcome.output.split(separator: "\n").first { $0.hasPrefix("FUNCTIONS ") }?
      .split(separator: " ").dropFirst().compactMap { Int($0) }
    guard let numbers, numbers.count == 3 else {
      throw AssessError(PayloadWord(outcome.output)?.detail ?? outcome.lastLine)
    }
    guard numbers[2] == 0 else { throw AssessError("\(numbers[2]) calls of them were lost") }
    return [
      .init(
        id: "kernel-functions", title: "Functions of the kernel that ordinary work runs in",
        dimension: "breadth", value: numbers[0], tried: nil, names: []),
      .init(
        id: "kernel-function-calls", title: "Calls of the kernel's functions for ordinary work",
        dimension: "volume", value: numbers[1], tried: nil, names: []),
    ]
  }

  /// Breadth: how many different things.
  static func counts(_ inside: SurfaceLines, host: SurfaceLines) -> [SurfaceRecord.Count] {
    var counts: [SurfaceRecord.Count] = []
    func add(_ id: String, _ title: String, _ value: Int, tried: Int?, _ names: [String]) {
      counts.append(.init(id: id, title: title, dimension: "breadth", value: value, tried: tried, names: names))
    }
    /// Of what the kernel has, what is reached from inside.
    func compared(_ id: String, _ title: String) {
      let there = Set((host.things[id] ?? [:]).filter { $0.value != .absent }.keys)
      let names = inside.names(id, .reached).filter(there.contains)
      add(id, title, names.count, tried: there.count, names)
    }
    func counted(_ id: String, _ title: String) {
      add(id, title, inside.numbers[id] ?? 0, tried: nil, inside.names(id, .reached))
    }
    compared("syscalls", "System calls that the kernel answers")
    compared("syscalls-other-abi", "System calls by other ABIs")
    compared("socket-families", "Socket families")
    let requests = inside.things["ioctls"] ?? [:]
    let known = inside.names("ioctls", .reached)
    add("ioctls", "Requests of ioctl", known.count, tried: requests.count, known)
    counted("devices", "Devices that can be opened")
    let capabilities = inside.names("capabilities", .reached)
    add("capabilities", "Capabilities", capabilities.count, tried: inside.things["capabilities"]?.count, capabilities)
    counted("proc-sys-readable", "Host-wide files in /proc and /sys that can be read")
    counted("proc-sys-writable", "Host-wide files in /proc and /sys that can be written")
    counted("setuid-files", "Files with a setuid or setgid bit")
    add("setuid-effective", "A setuid bit has an effect", inside.numbers["setuid-effective"] ?? 0, tried: 1, [])
    add("kernel-messages", "The kernel's messages can be read", inside.numbers["kernel-messages"] ?? 0, tried: 1, [])
    return counts
  }
}
