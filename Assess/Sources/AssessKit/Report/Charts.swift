import Foundation

/// The charts of a report.
struct Charts {
  let summary: Summary
  let looks: [Look]

  init(_ summary: Summary) {
    self.summary = summary
    looks = Look.all(summary.report.subjects)
  }

  private func look(_ subject: String) -> Look {
    summary.report.subjects.firstIndex { $0.id == subject }.map { looks[$0] } ?? Look(colour: "hue7", shape: 0)
  }

  /// The look of a subject alone, for tables and legends.
  func swatch(_ index: Int) -> Chart {
    var chart = Chart(id: "k\(index)", kind: "swatch", width: 20, height: 20, title: "", summary: "")
    chart.mark(looks[index], 10, 10, size: 6, hint: nil)
    return chart
  }

  /// Every placed subject as a point: containment upwards, cost to the right.
  func overview(narrow: Bool) -> Chart? {
    let placed = summary.drawn
    guard placed.count > 0 else { return nil }
    let (width, height) = narrow ? (380.0, 420.0) : (980.0, 520.0)
    let size = 13.0
    let (left, top, right, bottom) = (narrow ? 50.0 : 66.0, 30.0, width - 14, height - 58)
    var chart = Chart(
      id: narrow ? "overview-narrow" : "overview-wide", kind: narrow ? "chart narrow" : "chart wide", width: Int(width),
      height: Int(height), title: "Containment against cost",
      summary: placed.map {
        "\($0.key) \($0.subject.id): \(Plain.percent($0.share!)) contained, cost \(Plain.cost($0.drawnCost!))\(summary.basis($0))"
      }.joined(separator: "; "))
    let axis = CostAxis(
      placed.flatMap { [$0.drawnCost!.low, $0.drawnCost!.high, $0.drawnCost!.value] }, gap: narrow ? 0.17 : 0.065)
    let least = placed.map { $0.shareRange!.low }.min()!
    let floor = max(0, min(0.8, (least * 10 - 0.3).rounded(.down) / 10))
    // A little room above 100 %, so that marks there are not cut.
    func place(_ standing: Standing) -> (x: Double, y: Double) {
      (across(standing.drawnCost!.value), up(standing.share!))
    }
    func across(_ cost: Double) -> Double { left + axis.place(cost) * (right - left) }
    func up(_ share: Double) -> Double { bottom - (share - floor) / (1.03 - floor) * (bottom - top) }
    chart.box("plot", left, top, right - left, bottom - top)
    let step = floor >= 0.8 ? 0.05 : floor >= 0.5 ? 0.1 : 0.2
    for index in 0...Int(((1 - floor) / step + 0.001).rounded(.down)) {
      let share = 1 - Double(index) * step
      chart.grid("grid", left, up(share), right, up(share))
      chart.text("tick", left - 7, up(share) + 4, String(format: "%.0f %%", share * 100), anchor: "end")
    }
    for tick in axis.ticks {
      chart.grid(tick == 1 ? "unity" : "grid", across(tick), top, across(tick), bottom)
      chart.text("tick", across(tick), bottom + 18, CostAxis.label(tick), anchor: "middle")
    }
    let baseline = summary.report.performance?.baseline ?? ""
    chart.text(
      "axis", (left + right) / 2, height - 18,
      narrow
        ? "cost, log scale; right is slower →"
        : "cost against \(baseline), geometric mean, log scale; further right is slower →",
      anchor: "middle")
    // Turned text is hard to read: the vertical axis is named above.
    chart.text("axis", left, top - 10, "↑ share of probes contained")
    var busy: [(Double, Double, Double, Double)] = []
    for standing in placed {
      let (x, y) = place(standing)
      let (low, high) = (across(standing.drawnCost!.low), across(standing.drawnCost!.high))
      if high - low > 1 { chart.line("interval", low, y, high, y) }
      busy.append((low, y - 1.5, high, y + 1.5))
      let range = standing.shareRange!
      if standing.inconclusive > 0 {
        chart.line("unknown", x, up(range.low), x, up(range.high))
        busy.append((x - 1.5, up(range.high), x + 1.5, up(range.low)))
      }
    }
    let points = placed.map { standing in
      Labels.Point(
        x: place(standing).x, y: place(standing).y,
        text: narrow ? standing.key : "\(standing.key) \(standing.subject.id)")
    }
    let labels = Labels.place(
      points, bounds: (left + 2, top + 2, right - 2, bottom - 2), size: size, radius: 8, busy: busy)
    for (standing, label) in zip(placed, labels) {
      let (x, y) = place(standing)
      if let leader = label.leader { chart.line("leader", leader.x1, leader.y1, leader.x2, leader.y2) }
      let hint =
        "\(standing.subject.id): \(Plain.percent(standing.share!)) contained, cost \(Plain.cost(standing.drawnCost!))\(summary.basis(standing))"
      chart.mark(look(standing.subject.id), x, y, size: 7, hollow: standing.cost == nil, hint: hint)
      chart.text(
        "label", label.x, label.y, narrow ? standing.key : "\(standing.key) \(standing.subject.id)",
        anchor: label.anchor)
    }
    return chart
  }

