import Foundation

/// What the template `report` shows. Its members are the template's names: the template looks a name up in the innermost value that has it.
struct Page {
  struct Fact { var term, description: String }
  struct Legend { var letter, style, name, meaning: String }
  struct ChartPair { var wide: Chart, narrow: Chart }
  struct Column { var key, id, anchor: String, swatch: Chart }
  struct OverviewRow {
    var key, id, anchor, summary: String
    var swatch: Chart
    var failure: String?
    var contained, exposed, escaped, inconclusive, notApplicable, share, cost, trusted: String
  }
  struct MatrixGroup { var title: String, totals: [MatrixTotal], rows: [MatrixRow] }
  struct MatrixTotal { var text, label: String }
  struct MatrixRow { var probe: ProbeText, cells: [MatrixCell], calm: String }
  struct MatrixCell { var letter, style, label: String, target: String? }
  struct ProbeText { var id, title, anchor, group, technique, cves, source, meaning: String }
  struct SurfaceDimension { var title, explanation: String, counts: [SurfaceCount] }
  struct SurfaceCount { var title: String, chart: Chart?, same: String?, rows: [SurfaceRow] }
  struct SurfaceRow { var key, id, value, tried, names: String }
  struct GroupCost { var key, id: String, costs: [String] }
  struct MetricGroup { var title: String, charts: ChartPair?, metrics: [MetricText] }
  struct MetricText { var title, what, unit, direction: String, rows: [MetricRow] }
  struct MetricRow { var key, id, median, cost, judgement, reason, samples: String }
  struct SubjectText {
    var key, id, anchor, summary, path, version: String
    var swatch: Chart
    var failure: String?
    var problems: [String]
    var hasProblems: Bool
    var ownKernel: Bool
    var trusted: String?
    var verdicts: [VerdictText]
  }
  struct VerdictText { var name, style, letter, count: String, open: Bool, entries: [EvidenceText] }
  struct EvidenceText {
    var anchor, probeTitle, probeAnchor, reason: String
    /// The whole reason, if it is longer than a line.
    var longReason: String?
    var tried: Bool
    var command, status, seconds, output: String
    var silent: Bool
  }
  struct Published { var name, how: String, figures: [PublishedSystem.Figure] }

  var title: String
  var styleDigest = Page.digests.style
  var scriptDigest = Page.digests.script
  var partial: Bool
  var lead: String
  var facts: [Fact]
  var overview: ChartPair?
  var noOverview: String
  var overviewNote: String
  var overviewRows: [OverviewRow]
  var containmentQuestion = Answers.containment
  var containment: [String]
  var priceQuestion = Answers.price
  var price: [String]
  var hasThreats, hasSurface, hasPerformance: Bool
  var noThreats, noSurface, noPerformance: String
  var surfaceLeftOut: [String]
  var legend: [Legend]
  var columns: [Column]
  var columnCount: Int
  var groups: [MatrixGroup]
  var probeList: [ProbeText]
  var surface: [SurfaceDimension]
  var metricGroups: [MetricGroup]
  var noise: String?
  var tooNoisy: Bool
  /// Titles of the groups of metrics, and their geometric means per subject.
  var costGroups: [String]
  var groupCosts: [GroupCost]
  var subjects: [SubjectText]
  var hasPublished: Bool
  var published: [Published]

  /// SHA-256 of the style sheet and of the script, in Base64, as the content security policy names them (CSP level 3, section 2.3.1). A browser
  /// runs neither when a digest is not theirs; a test says what it has to be.
  static let digests = (
    style: "sha256-Cf4CTdImhhQ4ww+MLXrOvzOOlKG87qOT2GQyU5WfJkU=",
    script: "sha256-rzye32+CoZXX7Q6N/v1/bTDD1Jx4LfS8uJOAqublGxg="
  )
  /// More of an output than a report may hold is cut.
  private static let longestOutput = 8192
  private static let longestReason = 200

