import Foundation

/// One assessment: finds what there is to assess, runs the suites, and gives a report.
public struct Assessment: Sendable {
  public var runtimes: [Runtime]
  public var suites: [Report.Suite]
  public var mode: Report.Mode
  /// Where the reports and the journal go.
  public var output: String
  /// Holds `probes` and the payloads.
  public var data: String
  public var moreProbes: [String] = []
  /// Where the workspace is made.
  public var workplace = "/var/tmp"
  public var command: [String]
  public var tool: String
  /// Whether programs that are measured are installed if they are missing.
  public var install = false
  /// Only these configurations; if empty, all, or in the quick mode those that people choose between.
  public var configurations: [String] = []
  /// Only these probes; all if empty.
  public var only: [String] = []

  public init(
    runtimes: [Runtime], suites: [Report.Suite], mode: Report.Mode, output: String, data: String, command: [String],
    tool: String
  ) {
    (self.runtimes, self.suites, self.mode, self.output) = (runtimes, suites, mode, output)
    (self.data, self.command, self.tool) = (data, command, tool)
  }

  /// - Parameter partial: gets the report of what was found so far, if the assessment is interrupted.
  /// - Throws: `AssessError` if nothing can be assessed; `CancellationError` after an interruption, when all is cleaned up.
  public func run(_ progress: Progress, partial: (Report) throws -> Void) async throws -> Report {
    let machine = Machine.current()
    let payload = try machine.payload(in: data)
    var library = try ProbeLibrary(directories: [data + "/probes"] + moreProbes)
    if !only.isEmpty { library = try library.only(only) }
    let workspace = try Workspace(parent: workplace)
    var launchers: [Launcher] = []
    var report: Report?
    do {
      let result = try await assess(machine, workspace, payload, library, progress, &launchers, &report)
      await Self.clean(workspace, launchers, progress)
      return result
    } catch {
      // A task that is cancelled starts no commands, and cleaning needs some.
      await Task.detached { [launchers] in await Self.clean(workspace, launchers, progress) }.value
      if let report, !report.findings.isEmpty || !report.surface.isEmpty || report.performance != nil {
        try partial(report)
      }
      throw error
    }
  }

  private static func clean(_ workspace: Workspace, _ launchers: [Launcher], _ progress: Progress) async {
    for launcher in launchers { await launcher.clean() }
    for left in workspace.clean() { progress.note("could not be removed: " + left) }
  }

  private func assess(
    _ machine: Machine, _ workspace: Workspace, _ payload: String, _ library: ProbeLibrary, _ progress: Progress,
    _ launchers: inout [Launcher], _ partial: inout Report?
  ) async throws -> Report {
    var records: [SubjectRecord] = []
    var subjects: [Subject] = []
    for runtime in runtimes {
      for configuration in runtime.configurations
      where takes(configuration) {
        try Task.checkCancellation()
        var subject = Subject(runtime: runtime, configuration: configuration)
        let launcher = Launcher(subject: subject, workspace: workspace)
        launchers.append(launcher)
        progress.step("runtimes", subject.id)
        var record = SubjectRecord(
          id: subject.id, runtime: runtime.name, configuration: configuration.id, summary: configuration.summary,
          path: runtime.path, version: "", state: .measured, trusted: trusted(subject))
        do {
          record.version = try await launcher.version()
          let result = try await HealthCheck(launcher: launcher, payload: payload).result()
          record.problems = result.problems
          subject.hasOwnKernel = result.hasOwnKernel
          record.ownKernel = result.hasOwnKernel ? true : nil
          subjects.append(subject)
        } catch let error as AssessError {
          record.state = .failed(reason: error.description)
          progress.note("\(subject.id): \(error)")
        }
        for problem in record.problems { progress.note("\(subject.id): \(problem)") }
        records.append(record)
      }
    }
    var report = Report(
      tool: tool, command: command, started: Date.now.ISO8601Format(), mode: mode, suites: suites, machine: machine,
      subjects: records)
    report.published = PublishedSystem.all(except: runtimes.map(\.name))
    partial = report
    guard !subjects.isEmpty else {
      throw AssessError(
        records.isEmpty
          ? "no runtime is installed that could be assessed" : "no runtime starts a container",
        hint: "name one with --runtime NAME=PATH")
    }
    let journal = try Journal(directory: output, key: try key(records, library))
    if journal.resumed { progress.note("goes on from \(journal.path)") }
    defer { partial = report }
    if suites.contains(.threats) {
      try await threats(&report, subjects, library, workspace, payload, machine, journal, progress)
    }
    if suites.contains(.surface) {
      let suite = SurfaceSuite(workspace: workspace, payload: payload)
      var leftOut: Set<String> = []
      progress.expect(subjects.count)
      for subject in subjects {
        try Task.checkCancellation()
        progress.step("surface", subject.id)
        do {
          if journal.surface[subject.id] == nil {
            try journal.add(try await suite.measure(subject, trusted: trusted(subject)))
          }
          let record = journal.surface[subject.id]!
          report.surface.append(record)
          for line in record.leftOut ?? [] where leftOut.insert(line).inserted { progress.note("left out: \(line)") }
        } catch let error as AssessError { report.add(problem: "surface: \(error)", to: subject.id) }
        progress.finish()
      }
    }
    if suites.contains(.performance) { try await performance(&report, subjects, workspace, payload, journal, progress) }
    report.finished = Date.now.ISO8601Format()
    journal.remove()
    return report
  }

