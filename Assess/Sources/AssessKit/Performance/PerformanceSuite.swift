import Foundation

/// Measures what each subject costs, against the first one.
///
/// All subjects are measured in rounds, in one order and in the next round in the other, so that a sample and the baseline's of the
/// same round are a pair. The baseline is in each round twice: what it costs against itself is the machine's noise. Times are taken by
/// the payload, on the host by its `stopwatch`, so that nothing of this program is in them.
public struct PerformanceSuite: Sendable {
  public let workspace: Workspace
  public let payload: String
  public let mode: Report.Mode
  private let found = Found()

  public init(workspace: Workspace, payload: String, mode: Report.Mode) {
    (self.workspace, self.payload, self.mode) = (workspace, payload, mode)
  }

  /// What was measured together with another metric.
  private actor Found {
    var series: [Work: [String: Series]] = [:]
    /// Costs of the baseline against itself, by metric.
    var ofItself: [String: Interval] = [:]
    func keep(_ found: [String: Series], of work: Work) { series[work] = found }
    func remember(_ cost: Interval, of metric: String) { ofItself[metric] = cost }
  }

  /// What is measured in this mode.
  public func metrics() -> [Metric] { table.map(\.metric) }

  /// Installs what the metrics need and the host does not have.
  public func install() async throws { if mode == .full { try await Service.install(scratch: workspace.scratch) } }

  /// One metric of all subjects. The first subject is the baseline.
  public func measure(_ metric: Metric, _ subjects: [Subject]) async throws -> [Measured] {
    guard let work = table.first(where: { $0.metric.id == metric.id })?.work, let baseline = subjects.first else {
      return []
    }
    if await found.series[work] == nil { await found.keep(try await run(work, subjects + [baseline]), of: work) }
    let series = await found.series[work]?[metric.id] ?? Series(columns: subjects.count + 1)
    if let cost = series.ofItself(metric.better) { await remember(cost, of: metric) }
    return subjects.enumerated().map { series.measured(metric, $1.id, column: $0) }
  }

  /// Cost of the baseline against itself; nil if that is not known.
  public func ofItself(_ metric: Metric) async -> Interval? { await found.ofItself[metric.id] }

  /// Takes over such a cost from an assessment that was interrupted.
  public func remember(_ cost: Interval, of metric: Metric) async { await found.remember(cost, of: metric.id) }

  /// How steady the machine is, by all that was measured so far; nil if nothing was.
  public func noise() async -> Noise? { Statistics.noise(Array(await found.ofItself.values)) }

  /// One value per metric, or why there is none.
  private typealias Sample = [String: Result<Double, AssessError>]

  /// - Throws: `CancellationError`; what fails on one subject is its result.
  private func run(_ work: Work, _ subjects: [Subject]) async throws -> [String: Series] {
    let ids = table.filter { $0.work == work }.map(\.metric.id)
    var all = Dictionary(uniqueKeysWithValues: ids.map { ($0, Series(columns: subjects.count)) })
    if case .service(let name) = work, let service = Service.all.first(where: { $0.id == name }), !service.isInstalled {
      for id in ids {
        all[id]!.failures = subjects.map { _ in
          "left out, since \(service.program) is not installed here; `rcontainer assess --full --install` installs it"
        }
      }
      return all
    }
    var stages: [Stage?] = []
    func fail(_ column: Int, _ error: AssessError) {
      for id in ids where all[id]!.failures[column] == nil { all[id]!.failures[column] = error.description }
      stages[column] = nil
    }
    for (column, subject) in subjects.enumerated() {
      stages.append(nil)
      do { stages[column] = try await Stage(self, work, subject, column: column) } catch let error as AssessError {
        fail(column, error)
      }
    }
    for round in 0..<rounds(work) {
      for column in Series.order(round, columns: subjects.count) {
        try Task.checkCancellation()
        guard let stage = stages[column] else { continue }
        do {
          let sample = try await stage.sample()
          for id in ids where all[id]!.failures[column] == nil {
            switch sample[id] {
            case .success(let value)?: all[id]!.samples[column].append(value)
            case .failure(let error)?: all[id]!.failures[column] = error.description
            case nil: all[id]!.failures[column] = "the payload did not tell"
            }
          }
        } catch let error as AssessError { fail(column, error) }
      }
    }
    for stage in stages { stage?.remove() }
    return all
  }