  init(_ summary: Summary) {
    let report = summary.report
    let charts = Charts(summary)
    let answers = Answers(summary)
    title = "RContainer assessment, " + String(report.started.prefix(10))
    partial = report.finished == nil
    lead = Self.lead(summary)
    facts = Self.facts(report)
    if let wide = charts.overview(narrow: false), let narrow = charts.overview(narrow: true) {
      overview = ChartPair(wide: wide, narrow: narrow)
    }
    noOverview =
      "There is no picture of containment against cost: it needs subjects with findings of the suite threats and costs of the "
      + "suite performance."
    overviewNote = Self.overviewNote(summary)
    (containment, price) = (answers.containment, answers.price)
    (hasThreats, hasSurface, hasPerformance) = summary.has
    func without(_ suite: Report.Suite) -> String {
      report.suites.contains(suite)
        ? "The suite \(suite.rawValue) gave no result." : "The suite \(suite.rawValue) was not run."
    }
    (noThreats, noSurface, noPerformance) = (without(.threats), without(.surface), without(.performance))
    surfaceLeftOut = report.surfaceLeftOut
    legend = Verdict.allCases.map {
      Legend(letter: $0.letter, style: $0.style, name: $0.rawValue, meaning: $0.meaning)
    }
    overviewRows = summary.standings.enumerated().map { index, standing in
      Self.overviewRow(standing, summary, charts.swatch(index), anchor: "s\(index)")
    }
    let shown = summary.standings.indices.filter { summary.standings[$0].failure == nil }
    columns = shown.map {
      Column(
        key: summary.standings[$0].key, id: summary.standings[$0].subject.id, anchor: "s\($0)",
        swatch: charts.swatch($0))
    }
    columnCount = shown.count + 1
    let probes = report.probes.enumerated().map { index, probe in
      ProbeText(
        id: probe.id, title: probe.title, anchor: "p\(index)", group: probe.group, technique: probe.technique,
        cves: probe.cve.joined(separator: ", "), source: probe.source, meaning: probe.meaning)
    }
    probeList = probes
    groups = summary.groups.map { Self.group($0, summary, probes, shown) }
    surface = Self.surface(summary, charts)
    metricGroups = Self.metricGroups(summary, charts)
    noise = report.performance?.noise.map { Plain.line($0.reason) }
    tooNoisy = report.performance?.noise?.tooNoisy ?? false
    (costGroups, groupCosts) = Self.groupCosts(summary)
    subjects = summary.standings.enumerated().map { index, standing in
      Self.subject(index, standing, summary, probes, charts.swatch(index))
    }
    published = report.published.map { Published(name: $0.name, how: $0.how, figures: $0.figures) }
    hasPublished = !published.isEmpty
  }

  private static func lead(_ summary: Summary) -> String {
    let report = summary.report
    var parts = ["\(Plain.count(report.subjects.count, "subject", "subjects"))"]
    if summary.has.threats { parts.append(Plain.count(report.probes.count, "probe", "probes")) }
    if summary.has.performance, let performance = report.performance {
      parts.append(Plain.count(performance.metrics.count, "metric", "metrics"))
    }
    var text = Plain.list(parts) + ", in \(report.mode.rawValue) mode."
    if !summary.failed.isEmpty {
      text += " \(Plain.count(summary.failed.count, "subject", "subjects")) failed and could not be measured."
    }
    let left = Report.Suite.allCases.filter { !report.suites.contains($0) }.map(\.rawValue)
    if !left.isEmpty { text += " Not run: \(Plain.list(left))." }
    return text
  }

  private static func facts(_ report: Report) -> [Fact] {
    let machine = report.machine
    return [
      Fact(term: "Command", description: Plain.command(report.command)),
      Fact(term: "Started", description: report.started),
      Fact(term: "Finished", description: report.finished ?? "not finished"),
      Fact(term: "Mode", description: report.mode.rawValue),
      Fact(term: "Suites", description: Plain.list(report.suites.map(\.rawValue))),
      Fact(term: "Version", description: report.tool), Fact(term: "Schema", description: report.schema),
      Fact(term: "Kernel", description: machine.kernel), Fact(term: "Distribution", description: machine.distribution),
      Fact(
        term: "Processor", description: "\(machine.processors) × \(machine.processor), \(machine.architecture)"),
      Fact(term: "Memory", description: Plain.bytes(machine.memory)),
      Fact(term: "Control groups", description: machine.cgroups),
      Fact(term: "Root", description: machine.root ? "yes" : "no"),
    ]
  }

  private static func overviewNote(_ summary: Summary) -> String {
    var text =
      "Up is more containment, left is less cost. Horizontal bars are intervals of 95 %; dashed vertical bars show "
    text +=
      "where a share would lie if inconclusive probes had gone one way or the other. The vertical axis need not start at zero."
    if summary.report.published.isEmpty == false {
      text += " Published systems are not drawn: nobody published these probes and metrics for them."
    }
    let partial = summary.drawn.filter { $0.cost == nil }.map { $0.subject.id + summary.basis($0) }
    if !partial.isEmpty {
      text += " A hollow mark is a cost over fewer metrics than the others': \(Plain.list(partial))."
    }
    let left = summary.standings.filter { $0.share == nil || $0.drawnCost == nil }.map(\.subject.id)
    if !left.isEmpty, !summary.drawn.isEmpty { text += " Not drawn for want of figures: \(Plain.list(left))." }
    return text
  }

