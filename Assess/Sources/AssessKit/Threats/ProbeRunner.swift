import Foundation

/// Tries probes on one subject.
public struct ProbeRunner: Sendable {
  public let workspace: Workspace
  /// The payload on the host.
  public let payload: String
  public let network: Network?
  public let machine: Machine
  /// How often a race is run at most.
  public let mostTimes: Int
  private let answers = Answers()

  public init(workspace: Workspace, payload: String, network: Network?, machine: Machine, mostTimes: Int = .max) {
    (self.workspace, self.payload, self.network, self.machine) = (workspace, payload, network, machine)
    self.mostTimes = mostTimes
  }

  /// What the host itself answered to a probe: it is asked once.
  private actor Answers {
    private var known: [String: PayloadWord?] = [:]

    func get(_ probe: String, _ ask: () async throws -> PayloadWord?) async throws -> PayloadWord? {
      if let answer = known[probe] { return answer }
      let answer = try await ask()
      known[probe] = .some(answer)
      return answer
    }
  }

  /// One verdict.
  ///
  /// - Parameters:
  ///   - control: patches that weaken or harden the container, for the probe's own test.
  ///   - options: options of `run` that go with them.
  /// - Throws: `CancellationError`, or `AssessError` if the host gives no room to work in; what goes wrong with the subject is a verdict.
  public func finding(
    _ probe: Probe, _ subject: Subject, control: [JSON] = [], options: [String] = []
  ) async throws -> Finding {
    func without(_ verdict: Verdict, _ reason: String) -> Finding {
      Finding(probe: probe.id, subject: subject.id, verdict: verdict, reason: reason)
    }
    if let reason = try await missing(probe, subject) { return without(.notApplicable, reason) }
    var last: Finding?
    for _ in 0..<max(1, min(mostTimes, probe.times ?? 1)) {
      let finding: Finding
      do {
        let found = try await attempt(probe, subject, control, options)
        finding = subject.hasOwnKernel ? found.withOwnKernel(probe) : found
      } catch let error as AssessError {
        finding = without(.inconclusive, error.description)
      }
      // One success among many tries is a success.
      if finding.verdict != .contained { return finding }
      last = finding
    }
    return last ?? without(.inconclusive, "it was not tried")
  }

  /// Why the probe says nothing here; nil if it does.
  private func missing(_ probe: Probe, _ subject: Subject) async throws -> String? {
    if subject.runtime.driver != .direct,
      probe.config != nil || probe.setup != nil || probe.options != nil
        || probe.exec != nil || probe.descriptor != nil || probe.terminal != nil
    {
      return "an engine writes the configuration, and this one is not had from it"
    }
    for requirement in probe.requires ?? [] {
      switch requirement {
      case .root where !machine.root: return "it needs root"
      case .x86_64 where machine.architecture != "x86_64": return "it is an attack on x86-64"
      case .aarch64 where machine.architecture != "aarch64": return "it is an attack on arm64"
      case .cgroupV1 where machine.cgroups == "v2": return "this host has no cgroup v1"
      case .cgroupV2 where machine.cgroups == "v1": return "this host has no cgroup v2"
      case .network where network == nil: return "no network namespaces can be made here"
      case .network where !subject.configuration.patch["linux"]["uidMappings"].elements.isEmpty:
        return "the network it needs belongs to another user namespace"
      case .worksOnHost:
        let said = try await answers.get(probe.id) { try await onHost(probe) }
        guard said?.result == .worked else {
          return
            "this kernel does not have it: on the host it says \(said.map { "\($0.result.rawValue) \($0.detail)" } ?? "nothing")"
        }
      default: continue
      }
    }
    return nil
  }

  private func onHost(_ probe: Probe) async throws -> PayloadWord? {
    let outcome = try await Command.run(
      [payload] + (machine.root ? [] : ["as-root"]) + probe.payload, scratch: workspace.scratch,
      limit: probe.limit ?? 10, directory: workspace.scratch)
    return PayloadWord(outcome.output)
  }