  /// One subject, made ready for one kind of work.
  private struct Stage {
    let suite: PerformanceSuite
    let work: Work
    let launcher: Launcher
    let id: String
    var bundles: [Bundle] = []

    var arguments: [String] {
      switch work {
      case .cold, .warm, .spaced, .many: ["true"]
      case .memory: ["idle"]
      case .inside, .together: ["bench", "\(suite.budget)", "\(suite.mebibytes)"] + PerformanceSuite.names(work)
      case .service(let name): ["service", name, "0.6"]
      }
    }

    /// Makes the bundles, and runs once what does not warm up by itself.
    init(_ suite: PerformanceSuite, _ work: Work, _ subject: Subject, column: Int) async throws {
      (self.suite, self.work) = (suite, work)
      launcher = Launcher(subject: subject, workspace: suite.workspace)
      id = "\(suite.workspace.name)-perf-\(column)"
      var patches = [subject.configuration.patch]
      if case .service = work {
        guard subject.runtime.driver == .direct else {
          throw AssessError("left out: an engine chooses the root file system, and services need the host's")
        }
        patches.append(Service.patch())
      }
      if work == .together, let processor = Machine.cpuset {
        patches.append(["linux": ["resources": ["cpu": ["cpus": .string(processor)]]]])
      }
      // Not every configuration has a root file system that can be written to.
      let volume = "\(suite.workspace.path)/bundles/\(id)/volume"
      let hasVolume = work == .inside && subject.runtime.driver == .direct
      if hasVolume {
        patches.append([
          "+mounts": [
            ["destination": "/tmp", "type": "bind", "source": .string(volume), "options": ["bind", "nosuid", "nodev"]]
          ]
        ])
      }
      for index in 0..<(work == .many ? suite.crowd : 1) {
        let name = work == .many ? "\(id)-\(index)" : id
        if let first = bundles.first {
          // The others differ in their control group only.
          let bundle = try Bundle(
            suite.workspace, name: name, payload: suite.payload,
            patches: patches + [["root": ["path": .string(first.root)]]], arguments: arguments)
          try? FileManager.default.removeItem(atPath: bundle.root)
          bundles.append(bundle)
        } else {
          bundles.append(
            try Bundle(
              suite.workspace, name: name, payload: suite.payload, patches: patches, arguments: arguments))
        }
      }
      if hasVolume { try suite.workspace.makeDirectory(volume, mode: 0o1777) }
      if case .service = work {
        let root = bundles[0].root
        for folder in ["/usr", "/sbin", "/lib", "/lib64", "/etc/alternatives"] {
          try suite.workspace.makeDirectory(root + folder)
        }
        try? "".write(toFile: root + "/etc/ld.so.cache", atomically: false, encoding: .utf8)
      }
      switch work {
      case .cold, .warm, .spaced, .many:
        let (outcome, _) = try await launcher.run(
          bundles[0], id: work == .many ? id + "-0" : id, arguments: arguments, limit: 60)
        guard outcome.succeeded else { throw AssessError("it does not start: \(outcome.lastLine)") }
      case .memory, .inside, .together, .service: break
      }
    }

    func remove() { for bundle in bundles { try? FileManager.default.removeItem(atPath: bundle.path) } }

    func sample() async throws -> Sample {
      switch work {
      case .cold:
        let dropped = launcher.subject.runtime.path.hasPrefix("/") ? ["--drop", launcher.subject.runtime.path] : []
        return ["start-cold": .success(try await start(more: dropped).nanoseconds / 1e6)]
      case .warm:
        let line = try await start()
        return ["start-warm": .success(line.nanoseconds / 1e6), "memory-peak": .success(line.resident)]
      case .spaced:
        try await Task.sleep(for: .milliseconds(250))
        return ["start-spaced": .success(try await start().nanoseconds / 1e6)]
      case .many: return ["start-many": .success(try await start(crowd: suite.crowd).nanoseconds / 1e6)]
      case .memory: return try await memory()
      case .inside, .together: return try await inside()
      case .service(let name): return try await service(name)
      }
    }

