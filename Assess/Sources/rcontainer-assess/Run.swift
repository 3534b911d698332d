import ArgumentParser
import AssessKit
import Foundation

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Assess runtimes (what is done if no subcommand is given).")

  enum FailOn: String, ExpressibleByArgument, CaseIterable { case escaped, regression }

  @Option(
    name: .customLong("runtime"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Assess this one: NAME, NAME=PATH, podman:NAME, docker:NAME or containerd:NAME; can be repeated.",
      valueName: "runtime"))
  var runtimes: [String] = []
  @Option(help: ArgumentHelp("What to measure: threats, surface, performance, with commas.", valueName: "list"))
  var suite = "threats,surface,performance"
  @Flag(help: "A few minutes: fewer repetitions and configurations, no services (the default).") var quick = false
  @Flag(help: "Half an hour: all repetitions, and services.") var full = false
  @Flag(help: "Install the programs that --full measures, with apt-get.") var install = false
  @Option(help: ArgumentHelp("Only these configurations of the runtimes, with commas.", valueName: "list"))
  var configuration: String?
  @Option(help: ArgumentHelp("Only these probes, with commas.", valueName: "list")) var probe: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("More probes, from this directory; can be repeated.", valueName: "directory"))
  var probes: [String] = []
  @Option(help: ArgumentHelp("Where the reports go.", valueName: "directory")) var out = "assessment"
  @Option(help: ArgumentHelp("Where the private directory is made.", valueName: "directory")) var work = "/var/tmp"
  @Option(help: ArgumentHelp("Compare with this report.", valueName: "report.json")) var baseline: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Exit with 3 if something escaped, or is worse than in the baseline: escaped or regression.", valueName: "what"))
  var failOn: [FailOn] = []

  func validate() throws {
    if quick && full { throw ValidationError("--quick and --full exclude each other") }
    if install && !full { throw ValidationError("--install needs --full") }
    if failOn.contains(.regression) && baseline == nil {
      throw ValidationError("--fail-on regression needs --baseline")
    }
  }

  func run() async throws {
    var suites: [Report.Suite] = []
    for word in suite.split(separator: ",") {
      guard let suite = Report.Suite(rawValue: String(word)) else {
        throw AssessError("--suite \"\(word)\" is none", hint: "threats, surface and performance are known")
      }
      if !suites.contains(suite) { suites.append(suite) }
    }
    guard !suites.isEmpty else { throw AssessError("--suite is empty") }
    // Before the work: a baseline that can't be read is of no use after it.
    let before = try baseline.map { path in
      guard let data = FileManager.default.contents(atPath: path) else {
        throw AssessError("--baseline \(path) can't be read", hint: "name the report.json of an assessment")
      }
      return try JSONReport.read(data, name: path)
    }
    let data = try dataDirectory()
    let beside = URL(fileURLWithPath: data).deletingLastPathComponent().path
    let chosen =
      try runtimes.isEmpty
      ? Runtime.installed(beside: beside) : runtimes.map { try Runtime(parsing: $0, beside: beside) }
    do { try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true) } catch {
      throw AssessError("\(out) cannot be made: \(error.localizedDescription)", hint: "choose another with --out")
    }
    var assessment = Assessment(
      runtimes: chosen, suites: suites, mode: full ? .full : .quick, output: out, data: data,
      command: ["rcontainer", "assess"] + CommandLine.arguments.dropFirst(), tool: version)
    assessment.moreProbes = probes
    assessment.workplace = work
    assessment.install = install
    assessment.configurations = configuration.map { $0.split(separator: ",").map(String.init) } ?? []
    assessment.only = probe.map { $0.split(separator: ",").map(String.init) } ?? []
    let (settings, place) = (assessment, out)
    let report = try await untilInterrupted {
      let progress = Progress()
      defer { progress.end() }
      return try await settings.run(progress) { partial in
        try ReportFiles.write(partial, to: place)
        progress.note("what was found so far is in \(place); the same command goes on from there")
      }
    }
    try ReportFiles.write(report, to: out)
    print(Output.summary(report, in: out))
    if let before {
      let comparison = try Comparison(old: before, new: report)
      for line in comparison.lines { print(line) }
      if failOn.contains(.regression), !comparison.regressions.isEmpty { throw ExitCode(3) }
    }
    if failOn.contains(.escaped), report.findings.contains(where: { $0.verdict == .escaped }) { throw ExitCode(3) }
  }
}
