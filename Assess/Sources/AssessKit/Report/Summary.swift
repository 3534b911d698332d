import Foundation

/// A subject's place: how many probes it contained, and what it costs.
struct Standing {
  var subject: SubjectRecord
  /// `A`, `B` …: what marks it in charts and tables.
  var key: String
  var counts: [Verdict: Int] = [:]
  /// Probes of the report that have no finding about it.
  var missing = 0
  /// The geometric mean over the metrics that all compared subjects share.
  var cost: Interval?
  /// The geometric mean over its own metrics, if these are too few to compare it with the others.
  var partialCost: Interval?
  var isBaseline = false
  /// Metrics of which it has a cost.
  var metrics = 0

  var contained: Int { counts[.contained, default: 0] }
  var exposed: Int { counts[.exposed, default: 0] }
  var escaped: Int { counts[.escaped, default: 0] }
  var inconclusive: Int { counts[.inconclusive, default: 0] }
  var notApplicable: Int { counts[.notApplicable, default: 0] }
  /// Probes that apply and gave a verdict.
  var told: Int { contained + exposed + escaped }
  var share: Double? { told == 0 ? nil : Double(contained) / Double(told) }
  /// Where the share would be if what is inconclusive had gone one way or the other.
  var shareRange: (low: Double, high: Double)? {
    let all = told + inconclusive
    return all == 0 ? nil : (Double(contained) / Double(all), Double(contained + inconclusive) / Double(all))
  }
  var failure: String? { if case .failed(let reason) = subject.state { reason } else { nil } }
  /// Where it is drawn.
  var drawnCost: Interval? { cost ?? partialCost }
}

/// What is computed from a report once, for all of its texts.
struct Summary {
  var report: Report
  var standings: [Standing]
  /// Titles, in the order in which the probes come.
  var groups: [String] = []
  /// Metrics over which the costs of subjects are compared.
  var sharedMetrics: [String] = []
  private var findings: [Key: Finding] = [:]
  private var results: [Key: Measured] = [:]

  private struct Key: Hashable { var what, subject: String }

  /// A subject with a cost in fewer than this share of the metrics is not compared with the others.
  static let leastMeasured = 0.75
  /// A subject with a cost in fewer than this share of the metrics has no place at all.
  static let leastDrawn = 0.5

  init(_ report: Report) {
    self.report = report
    standings = report.subjects.enumerated().map { Standing(subject: $1, key: Self.key($0)) }
    for probe in report.probes where !groups.contains(probe.group) { groups.append(probe.group) }
    for finding in report.findings { findings[Key(what: finding.probe, subject: finding.subject)] = finding }
    for result in report.performance?.results ?? [] {
      results[Key(what: result.metric, subject: result.subject)] = result
    }
    for index in standings.indices where standings[index].failure == nil {
      for probe in report.probes {
        if let finding = finding(probe.id, standings[index].subject.id) {
          standings[index].counts[finding.verdict, default: 0] += 1
        } else {
          standings[index].missing += 1
        }
      }
    }
    placeCosts()
  }

  var has: (threats: Bool, surface: Bool, performance: Bool) {
    (
      report.suites.contains(.threats) && !report.findings.isEmpty,
      report.suites.contains(.surface) && !report.surface.isEmpty,
      report.suites.contains(.performance) && !(report.performance?.results.isEmpty ?? true)
    )
  }

  var measured: [Standing] { standings.filter { $0.failure == nil } }
  var failed: [Standing] { standings.filter { $0.failure != nil } }
  /// With both a share and a cost that is compared.
  var placed: [Standing] { measured.filter { $0.share != nil && $0.cost != nil } }
  /// With a share, and a cost that may be over its own metrics alone.
  var drawn: [Standing] { measured.filter { $0.share != nil && $0.drawnCost != nil } }

  /// What a cost is of, if not of what the others' are.
  func basis(_ standing: Standing) -> String {
    guard standing.cost == nil, standing.partialCost != nil, let performance = report.performance else { return "" }
    return ", over \(standing.metrics) of \(performance.metrics.count) metrics"
  }

  func finding(_ probe: String, _ subject: String) -> Finding? { findings[Key(what: probe, subject: subject)] }
  func result(_ metric: String, _ subject: String) -> Measured? { results[Key(what: metric, subject: subject)] }

  func total(_ verdict: Verdict) -> Int { measured.reduce(0) { $0 + $1.counts[verdict, default: 0] } }

  /// Of one group, how many probes a subject contained, of how many that told something.
  func contained(_ group: String, _ subject: String) -> (contained: Int, told: Int) {
    var result = (contained: 0, told: 0)
    for probe in report.probes where probe.group == group {
      guard let severity = finding(probe.id, subject)?.verdict.severity else { continue }
      result.told += 1
      if severity == 0 { result.contained += 1 }
    }
    return result
  }

  /// Runtimes with their standings, in the order of the report.
  var runtimes: [(name: String, standings: [Standing])] {
    var order: [String] = []
    for standing in measured where !order.contains(standing.subject.runtime) { order.append(standing.subject.runtime) }
    return order.map { name in (name, measured.filter { $0.subject.runtime == name }) }
  }

  private mutating func placeCosts() {
    guard let performance = report.performance else { return }
    let metrics = performance.metrics.map(\.id)
    func measuredMetrics(_ subject: String) -> [String] { metrics.filter { result($0, subject)?.cost != nil } }
    var comparable: [Int] = []
    for index in standings.indices where standings[index].failure == nil {
      let id = standings[index].subject.id
      standings[index].isBaseline = id == performance.baseline
      standings[index].metrics = measuredMetrics(id).count
      if standings[index].isBaseline || metrics.isEmpty { continue }
      let share = Double(standings[index].metrics) / Double(metrics.count)
      if share >= Self.leastMeasured {
        comparable.append(index)
      } else if share >= Self.leastDrawn {
        standings[index].partialCost = Statistics.geometricMean(metrics.compactMap { result($0, id)?.cost })
      }
    }
    sharedMetrics = metrics.filter { metric in
      !comparable.isEmpty && comparable.allSatisfy { result(metric, standings[$0].subject.id)?.cost != nil }
    }
    for index in comparable {
      standings[index].cost = Statistics.geometricMean(
        sharedMetrics.compactMap { result($0, standings[index].subject.id)?.cost })
    }
    for index in standings.indices where standings[index].isBaseline && !sharedMetrics.isEmpty {
      standings[index].cost = Interval(value: 1, low: 1, high: 1)
    }
  }

  /// A…Z, then A2…Z2 and so on.
  static func key(_ index: Int) -> String {
    let letter = String(Unicode.Scalar(UInt8(65 + index % 26)))
    return index < 26 ? letter : letter + String(index / 26 + 1)
  }
}