    private func start(crowd: Int = 1, more: [String] = []) async throws -> StopwatchLine {
      var words: [String]
      if crowd > 1 {
        words = launcher.command(bundles[0], id: id + "-{}", arguments: arguments)
        if let index = words.firstIndex(of: bundles[0].path) {
          words[index] = suite.workspace.path + "/bundles/\(id)-{}"
        }
      } else {
        words = launcher.command(bundles[0], id: id, arguments: arguments)
      }
      let outcome = try await Command.run(
        [suite.payload, "stopwatch", "-1", "\(crowd)"] + more + ["--"] + words, scratch: suite.workspace.scratch,
        limit: 120)
      do { return try StopwatchLine(outcome) } catch {
        for index in 0..<crowd { await launcher.remove(crowd > 1 ? "\(id)-\(index)" : id) }
        throw error
      }
    }

    /// Which pages of a program are mapped with the one that is asked for depends on how they lie in the page cache: of a copy that was just
    /// made, or of a program that was read anew. Both are done each time, so that they do not differ between assessments only.
    private func renew() async throws {
      try Bundle.put(suite.payload, in: bundles[0].root)
      guard launcher.subject.runtime.path.hasPrefix("/") else { return }
      _ = try await Command.run(
        [suite.payload, "stopwatch", "-1", "1", "--drop", launcher.subject.runtime.path, "--", "/bin/true"],
        scratch: suite.workspace.scratch, limit: 20)
    }

    private func memory() async throws -> Sample {
      try await renew()
      let before = ProcessTable.now()
      let output = suite.workspace.scratch + "/" + id
      try await launcher.start(bundles[0], id: id, arguments: arguments, output: output)
      // What the start itself needed has ended by then.
      try await Task.sleep(for: .milliseconds(60))
      var process: pid_t?
      if launcher.subject.runtime.driver == .docker {
        let told = try await Command.run(
          ["docker", "inspect", "--format", "{{.State.Pid}}", id], scratch: suite.workspace.scratch, limit: 20)
        process = pid_t(told.output.trimmingCharacters(in: .whitespacesAndNewlines))
      } else if launcher.subject.runtime.driver == .direct, geteuid() != 0 {
        // Without control groups nothing of an ordinary user's container has its name.
        let told = try await Command.run(launcher.prefix + ["state", id], scratch: suite.workspace.scratch, limit: 20)
        if case .integer(let number)? = try? JSON(parsing: Data(told.output.utf8))["pid"] { process = pid_t(number) }
      }
      let processes = ProcessTable.now().of(id, also: process, before: before, except: getpid())
      let size = ResidentMemory(processes)
      await launcher.remove(id)
      for end in [".out", ".err"] { System.unlink(output + end) }
      guard size.proportional > 0 else { throw AssessError("no process of the container is found on the host") }
      return [
        "memory-pss": .success(size.proportional), "memory-rss": .success(size.resident),
        "memory-density": .success(1_048_576 / size.proportional),
      ]
    }

    /// What the parts of `bench` tell that have another name than the part.
    private static let parts = ["file": ["file-write", "file-read"], "net": ["net-throughput", "net-pingpong"]]

    private func inside() async throws -> Sample {
      let (outcome, _) = try await launcher.run(bundles[0], id: id, arguments: arguments, limit: 60)
      let asked = PerformanceSuite.names(work)
      let lines = try BenchLines(outcome.output, names: Set(asked + asked.flatMap { Self.parts[$0] ?? [] }))
      guard !lines.values.isEmpty || !lines.failures.isEmpty else {
        throw AssessError("nothing was measured: \(outcome.lastLine)")
      }
      var sample: Sample = [:]
      for (name, values) in lines.values {
        if name.hasPrefix("call-") {
          guard let (median, p99) = BenchLines.latencies(values) else { continue }
          sample[name] = .success(median)
          sample[name + "-p99"] = .success(p99)
        } else {
          sample[name] = .success(values[0])
        }
      }
      for (name, reason) in lines.failures {
        let failure = Sample.Value.failure(AssessError(reason))
        for metric in Self.parts[name] ?? [name, name + "-p99"] where sample[metric] == nil { sample[metric] = failure }
      }
      return sample
    }

    private func service(_ name: String) async throws -> Sample {
      let (outcome, _) = try await launcher.run(bundles[0], id: id, arguments: arguments, limit: 60)
      let lines = try BenchLines(outcome.output, names: [name])
      if let value = lines.values[name]?.first { return [name: .success(value)] }
      throw AssessError(
        lines.failures[name].map { "\($0) \(outcome.errors.suffix(200))" }
          ?? "nothing was measured: \(outcome.lastLine)")
    }
  }
}