  private func threats(
    _ report: inout Report, _ subjects: [Subject], _ library: ProbeLibrary, _ workspace: Workspace, _ payload: String,
    _ machine: Machine, _ journal: Journal, _ progress: Progress
  ) async throws {
    report.probes = library.probes.map(\.record)
    var network: Network?
    if machine.root, library.probes.contains(where: \.usesNetwork) {
      do { network = try await Network(workspace) } catch let error as AssessError {
        progress.note("network: \(error)")
      }
    }
    let runner = ProbeRunner(
      workspace: workspace, payload: payload, network: network, machine: machine, mostTimes: mode == .quick ? 6 : .max)
    progress.expect(library.probes.count * subjects.count)
    for probe in library.probes {
      for subject in subjects {
        try Task.checkCancellation()
        progress.step("threats", "\(probe.id)  \(subject.id)")
        let name = Journal.name(probe.id, subject.id)
        let known = journal.findings[name]
        let finding = try await { if let known { known } else { try await runner.finding(probe, subject) } }()
        if known == nil { try journal.add(finding) }
        report.findings.append(finding)
        progress.finish(counted: known == nil)
      }
    }
  }

  private func performance(
    _ report: inout Report, _ subjects: [Subject], _ workspace: Workspace, _ payload: String, _ journal: Journal,
    _ progress: Progress
  ) async throws {
    let suite = PerformanceSuite(workspace: workspace, payload: payload, mode: mode)
    let metrics = suite.metrics()
    var record = PerformanceRecord(baseline: subjects[0].id, metrics: metrics, results: [])
    // The journal's name for the baseline against itself; no subject has a space in its name.
    let again = subjects[0].id + " again"
    if install { try await suite.install() }
    progress.expect(metrics.count)
    for metric in metrics {
      try Task.checkCancellation()
      progress.step("performance", metric.title)
      let known = subjects.compactMap { journal.measured[Journal.name(metric.id, $0.id)] }
      if known.count == subjects.count {
        record.results += known
        if let cost = journal.measured[Journal.name(metric.id, again)]?.cost { await suite.remember(cost, of: metric) }
      } else {
        let results = try await suite.measure(metric, subjects)
        for result in results { try journal.add(result) }
        record.results += results
        if let cost = await suite.ofItself(metric) {
          try journal.add(
            Measured(
              metric: metric.id, subject: again, samples: [], median: cost, cost: cost, judgement: .noDifference))
        }
      }
      record.noise = await suite.noise()
      report.performance = record
      progress.finish(counted: known.count != subjects.count)
    }
  }

  /// A CCA con-shim's lines were counted when this was built.
  private func trusted(_ subject: Subject) -> TrustedCode? {
    guard subject.runtime.isOurs, subject.configuration.id == "cca" else {
      return TrustedCode.known(runtime: subject.runtime.name)
    }
    return TrustedCode.counted(System.text(data + "/trusted.txt"))
  }

  private func takes(_ configuration: Configuration) -> Bool {
    if !configurations.isEmpty { return configurations.contains(configuration.id) }
    return mode == .full || !["unconfined", "compat"].contains(configuration.id)
  }

  /// What has to be the same for an interrupted assessment to be gone on with.
  private func key(_ records: [SubjectRecord], _ library: ProbeLibrary) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let probes = try encoder.encode(library.probes)
    let parts =
      [tool, mode.rawValue, Machine.boot, "\(probes.count)"] + suites.map(\.rawValue)
      + records.flatMap { [$0.id, $0.path, $0.version] }
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in probes + Data(parts.joined(separator: "\n").utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }
}

extension Report {
  mutating func add(problem: String, to subject: String) {
    if let index = subjects.firstIndex(where: { $0.id == subject }) { subjects[index].problems.append(problem) }
  }
}

extension ProbeLibrary {
  /// - Throws: `AssessError` if one of them is not there.
  public func only(_ ids: [String]) throws -> ProbeLibrary {
    if let unknown = ids.first(where: { id in !probes.contains { $0.id == id } }) {
      throw AssessError("there is no probe \"\(unknown)\"", hint: "`rcontainer assess probes` lists them")
    }
    return ProbeLibrary(probes: probes.filter { ids.contains($0.id) }, controls: controls)
  }

  private init(probes: [Probe], controls: [String: JSON]) { (self.probes, self.controls) = (probes, controls) }
}
