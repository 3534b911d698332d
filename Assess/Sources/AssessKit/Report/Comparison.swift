import Foundation

/// What became worse, and what better, from one report to a later one.
///
/// Only what both reports measured is compared. A performance regression is a cost whose whole interval lies above the whole older one.
public struct Comparison: Sendable, Equatable {
  public struct Change: Sendable, Equatable {
    public enum Kind: String, Sendable, Equatable { case verdict, vanished, surface, performance, subject }
    public var kind: Kind
    /// Nil if it concerns no single subject.
    public var subject: String?
    /// A line for people, which names the subject.
    public var text: String
  }

  public private(set) var regressions: [Change] = []
  public private(set) var improvements: [Change] = []
  /// What limits the comparison, a line each.
  public private(set) var warnings: [String] = []

  /// Throws if the reports are of different schemas.
  public init(old: Report, new: Report) throws(AssessError) {
    guard old.schema == new.schema else {
      throw AssessError(
        "the older report has schema \"\(old.schema)\", the newer \"\(new.schema)\"; make the older one again with this version"
      )
    }
    let sameMachine = compareMachines(old.machine, new.machine)
    if old.mode != new.mode { warnings.append("the modes differ: \(old.mode.rawValue), then \(new.mode.rawValue)") }
    if old.finished == nil { warnings.append("the older report is partial: its assessment did not finish") }
    if new.finished == nil { warnings.append("the newer report is partial: its assessment did not finish") }
    for suite in old.suites where !new.suites.contains(suite) {
      warnings.append("the newer report has no suite \(suite.rawValue)")
    }
    let subjects = compareSubjects(old, new)
    let both = { (suite: Report.Suite) in old.suites.contains(suite) && new.suites.contains(suite) }
    if both(.threats) { compareThreats(old, new, subjects) }
    if both(.surface) { compareSurface(old, new, subjects) }
    if both(.performance) {
      if !sameMachine {
        warnings.append("performance is not compared between different machines")
      } else if let older = old.performance, let newer = new.performance {
        comparePerformance(older, newer, subjects)
      }
    }
  }

  /// For people: regressions, then improvements, then warnings.
  public var lines: [String] {
    regressions.map { "worse: " + $0.text } + improvements.map { "better: " + $0.text }
      + warnings.map { "note: " + $0 }
      + (regressions.isEmpty && improvements.isEmpty ? ["no differences found"] : [])
  }

  private mutating func worse(_ kind: Change.Kind, _ subject: String?, _ text: String) {
    regressions.append(Change(kind: kind, subject: subject, text: Plain.line(text)))
  }

  private mutating func better(_ kind: Change.Kind, _ subject: String?, _ text: String) {
    improvements.append(Change(kind: kind, subject: subject, text: Plain.line(text)))
  }

  private mutating func compareMachines(_ old: Machine, _ new: Machine) -> Bool {
    func differ(_ what: String, _ older: String, _ newer: String) {
      if older != newer { warnings.append(Plain.line("the machines differ in \(what): \(older), then \(newer)")) }
    }
    differ("kernel", old.kernel, new.kernel)
    differ("cgroups", old.cgroups, new.cgroups)
    differ("root", old.root ? "with" : "without", new.root ? "with" : "without")
    let before = warnings.count
    differ("architecture", old.architecture, new.architecture)
    differ("processor", old.processor, new.processor)
    differ("number of processors", "\(old.processors)", "\(new.processors)")
    return warnings.count == before
  }

  /// The subjects that both have, and that were measured before.
  private mutating func compareSubjects(_ old: Report, _ new: Report) -> Set<String> {
    var common = Set<String>()
    for subject in old.subjects where subject.state == .measured {
      guard let now = new.subjects.first(where: { $0.id == subject.id }) else {
        warnings.append(Plain.line("\(subject.id) is not in the newer report"))
        continue
      }
      if case .failed(let reason) = now.state {
        worse(.subject, subject.id, "\(subject.id) was measured, and now failed: \(reason)")
      } else {
        common.insert(subject.id)
      }
    }
    return common
  }

