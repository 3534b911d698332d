import Foundation

/// `report.md`: a summary for a comment of a CI job, or for documentation, in GitHub Flavored Markdown.
public enum MarkdownReport {
  /// Findings beyond this number are counted only, because comments have a limit of size.
  private static let mostFindings = 100

  public static func text(_ report: Report) throws -> String {
    let summary = Summary(report)
    let answers = Answers(summary)
    var lines = ["# RContainer assessment, \(escaped(String(report.started.prefix(10))))", ""]
    if report.finished == nil {
      lines += ["**This report is partial: the assessment did not finish.** What is missing was not measured.", ""]
    }
    if let noise = report.performance?.noise, noise.tooNoisy {
      lines += ["**The machine was too noisy for small differences in cost.** \(escaped(noise.reason))", ""]
    }
    let machine = report.machine
    lines += [
      "Linux \(escaped(machine.kernel)), \(escaped(machine.distribution)), \(machine.processors) × "
        + "\(escaped(machine.processor)) (\(escaped(machine.architecture))), cgroups \(escaped(machine.cgroups)), "
        + "\(machine.root ? "as root" : "without root"); \(report.mode.rawValue) mode; "
        + "version \(escaped(report.tool)).",
      "", code(Plain.command(report.command)), "",
    ]
    lines += subjects(summary)
    lines += ["## \(Answers.containment)", ""]
    for paragraph in answers.containment { lines += [escaped(paragraph), ""] }
    lines += ["## \(Answers.price)", ""]
    for paragraph in answers.price { lines += [escaped(paragraph), ""] }
    if summary.has.threats { lines += findings(summary) + matrix(summary) }
    if summary.has.surface { lines += surface(summary) }
    if summary.has.performance { lines += performance(summary) }
    let left = Report.Suite.allCases.filter { !report.suites.contains($0) }.map(\.rawValue)
    if !left.isEmpty { lines += ["Not run: \(Plain.list(left)).", ""] }
    return lines.joined(separator: "\n")
  }

  private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

  private static func head(_ cells: [String], numbers: Bool = true) -> [String] {
    [row(cells), row(cells.indices.map { $0 == 0 || !numbers ? "---" : "---:" })]
  }

  private static func subjects(_ summary: Summary) -> [String] {
    var lines = head(["Subject", "Share", "Contained", "Exposed", "Escaped", "Inconclusive", "Not applicable", "Cost"])
    for standing in summary.standings {
      let name = "\(standing.key) \(escaped(standing.subject.id))"
      if let failure = standing.failure {
        lines.append(row([name, "failed: " + code(failure, cell: true), "", "", "", "", "", ""]))
        continue
      }
      let cost =
        standing.isBaseline
        ? "baseline" : standing.drawnCost.map { escaped(Plain.cost($0)) + summary.basis(standing) } ?? "–"
      let counts = [
        standing.contained, standing.exposed, standing.escaped, standing.inconclusive, standing.notApplicable,
      ]
      lines.append(row([name, standing.share.map(Plain.percent) ?? "–"] + counts.map(String.init) + [cost]))
    }
    return lines + [""]
  }

  private static func findings(_ summary: Summary) -> [String] {
    let report = summary.report
    let telling = [Verdict.escaped, .exposed].flatMap { verdict in report.findings.filter { $0.verdict == verdict } }
    guard !telling.isEmpty else { return [] }
    var lines = ["## Escaped and exposed", ""]
    for finding in telling.prefix(mostFindings) {
      let title = report.probes.first { $0.id == finding.probe }?.title ?? finding.probe
      lines.append(
        "- **\(finding.verdict.rawValue)** \(escaped(finding.subject)), \(escaped(title)): \(code(finding.reason))")
    }
    if telling.count > mostFindings { lines.append("- and \(telling.count - mostFindings) more, in report.html") }
    return lines + [""]
  }