  private static func overviewRow(_ standing: Standing, _ summary: Summary, _ swatch: Chart, anchor: String)
    -> OverviewRow
  {
    let empty = standing.told + standing.inconclusive + standing.notApplicable == 0
    func number(_ count: Int) -> String { empty ? "–" : Plain.number(count) }
    return OverviewRow(
      key: standing.key, id: standing.subject.id, anchor: anchor, summary: standing.subject.summary, swatch: swatch,
      failure: standing.failure.map { Plain.line($0, limit: 160) }, contained: number(standing.contained),
      exposed: number(standing.exposed),
      escaped: number(standing.escaped), inconclusive: number(standing.inconclusive),
      notApplicable: number(standing.notApplicable), share: standing.share.map(Plain.percent) ?? "–",
      cost: standing.isBaseline
        ? "baseline" : standing.drawnCost.map { Plain.cost($0) + summary.basis(standing) } ?? "–",
      trusted: standing.subject.trusted.map { Plain.number($0.lines) } ?? "–")
  }

  private static func group(_ title: String, _ summary: Summary, _ probes: [ProbeText], _ shown: [Int]) -> MatrixGroup {
    let totals = shown.map { index -> MatrixTotal in
      let id = summary.standings[index].subject.id
      let (contained, told) = summary.contained(title, id)
      return MatrixTotal(
        text: told == 0 ? "–" : "\(contained)/\(told)", label: "\(id): \(contained) of \(told) contained")
    }
    let rows = summary.report.probes.indices.filter { summary.report.probes[$0].group == title }.map {
      number -> MatrixRow in
      let probe = summary.report.probes[number]
      let findings = shown.map { summary.finding(probe.id, summary.standings[$0].subject.id) }
      let calm = findings.allSatisfy { $0 == nil || $0!.verdict == .contained || $0!.verdict == .notApplicable }
      let cells = zip(shown, findings).map { index, finding -> MatrixCell in
        let name = "\(probes[number].title), \(summary.standings[index].subject.id): "
        guard let finding else {
          return MatrixCell(letter: "", style: "missing", label: name + "no result", target: nil)
        }
        return MatrixCell(
          letter: finding.verdict.letter, style: finding.verdict.style, label: name + finding.verdict.rawValue,
          target: "e\(index)-\(number)")
      }
      return MatrixRow(probe: probes[number], cells: cells, calm: calm ? "calm" : "telling")
    }
    return MatrixGroup(title: title, totals: totals, rows: rows)
  }

  private static func surface(_ summary: Summary, _ charts: Charts) -> [SurfaceDimension] {
    let explanations = [
      ("breadth", "Breadth", "How many different things of the host can be reached."),
      ("volume", "Volume", "How often the host is reached while the same work is done."),
      ("complexity", "Complexity", "How much code of the host stands behind what can be reached."),
    ]
    var counts: [SurfaceRecord.Count] = []
    for count in summary.report.surface.flatMap(\.counts) where !counts.contains(where: { $0.id == count.id }) {
      counts.append(count)
    }
    let known = explanations.map(\.0)
    let others = counts.map(\.dimension).filter { !known.contains($0) }
    let dimensions = explanations + Set(others).sorted().map { ($0, $0.capitalized, "") }
    return dimensions.compactMap { dimension, title, explanation in
      let entries = counts.enumerated().filter { $1.dimension == dimension }.compactMap {
        index, count -> SurfaceCount? in
        guard let chart = charts.surface(count.id, title: count.title, index: index) else { return nil }
        let rows = summary.standings.compactMap { standing -> SurfaceRow? in
          guard let record = summary.report.surface.first(where: { $0.subject == standing.subject.id }),
            let own = record.counts.first(where: { $0.id == count.id })
          else { return nil }
          return SurfaceRow(
            key: standing.key, id: standing.subject.id, value: Plain.number(own.value),
            tried: own.tried.map { Plain.number($0) } ?? "–", names: own.names.joined(separator: " "))
        }
        // Equal bars say less than a sentence.
        let first = rows[0]
        let same = rows.count > 1 && rows.allSatisfy { $0.value == first.value && $0.tried == first.tried }
        let outOf = first.tried == "–" ? "" : " of \(first.tried)"
        return SurfaceCount(
          title: count.title, chart: same ? nil : chart,
          same: same ? "\(first.value)\(outOf), the same for every subject." : nil, rows: rows)
      }
      return entries.isEmpty ? nil : SurfaceDimension(title: title, explanation: explanation, counts: entries)
    }
  }

