import Foundation

/// The two questions of an assessment, answered in sentences that the numbers make.
struct Answers {
  static let containment = "How effective are sandboxes such as these in containing threats?"
  static let price = "What do security and performance cost each other?"

  private let summary: Summary
  private var report: Report { summary.report }

  init(_ summary: Summary) { self.summary = summary }

  /// Paragraphs for `containment`.
  var containment: [String] {
    guard summary.has.threats else {
      return [
        report.suites.contains(.threats)
          ? "No probe gave a finding, so this assessment says nothing about it."
          : "The suite threats was not run, so this assessment says nothing about it."
      ]
    }
    return [shares, escapes, groups, configurations, limits].filter { !$0.isEmpty }
  }

  /// Paragraphs for `price`.
  var price: [String] {
    guard summary.has.performance, let performance = report.performance else {
      return [
        report.suites.contains(.performance)
          ? "No metric gave a result, so this assessment says nothing about it."
          : "The suite performance was not run, so this assessment says nothing about it."
      ]
    }
    return [costs(performance), frontier, exchange, judgements(performance)].filter { !$0.isEmpty }
  }

  private func share(_ standing: Standing) -> String {
    "\(standing.contained) of \(standing.told) (\(Plain.percent(standing.share ?? 0)))"
  }

  private var shares: String {
    let told = summary.measured.filter { $0.share != nil }
    var text = "\(Plain.count(report.probes.count, "probe was", "probes were")) tried against each of "
    let tried = summary.measured.filter { $0.told + $0.inconclusive + $0.notApplicable > 0 }
    text += "\(Plain.count(tried.count, "subject", "subjects"))."
    let applicable = told.map { $0.told + $0.inconclusive }
    if let least = applicable.min(), let most = applicable.max() {
      text +=
        least == most ? " \(least) of them apply to each." : " Between \(least) and \(most) of them apply to a subject."
    }
    guard let best = told.max(by: { $0.share! < $1.share! }), let worst = told.min(by: { $0.share! < $1.share! }) else {
      return text + " None gave a verdict."
    }
    text += " Of those that apply and gave a verdict, "
    if best.share == worst.share {
      text +=
        told.count == 1
        ? "\(best.subject.id) contained \(share(best))." : "each contained \(Plain.percent(best.share!))."
    } else {
      let equals = told.filter { $0.share == best.share }.map(\.subject.id)
      text +=
        equals.count == 1
        ? "\(best.subject.id) contained the largest share, \(share(best))"
        : "\(Plain.list(equals)) contained the largest share, \(Plain.percent(best.share!))"
      text += ", and \(worst.subject.id) the smallest, \(share(worst))."
    }
    return text + " Over all subjects: \(summary.total(.contained)) contained, \(summary.total(.exposed)) exposed, "
      + "\(summary.total(.escaped)) escaped, \(summary.total(.inconclusive)) inconclusive, "
      + "\(summary.total(.notApplicable)) not applicable."
  }

  private var escapes: String {
    let escaped = summary.measured.filter { $0.escaped > 0 }
    let exposed = summary.measured.filter { $0.escaped == 0 && $0.exposed > 0 }
    var text =
      escaped.isEmpty
      ? "No escape was shown against any subject."
      : "An escape was shown against "
        + Plain.list(escaped.map { "\($0.subject.id) (\(Plain.count($0.escaped, "probe", "probes")))" }) + "."
    if !exposed.isEmpty {
      text +=
        " Without an escape, a primitive of an attack works inside "
        + Plain.list(exposed.map { "\($0.subject.id) (\(Plain.count($0.exposed, "probe", "probes")))" })
        + "; exposed means that one barrier is missing, not that all are."
    }
    return text
  }