  private static func matrix(_ summary: Summary) -> [String] {
    let shown = summary.measured
    var lines = ["## Probes and subjects", ""]
    lines.append(
      Verdict.allCases.map { "\($0.letter == "–" ? "–" : escaped($0.letter)) \($0.rawValue)" }.joined(separator: ", ")
        + ".")
    lines.append("")
    lines += head(["Probe"] + shown.map(\.key), numbers: false)
    for group in summary.groups {
      let totals = shown.map { standing -> String in
        let (contained, told) = summary.contained(group, standing.subject.id)
        return told == 0 ? "–" : "\(contained)/\(told)"
      }
      lines.append(row(["**\(escaped(group))**"] + totals))
      for probe in summary.report.probes where probe.group == group {
        let cells = shown.map { standing -> String in
          guard let verdict = summary.finding(probe.id, standing.subject.id)?.verdict else { return "" }
          return verdict == .escaped || verdict == .exposed ? "**\(verdict.letter)**" : verdict.letter
        }
        lines.append(row([escaped(probe.title)] + cells))
      }
    }
    return lines + [""]
  }

  private static func surface(_ summary: Summary) -> [String] {
    var counts: [SurfaceRecord.Count] = []
    for count in summary.report.surface.flatMap(\.counts) where !counts.contains(where: { $0.id == count.id }) {
      counts.append(count)
    }
    let shown = summary.measured
    var lines = ["## What can be reached", ""]
    lines += head(["Count"] + shown.map(\.key))
    for count in counts {
      let cells = shown.map { standing -> String in
        let own = summary.report.surface.first { $0.subject == standing.subject.id }?.counts.first { $0.id == count.id }
        return own.map { Plain.number($0.value) + ($0.tried.map { " of \(Plain.number($0))" } ?? "") } ?? "–"
      }
      lines.append(row(["\(escaped(count.title)) (\(escaped(count.dimension)))"] + cells))
    }
    for line in summary.report.surfaceLeftOut { lines += ["", escaped(line)] }
    return lines + [""]
  }

  private static func performance(_ summary: Summary) -> [String] {
    guard let performance = summary.report.performance else { return [] }
    let shown = summary.measured.filter { $0.subject.id != performance.baseline }
    var lines = ["## What it costs", ""]
    lines += [
      "Against \(escaped(performance.baseline)); above 1 is worse. ~ no difference shown, ? too noisy to tell.", "",
    ]
    lines += head(["Metric"] + shown.map(\.key))
    for metric in performance.metrics {
      let cells = shown.map { standing -> String in
        guard let result = summary.result(metric.id, standing.subject.id) else { return "–" }
        guard let cost = result.cost, result.judgement != .failed else { return "failed" }
        let sign = result.judgement == .noDifference ? " ~" : result.judgement == .noisy ? " ?" : ""
        return escaped(Plain.cost(cost)) + sign
      }
      lines.append(row(["\(escaped(metric.title)), \(escaped(metric.unit))"] + cells))
    }
    if let noise = performance.noise { lines += ["", escaped(noise.reason)] }
    return lines + [""]
  }

  /// Text on one line that means nothing to Markdown: no markup, no HTML, no link, nobody who is notified.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in Plain.line(text, limit: 4000).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      // Addresses are links without any markup, and are recognized by these.
      case ":" where result.hasSuffix("http") || result.hasSuffix("https") || result.hasSuffix("ftp"): result += "&#58;"
      case "." where result.lowercased().hasSuffix("www"): result += "&#46;"
      // Names of people, and numbers of issues: a joiner of no width keeps them apart.
      case "@", "#": result += "\\\(scalar)\u{2060}"
      case "\\", "`", "*", "_", "{", "}", "[", "]", "!", "|", "~", "$": result += "\\\(scalar)"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Hostile text as code, which no reader interprets. A table's cells end at a bar even in code.
  static func code(_ text: String, cell: Bool = false) -> String {
    var line = Plain.line(text, limit: 300)
    if cell { line = line.replacingOccurrences(of: "|", with: "¦") }
    var longest = 0
    var current = 0
    for scalar in line.unicodeScalars {
      current = scalar == "`" ? current + 1 : 0
      longest = max(longest, current)
    }
    let fence = String(repeating: "`", count: longest + 1)
    return longest == 0 ? "`\(line)`" : "\(fence) \(line) \(fence)"
  }
}