  private static func metricGroups(_ summary: Summary, _ charts: Charts) -> [MetricGroup] {
    guard let performance = summary.report.performance else { return [] }
    var groups: [String] = []
    for metric in performance.metrics where !groups.contains(metric.group) { groups.append(metric.group) }
    return groups.enumerated().map { index, group in
      var pair: ChartPair?
      if let wide = charts.costs(group, index: index, narrow: false),
        let narrow = charts.costs(group, index: index, narrow: true)
      {
        pair = ChartPair(wide: wide, narrow: narrow)
      }
      let metrics = performance.metrics.filter { $0.group == group }.map { metric in
        let rows = summary.standings.compactMap { standing -> MetricRow? in
          guard let result = summary.result(metric.id, standing.subject.id) else { return nil }
          let failed = result.judgement == .failed
          return MetricRow(
            key: standing.key, id: standing.subject.id, median: failed ? "–" : Plain.value(result.median),
            cost: failed ? "–" : result.cost.map(Plain.cost) ?? "–", judgement: result.judgement.rawValue,
            reason: result.reason.map { Plain.line($0) } ?? "", samples: Plain.number(result.samples.count))
        }
        return MetricText(
          title: metric.title, what: metric.what, unit: metric.unit,
          direction: metric.better == .lower ? "lower is better" : "higher is better", rows: rows)
      }
      return MetricGroup(title: group.prefix(1).uppercased() + group.dropFirst(), charts: pair, metrics: metrics)
    }
  }

  private static func groupCosts(_ summary: Summary) -> ([String], [GroupCost]) {
    guard let performance = summary.report.performance else { return ([], []) }
    var groups: [String] = []
    for metric in performance.metrics where !groups.contains(metric.group) { groups.append(metric.group) }
    let rows = summary.measured.filter { $0.cost != nil && !$0.isBaseline }.map { standing in
      let costs = groups.map { group -> String in
        let metrics = performance.metrics.filter { $0.group == group && summary.sharedMetrics.contains($0.id) }
        let mean = Statistics.geometricMean(metrics.compactMap { summary.result($0.id, standing.subject.id)?.cost })
        return mean.map(Plain.cost) ?? "–"
      }
      return GroupCost(key: standing.key, id: standing.subject.id, costs: costs + [Plain.cost(standing.cost!)])
    }
    return (groups.map { $0.prefix(1).uppercased() + $0.dropFirst() } + ["All"], rows)
  }

  private static func subject(
    _ index: Int, _ standing: Standing, _ summary: Summary, _ probes: [ProbeText], _ swatch: Chart
  ) -> SubjectText {
    let record = standing.subject
    var entries: [Verdict: [EvidenceText]] = [:]
    for (number, probe) in probes.enumerated() {
      guard let finding = summary.finding(probe.id, record.id) else { continue }
      entries[finding.verdict, default: []].append(
        evidence(finding, anchor: "e\(index)-\(number)", probe: probe))
    }
    let verdicts = Verdict.byWeight.compactMap { verdict -> VerdictText? in
      guard let list = entries[verdict] else { return nil }
      return VerdictText(
        name: verdict.rawValue, style: verdict.style, letter: verdict.letter, count: Plain.number(list.count),
        open: verdict == .escaped || verdict == .exposed, entries: list)
    }
    return SubjectText(
      key: standing.key, id: record.id, anchor: "s\(index)", summary: record.summary, path: record.path,
      version: Plain.line(record.version), swatch: swatch, failure: standing.failure, problems: record.problems,
      hasProblems: !record.problems.isEmpty,
      ownKernel: record.ownKernel == true,
      trusted: record.trusted.map { "\(Plain.number($0.lines)): \($0.what) (\($0.source))" }, verdicts: verdicts)
  }

  private static func evidence(_ finding: Finding, anchor: String, probe: ProbeText) -> EvidenceText {
    let evidence = finding.evidence
    let output = evidence?.output ?? ""
    let cut = output.unicodeScalars.count > longestOutput
    return EvidenceText(
      anchor: anchor, probeTitle: probe.title, probeAnchor: probe.anchor,
      reason: Plain.line(finding.reason, limit: longestReason),
      longReason: finding.reason.count > longestReason ? finding.reason : nil,
      tried: evidence != nil,
      command: Plain.command(evidence?.command ?? []), status: status(evidence),
      seconds: String(format: "%.2f s", evidence?.seconds ?? 0),
      output: cut ? String(String.UnicodeScalarView(output.unicodeScalars.prefix(longestOutput))) + "\n… cut" : output,
      silent: output.isEmpty)
  }

  static func status(_ evidence: Evidence?) -> String {
    guard let evidence else { return "" }
    guard let status = evidence.status else { return "the time was up" }
    return status > 128 && status < 193 ? "signal \(status - 128)" : "exit code \(status)"
  }
}