  private var groups: String {
    struct Spread { var group: String, low: (String, Double), high: (String, Double) }
    var spreads: [Spread] = []
    var everywhere: [String] = []
    for group in summary.groups {
      let shares = summary.measured.compactMap { standing -> (String, Double)? in
        let (contained, told) = summary.contained(group, standing.subject.id)
        return told == 0 ? nil : (standing.subject.id, Double(contained) / Double(told))
      }
      guard let low = shares.min(by: { $0.1 < $1.1 }), let high = shares.max(by: { $0.1 < $1.1 }) else { continue }
      if low.1 == 1 { everywhere.append(group) }
      if low.1 < high.1 { spreads.append(Spread(group: group, low: low, high: high)) }
    }
    var parts: [String] = []
    if !everywhere.isEmpty {
      parts.append("Every subject contained all that told something in \(Plain.list(everywhere)).")
    }
    let widest = spreads.sorted { ($0.high.1 - $0.low.1, $1.group) > ($1.high.1 - $1.low.1, $0.group) }.prefix(3)
    if !widest.isEmpty {
      let texts = widest.map {
        "\($0.group) (from \(Plain.percent($0.low.1)), \($0.low.0), to \(Plain.percent($0.high.1)), \($0.high.0))"
      }
      parts.append("The subjects differ most in " + Plain.list(texts) + ".")
    }
    return parts.joined(separator: " ")
  }

  private var configurations: String {
    let texts = summary.runtimes.compactMap { runtime -> String? in
      let told = runtime.standings.filter { $0.share != nil }
      guard let low = told.min(by: { $0.share! < $1.share! }), let high = told.max(by: { $0.share! < $1.share! }),
        low.share! < high.share!
      else { return nil }
      return "\(runtime.name) from \(Plain.percent(low.share!)) (\(low.subject.configuration)) to "
        + "\(Plain.percent(high.share!)) (\(high.subject.configuration))"
    }
    return texts.isEmpty ? "" : "The configuration alone moves the share: " + Plain.list(texts) + "."
  }

  private var limits: String {
    var text =
      "The probes were chosen, and are no sample of all attacks: a share of them is no probability of being safe."
    text += " Contained means that this primitive was refused or had no effect outside."
    let own = summary.measured.filter { $0.subject.ownKernel == true }.map(\.subject.id)
    if !own.isEmpty {
      text += " A kernel of the runtime's own answers in \(Plain.list(own)): what works there by the kernel alone "
      text += "does not reach the host's, and counts as contained."
    }
    let inconclusive = summary.total(.inconclusive)
    if inconclusive > 0 {
      text +=
        " \(Plain.count(inconclusive, "finding is", "findings are")) inconclusive and counted for neither side; "
        + "the chart's vertical bars show how far they could move a share."
    }
    let missing = summary.measured.reduce(0) { $0 + $1.missing }
    if missing > 0 { text += " \(Plain.count(missing, "result is", "results are")) missing." }
    if !summary.failed.isEmpty {
      text += " Nothing is known of \(Plain.list(summary.failed.map(\.subject.id))), which failed as a whole."
    }
    return text
  }

  private func costs(_ performance: PerformanceRecord) -> String {
    let compared = summary.measured.filter { $0.cost != nil && !$0.isBaseline }
    guard let least = compared.min(by: { $0.cost!.value < $1.cost!.value }),
      let most = compared.max(by: { $0.cost!.value < $1.cost!.value })
    else { return "No subject has enough results to be compared with the baseline, \(performance.baseline)." }
    func cost(_ standing: Standing) -> String { "\(Plain.cost(standing.cost!)), \(standing.subject.id)" }
    var text = "Cost is relative to \(performance.baseline), and above 1 is worse. As the geometric mean over "
    text +=
      "\(summary.sharedMetrics.count) of \(Plain.count(performance.metrics.count, "metric", "metrics")), those that all compared "
    text += "subjects have, it is "
    text += compared.count == 1 ? "\(cost(least))." : "between \(cost(least)), and \(cost(most))."
    let worse = compared.filter { $0.cost!.low > 1 }.map(\.subject.id)
    let better = compared.filter { $0.cost!.high < 1 }.map(\.subject.id)
    let same = compared.filter { $0.cost!.low <= 1 && $0.cost!.high >= 1 }.map(\.subject.id)
    if !worse.isEmpty { text += " With an interval that leaves 1 out, the cost is higher for \(Plain.list(worse))." }
    if !better.isEmpty {
      text +=
        (worse.isEmpty ? " With an interval that leaves 1 out, it" : " It") + " is lower for \(Plain.list(better))."
    }
    if !same.isEmpty { text += " No difference is shown for \(Plain.list(same)): the interval holds 1." }
    let partial = summary.measured.filter { $0.partialCost != nil }
    if !partial.isEmpty {
      text += " Not compared with these, since fewer metrics could be measured: "
      text += Plain.list(partial.map { "\($0.subject.id), \(Plain.cost($0.partialCost!))\(summary.basis($0))" }) + "."
    }
    let left = summary.measured.filter { $0.drawnCost == nil && !$0.isBaseline }
    if !left.isEmpty {
      text +=
        " Too few metrics were measured to place "
        + Plain.list(left.map { "\($0.subject.id) (\($0.metrics) of \(performance.metrics.count))" }) + "."
    }
    return text
  }