  private func attempt(
    _ probe: Probe, _ subject: Subject, _ control: [JSON], _ options: [String]
  ) async throws -> Finding {
    var launcher = Launcher(subject: subject, workspace: workspace)
    let id = workspace.name + "-" + UUID().uuidString.prefix(8).lowercased()
    let canary = try Canary(workspace, name: id)
    defer { canary.remove() }
    var values = [
      "CANARY": canary.path, "TOKEN": canary.token, "PAYLOAD": payload, "NAME": id,
      "BUNDLE": workspace.path + "/bundles/" + id, "ROOTFS": workspace.path + "/bundles/\(id)/rootfs",
      "NEIGHBOUR": workspace.path + "/bundles/\(id)n/rootfs", "RUNTIME": canary.path + "/runtime",
      "GATEWAY": Network.gateway, "GATEWAY_HARDWARE": Network.hardware, "METADATA": Network.metadata,
      "STRANGER": Network.stranger,
      "ADDRESS": network?.address(0) ?? "", "NEIGHBOUR_ADDRESS": network?.address(1) ?? "",
    ]
    if usesRuntime(probe, control) {
      do {
        // The program itself: of a link the copy would be a link too, to nowhere or to the host's own.
        let program = URL(fileURLWithPath: subject.runtime.path).resolvingSymlinksInPath().path
        try FileManager.default.copyItem(atPath: program, toPath: canary.path + "/runtime")
      } catch { throw AssessError("\(subject.runtime.path) cannot be copied: \(error)") }
      launcher.program = canary.path + "/runtime"
    }
    launcher.descriptor = probe.descriptor ?? false
    launcher.terminal = probe.terminal == true ? payload : nil
    launcher.secret = canary.token
    let before = try? Data(contentsOf: URL(fileURLWithPath: values["RUNTIME"]!))
    func filled(_ text: String) -> String {
      values.reduce(text) { $0.replacing("${" + $1.key + "}", with: $1.value) }
    }

    func directory() -> String? {
      subject.runtime.driver == .direct ? probe.hostDirectory.map { values["ROOTFS"]! + $0 } : nil
    }

    if let network, probe.usesNetwork { try await network.renew() }
    // The host's side, then the neighbour, then the one that attacks.
    var others: [Companion] = []
    defer { for other in others { other.end() } }
    if let words = probe.host {
      let place = probe.usesNetwork ? network.map { ["ip", "netns", "exec", $0.world] } ?? [] : []
      let companion = try await Companion.host(
        place + [payload] + words.map(filled), workspace: workspace, name: id, secret: canary.token)
      others.append(companion)
      values["HOST_PID"] = companion.process
    }
    var neighbour: String?
    if let words = probe.neighbour {
      let name = id + "n"
      let bundle = try bundle(
        probe, subject, control, name: name, place: 1, arguments: words.map(filled), filled: filled, attacker: false)
      let output = workspace.scratch + "/" + name
      try await launcher.start(bundle, id: name, arguments: words.map(filled), output: output)
      neighbour = name
      values["NEIGHBOUR_ID"] = name
      guard await Companion.ready(output + ".out") else {
        await launcher.remove(name)
        // What a container may not do even with its own cannot be done to another's.
        let said = PayloadWord(System.text(output + ".out"))
        if let said, said.result == .blocked {
          return Finding(
            probe: probe.id, subject: subject.id, verdict: .contained, reason: "not even for its own: " + said.detail)
        }
        throw AssessError("the neighbour did not begin: \(said?.detail ?? System.text(output + ".err"))")
      }
    }
    let arguments = probe.payload.map(filled)
    let attacker = try bundle(
      probe, subject, control, name: id, place: 0, arguments: arguments, filled: filled, attacker: true)
    if let directory = directory() { System.makeOld(directory) }
    var (outcome, command) = try await act(probe, launcher, attacker, id: id, options: options, filled: filled)
    // By its own path again: its copy may be broken now.
    launcher.program = nil
    var hurt: String?
    for other in others where hurt == nil { hurt = await other.hurt() }
    if let neighbour {
      let path = workspace.scratch + "/\(neighbour).out"
      if hurt == nil { hurt = await Companion.silent(path, "a neighbour") }
      if hurt == nil { hurt = Companion.noticed(path, "a neighbour") }
      await launcher.remove(neighbour)
    }
    let evidence = Evidence(
      command: command, output: String((outcome.output + outcome.errors).suffix(4096)), status: outcome.status,
      seconds: outcome.seconds)
    func result(_ verdict: Verdict, _ reason: String) -> Finding {
      Finding(probe: probe.id, subject: subject.id, verdict: verdict, reason: reason, evidence: evidence)
    }
    // Where an attack takes its standard streams away, the payload writes here too.
    outcome.output += System.text(attacker.root + "/said")
    let cameThrough = directory().map { !System.isOld($0) } ?? true
    try? FileManager.default.removeItem(atPath: attacker.path)
    if let touched = canary.touched(output: outcome.output + outcome.errors) ?? hurt {
      return result(.escaped, touched)
    }
    if let before, (try? Data(contentsOf: URL(fileURLWithPath: values["RUNTIME"]!))) != before {
      return result(.escaped, "the runtime's program was changed")
    }
    guard let said = PayloadWord(outcome.output) else {
      if outcome.status == nil { return result(.inconclusive, "its time was up") }
      if probe.refusalContains == true, outcome.status != 0 {
        return result(.contained, "the runtime refused it: \(outcome.lastLine.suffix(300))")
      }
      return result(.inconclusive, "the payload said nothing: \(outcome.lastLine.suffix(300))")
    }
    switch said.result {
    case .worked where !leaks(probe, outcome.output): return result(.contained, "it is not the host's: \(said.detail)")
    case .worked where !cameThrough: return result(.contained, "the host has nothing of it: \(said.detail)")
    case .worked: return result(.exposed, said.detail)
    case .escaped: return result(.escaped, said.detail)
    case .blocked: return result(.contained, said.detail)
    case .absent: return result(.notApplicable, said.detail)
    case .inconclusive: return result(.inconclusive, said.detail)
    }
  }