  /// The costs of one group of metrics as dots with their intervals, a row for every subject.
  func costs(_ group: String, index: Int, narrow: Bool) -> Chart? {
    guard let performance = summary.report.performance else { return nil }
    let metrics = performance.metrics.filter { $0.group == group }
    let subjects = summary.standings.filter { $0.subject.id != performance.baseline && $0.failure == nil }
    let rows = metrics.map { metric in
      (
        metric,
        subjects.compactMap { standing in summary.result(metric.id, standing.subject.id).map { (standing, $0) } }
      )
    }.filter { !$0.1.isEmpty }
    let intervals = rows.flatMap { $0.1.compactMap { $0.1.cost } }
    guard !intervals.isEmpty else { return nil }
    let (rowHeight, headHeight, top) = (19.0, 28.0, 30.0)
    let width = narrow ? 380.0 : 980.0
    let (left, right) = narrow ? (160.0, width - 20) : (200.0, width - 246)
    let height = rows.reduce(top + 44) { $0 + headHeight + Double($1.1.count) * rowHeight }
    var chart = Chart(
      id: "costs-\(index)-\(narrow ? "narrow" : "wide")", kind: narrow ? "chart narrow" : "chart wide",
      width: Int(width),
      height: Int(height), title: "Cost of \(group) against \(performance.baseline)",
      summary: "Dots with intervals of 95 %, on a logarithmic scale; 1 is the baseline, and further right is worse. "
        + "The table below holds the same figures.")
    let axis = CostAxis(intervals.flatMap { [$0.low, $0.value, $0.high] }, gap: narrow ? 0.21 : 0.09)
    func across(_ cost: Double) -> Double { left + axis.place(cost) * (right - left) }
    let bottom = height - 44
    chart.box("plot", left, top, right - left, bottom - top)
    for tick in axis.ticks {
      chart.grid(tick == 1 ? "unity" : "grid", across(tick), top, across(tick), bottom)
      chart.text("tick", across(tick), bottom + 17, CostAxis.label(tick), anchor: "middle")
      chart.text("tick", across(tick), top - 8, CostAxis.label(tick), anchor: "middle")
    }
    chart.text(
      "axis", (left + right) / 2, height - 8,
      narrow
        ? "cost, log scale; right is worse →" : "cost against \(performance.baseline), log scale; right is worse →",
      anchor: "middle")
    var y = top
    for (metric, results) in rows {
      y += headHeight
      chart.line("divide", 0, y - headHeight, width, y - headHeight)
      chart.box("head", left + 1, y - headHeight + 0.5, right - left - 2, headHeight - 4.5)
      chart.text(
        "head", 4, y - 9, Chart.fit("\(metric.title), \(metric.unit)", narrow ? width - 10 : right - 12, size: 13))
      for (standing, result) in results {
        let middle = y + rowHeight / 2 - 3
        let name = Chart.fit("\(standing.key) \(standing.subject.id)", left - 18)
        chart.text("row", left - 8, middle + 4, name, anchor: "end")
        y += rowHeight
        guard let cost = result.cost, result.judgement != .failed else {
          chart.text(
            "tick", left + 6, middle + 4,
            narrow
              ? "failed" : Chart.fit("failed: \(Plain.line(result.reason ?? "no reason given"))", right - left - 12))
          continue
        }
        let unclear = result.judgement == .noDifference || result.judgement == .noisy
        chart.line(
          result.judgement == .noisy ? "interval noisy" : "interval", across(cost.low), middle, across(cost.high),
          middle)
        chart.mark(
          look(standing.subject.id), across(cost.value), middle, size: 5, hollow: unclear,
          hint: "\(standing.subject.id): \(Plain.cost(cost)), \(result.judgement.rawValue)")
        if !narrow {
          chart.text("row", right + 10, middle + 4, "\(Plain.cost(cost)) \(result.judgement.rawValue)")
        }
      }
    }
    return chart
  }

  /// One count of the surface as bars.
  func surface(_ id: String, title: String, index: Int) -> Chart? {
    let rows = summary.standings.compactMap { standing -> (Standing, SurfaceRecord.Count)? in
      guard let record = summary.report.surface.first(where: { $0.subject == standing.subject.id }),
        let count = record.counts.first(where: { $0.id == id })
      else { return nil }
      return (standing, count)
    }
    guard !rows.isEmpty else { return nil }
    let (rowHeight, width, left, top) = (24.0, 460.0, 168.0, 6.0)
    let right = width - 84
    let most = Double(max(1, rows.map { max($0.1.tried ?? 0, $0.1.value) }.max()!))
    let bottom = top + Double(rows.count) * rowHeight
    var chart = Chart(
      id: "surface-\(index)", kind: "chart bars", width: Int(width), height: Int(bottom + 24), title: title,
      summary: rows.map { "\($0.0.subject.id): \($0.1.value)" }.joined(separator: "; "))
    func across(_ value: Double) -> Double { left + value / most * (right - left) }
    for tick in Self.roundTicks(most) {
      chart.grid("grid", across(tick), top, across(tick), bottom)
      chart.text("tick", across(tick), bottom + 17, Plain.number(Int(tick)), anchor: "middle")
    }
    for (number, (standing, count)) in rows.enumerated() {
      let y = top + Double(number) * rowHeight
      chart.text("row", left - 8, y + 16, Chart.fit("\(standing.key) \(standing.subject.id)", left - 14), anchor: "end")
      if let tried = count.tried { chart.box("tried", left, y + 5, across(Double(tried)) - left, rowHeight - 10) }
      chart.box(
        "bar " + look(standing.subject.id).colour, left, y + 5, across(Double(max(0, count.value))) - left,
        rowHeight - 10,
        hint: "\(standing.subject.id): \(count.value)")
      let value = Plain.number(count.value) + (count.tried.map { " of " + Plain.number($0) } ?? "")
      chart.text("row", right + 6, y + 16, Chart.fit(value, 82))
    }
    return chart
  }

  /// 0 and two to five round numbers up to `most`.
  static func roundTicks(_ most: Double) -> [Double] {
    let rough = most / 4
    let magnitude = pow(10, log10(rough).rounded(.down))
    let step = max(1, ([1, 2, 5, 10].first { $0 * magnitude >= rough } ?? 10) * magnitude)
    return Array(stride(from: 0, through: most, by: step))
  }
}