  private mutating func compareThreats(_ old: Report, _ new: Report, _ subjects: Set<String>) {
    struct Key: Hashable { var probe, subject: String }
    let now = Dictionary(
      new.findings.map { (Key(probe: $0.probe, subject: $0.subject), $0) }, uniquingKeysWith: { first, _ in first })
    let probes = Set(new.probes.map(\.id))
    for probe in old.probes where !probes.contains(probe.id) {
      if old.findings.contains(where: { $0.probe == probe.id && $0.verdict.severity != nil }) {
        worse(.vanished, nil, "the probe \(probe.id) vanished")
      }
    }
    for before in old.findings where subjects.contains(before.subject) && probes.contains(before.probe) {
      let name = "\(before.subject), \(before.probe)"
      guard let after = now[Key(probe: before.probe, subject: before.subject)] else {
        if before.verdict.severity != nil {
          worse(.vanished, before.subject, "\(name): was \(before.verdict.rawValue), and has no result any more")
        }
        continue
      }
      let change = "\(name): \(before.verdict.rawValue) → \(after.verdict.rawValue)"
      switch (before.verdict.severity, after.verdict.severity) {
      case (let older?, let newer?):
        if newer > older { worse(.verdict, before.subject, "\(change): \(after.reason)") }
        if newer < older { better(.verdict, before.subject, change) }
      case (nil, let newer?):
        if newer > 0 { worse(.verdict, before.subject, "\(change): \(after.reason)") }
      case (_?, nil):
        warnings.append(Plain.line("\(change): \(after.reason)"))
      case (nil, nil): break
      }
    }
  }

  private mutating func compareSurface(_ old: Report, _ new: Report, _ subjects: Set<String>) {
    for before in old.surface where subjects.contains(before.subject) {
      guard let after = new.surface.first(where: { $0.subject == before.subject }) else {
        worse(.vanished, before.subject, "\(before.subject): its surface has no result any more")
        continue
      }
      for count in before.counts {
        guard let now = after.counts.first(where: { $0.id == count.id }) else {
          worse(.vanished, before.subject, "\(before.subject): \(count.title) has no result any more")
          continue
        }
        if count.tried != now.tried {
          warnings.append(Plain.line("\(before.subject): \(count.title) is out of another number than before"))
        }
        guard now.value != count.value else { continue }
        let more = Set(now.names).subtracting(count.names).sorted()
        var text = "\(before.subject): \(count.title) \(count.value) → \(now.value)"
        if !more.isEmpty {
          text += ", new: " + more.prefix(10).joined(separator: " ")
          if more.count > 10 { text += " and \(more.count - 10) others" }
        }
        if now.value < count.value {
          better(.surface, before.subject, text)
        } else if count.dimension == "volume" && Double(now.value) <= Double(count.value) * 1.1 {
          // How often something is reached varies from run to run.
          continue
        } else {
          worse(.surface, before.subject, text)
        }
      }
    }
  }

  private mutating func comparePerformance(
    _ old: PerformanceRecord, _ new: PerformanceRecord, _ subjects: Set<String>
  ) {
    let metrics = Dictionary(new.metrics.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let sameBaseline = old.baseline == new.baseline
    if !sameBaseline {
      warnings.append(
        Plain.line("the baselines differ (\(old.baseline), then \(new.baseline)): medians are compared, not costs"))
    }
    for before in old.results where subjects.contains(before.subject) && before.judgement != .failed {
      let name = "\(before.subject), \(before.metric)"
      guard let metric = metrics[before.metric],
        let after = new.results.first(where: { $0.metric == before.metric && $0.subject == before.subject })
      else {
        worse(.vanished, before.subject, "\(name): has no result any more")
        continue
      }
      guard after.judgement != .failed else {
        worse(
          .performance, before.subject, "\(name): was measured, and now failed: \(after.reason ?? "no reason given")")
        continue
      }
      if sameBaseline, let older = before.cost, let newer = after.cost {
        let text = "\(name): cost \(Plain.cost(older)) → \(Plain.cost(newer))"
        if newer.low > older.high { worse(.performance, before.subject, text) }
        if newer.high < older.low { better(.performance, before.subject, text) }
      } else if !sameBaseline || before.cost == nil && after.cost == nil {
        let text = "\(name): \(Plain.value(before.median)) → \(Plain.value(after.median)) \(metric.unit)"
        let grew = after.median.low > before.median.high
        let shrank = after.median.high < before.median.low
        if metric.better == .lower ? grew : shrank { worse(.performance, before.subject, text) }
        if metric.better == .lower ? shrank : grew { better(.performance, before.subject, text) }
      }
    }
  }
}

extension Verdict {
  /// 0 for contained, 1 for exposed, 2 for escaped; nil if the probe told nothing.
  var severity: Int? {
    switch self {
    case .contained: 0
    case .exposed: 1
    case .escaped: 2
    case .notApplicable, .inconclusive: nil
    }
  }
}