  /// The subjects that no other one beats in both.
  private var frontier: String {
    let placed = summary.placed
    guard placed.count > 1 else { return "" }
    let best = placed.filter { one in
      !placed.contains { other in
        let (share, ownShare) = (other.share!, one.share!)
        let (cost, ownCost) = (other.cost!.value, one.cost!.value)
        return share >= ownShare && cost <= ownCost && (share > ownShare || cost < ownCost)
      }
    }
    if best.count == 1 {
      return
        "\(best[0].subject.id) contains the largest share at the lowest cost: here nothing had to be exchanged, going by the middle of "
        + "the intervals."
    }
    let sorted = best.sorted { $0.cost!.value < $1.cost!.value }
    let apart = sorted[0].cost!.high < sorted[sorted.count - 1].cost!.low
    let names = Plain.list(sorted.map(\.subject.id))
    return "Going by the middle of the intervals, no other subject contains as much for less than \(names). "
      + "From the first of them to the last, more containment costs more"
      + (apart ? "." : "; but their intervals overlap, so that this difference in cost is not shown.")
  }

  /// The same runtime in its least and its most containing configuration.
  private var exchange: String {
    let texts = summary.runtimes.compactMap { runtime -> String? in
      let placed = runtime.standings.filter { $0.share != nil && $0.cost != nil }
      guard let low = placed.min(by: { $0.share! < $1.share! }), let high = placed.max(by: { $0.share! < $1.share! }),
        low.share! < high.share!, let before = low.cost, let after = high.cost
      else { return nil }
      let points = String(format: "%.1f", (high.share! - low.share!) * 100)
      var text =
        "\(runtime.name) gains \(points) points from \(low.subject.configuration) to \(high.subject.configuration), "
      text += "and its cost goes from \(Plain.factor(before.value)) to \(Plain.factor(after.value))"
      let apart = before.high < after.low || after.high < before.low
      return text
        + (apart ? ", and the intervals are apart" : "; the intervals overlap, so that no difference in cost is shown")
    }
    guard !texts.isEmpty else { return "" }
    return "Within one runtime: " + texts.joined(separator: "; ") + "."
  }

  private func judgements(_ performance: PerformanceRecord) -> String {
    let compared = performance.results.filter { $0.subject != performance.baseline }
    func number(_ judgement: Measured.Judgement) -> Int { compared.filter { $0.judgement == judgement }.count }
    let told = compared.count - number(.failed) - number(.noisy)
    var text =
      "Of \(Plain.count(compared.count, "comparison", "comparisons")), \(number(.worse)) are worse, \(number(.better)) better, "
    text +=
      "\(number(.noDifference)) without a difference that the intervals show, \(number(.noisy)) too noisy to tell, and "
    text += "\(number(.failed)) failed."
    if told >= 20 {
      text +=
        " At 95 % about \(Plain.number(Int((Double(told) / 20).rounded()))) of them would show a difference by chance alone."
    }
    if let noise = performance.noise { text += " " + Plain.line(noise.reason) }
    return text
  }
}