  /// Runs the attacking container, or starts it and executes the payload in it.
  private func act(
    _ probe: Probe, _ launcher: Launcher, _ bundle: Bundle, id: String, options: [String], filled: (String) -> String
  ) async throws -> (outcome: Outcome, command: [String]) {
    let (arguments, limit) = (probe.payload.map(filled), probe.limit ?? 10)
    let more = (probe.options ?? []).map(filled)
    guard let words = probe.exec else {
      return try await launcher.run(
        bundle, id: id, arguments: arguments, limit: limit, more: more + options.map(filled))
    }
    let output = workspace.scratch + "/" + id
    var original = launcher
    original.program = nil
    try await launcher.start(bundle, id: id, arguments: arguments, output: output)
    guard await Companion.ready(output + ".out") else {
      await original.remove(id)
      throw AssessError("the container did not begin")
    }
    var (outcome, command) = try await launcher.execute(
      id: id, arguments: words.map(filled), limit: limit,
      more: ((probe.execOptions ?? []) + options).map(filled))
    func said() -> String { System.text(output + ".out") }
    // What the container itself says counts more than what is executed in it.
    if probe.payload.first != "beat" {
      for _ in 0..<250 where PayloadWord(said()) == nil { try await Task.sleep(for: .milliseconds(20)) }
    }
    await original.remove(id)
    outcome.output += said()
    return (outcome, command)
  }

  /// Whether what the payload told is the host's own.
  private func leaks(_ probe: Probe, _ output: String) -> Bool {
    guard let path = probe.sameAsHost else { return true }
    let files = FileManager.default
    let host: Set<String>
    if let names = try? files.contentsOfDirectory(atPath: path) {
      host = Set(names)
    } else {
      host = Set((try? String(contentsOfFile: path, encoding: .utf8))?.components(separatedBy: "\n") ?? [])
    }
    let told = output.split(separator: "\n").filter { $0.hasPrefix("VALUE ") }.map { String($0.dropFirst(6)) }
    return !told.isEmpty && told.allSatisfy(host.contains)
  }

  private func usesRuntime(_ probe: Probe, _ control: [JSON]) -> Bool {
    let data = (try? JSONEncoder().encode(probe)) ?? Data()
    let patches = (try? JSONEncoder().encode(control)) ?? Data()
    return String(decoding: data + patches, as: UTF8.self).contains("${RUNTIME}")
  }

  private func bundle(
    _ probe: Probe, _ subject: Subject, _ control: [JSON], name: String, place: Int, arguments: [String],
    filled: (String) -> String, attacker: Bool
  ) throws -> Bundle {
    var patches = [subject.configuration.patch]
    if let network, probe.usesNetwork {
      patches.append(["place": .string(network.path(place))])
    }
    if attacker, let patch = probe.config { patches.append(patch) }
    patches += control
    let result = try Bundle(
      workspace, name: name, payload: payload, patches: patches.map { $0.mapStrings(filled) }, arguments: arguments)
    if attacker { for step in probe.setup ?? [] { try step.apply(below: result.root, filled: filled) } }
    return result
  }
}

extension Finding {
  /// What it says of the host, where a kernel of the runtime's own ran the container.
  func withOwnKernel(_ probe: Probe) -> Finding {
    var finding = self
    if verdict == .exposed, probe.isAboutKernel {
      finding.verdict = .contained
      finding.reason = "the runtime's own kernel answers: " + reason
    }
    // Such a kernel ends as a whole, and only it, when it may have no more.
    if verdict == .inconclusive, probe.group == .exhaustion, let status = evidence?.status, status != 0 {
      finding.verdict = .contained
      finding.reason = "the container came to its end by it, and nothing else: " + reason
    }
    return finding
  }
}

extension Probe.Setup {
  /// Below the root file system of a bundle, which holds nothing but what we put there.
  func apply(below root: String, filled: (String) -> String) throws {
    let place = root + "/" + filled(path)
    let content = filled(self.content ?? "")
    let files = FileManager.default
    do {
      switch make {
      case "symlink":
        try? files.removeItem(atPath: place)
        try files.createSymbolicLink(atPath: place, withDestinationPath: content)
      case "directory": try files.createDirectory(atPath: place, withIntermediateDirectories: true)
      case "file": try System.write(content, to: place)
      case "fifo":
        guard System.fifo(place) else { throw AssessError("no fifo can be made") }
      case "remove": try files.removeItem(atPath: place)
      default: throw AssessError("\"\(make)\" is nothing that can be made")
      }
    } catch { throw AssessError("setup of \(path): \(error)") }
  }
}
