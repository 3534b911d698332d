import Foundation

/// A chart as shapes with places: what the template `chart` draws as SVG. Coordinates are in the chart's own units, from its upper left.
struct Chart {
  var id: String
  /// Classes of the SVG element; `wide` and `narrow` are shown by the width of the page.
  var kind: String
  var width: Int
  var height: Int
  var title: String
  var summary: String
  /// Under everything else.
  var grid: [Line] = []
  var boxes: [Box] = []
  var lines: [Line] = []
  var marks: [Mark] = []
  var texts: [Text] = []

  struct Box { var style, x, y, wide, high: String, hint: String? }
  struct Line { var style, x1, y1, x2, y2: String }
  struct Mark { var style, path: String, hint: String? }
  struct Text { var style, x, y, anchor, text: String }

  mutating func box(_ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, hint: String? = nil) {
    boxes.append(
      Box(style: style, x: at(x), y: at(y), wide: at(max(0, width)), high: at(max(0, height)), hint: hint))
  }

  mutating func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
    lines.append(Line(style: style, x1: at(x1), y1: at(y1), x2: at(x2), y2: at(y2)))
  }

  mutating func grid(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
    grid.append(Line(style: style, x1: at(x1), y1: at(y1), x2: at(x2), y2: at(y2)))
  }

  mutating func text(_ style: String, _ x: Double, _ y: Double, _ text: String, anchor: String = "start") {
    texts.append(Text(style: style, x: at(x), y: at(y), anchor: anchor, text: text))
  }

  mutating func mark(_ look: Look, _ x: Double, _ y: Double, size: Double = 6, hollow: Bool = false, hint: String?) {
    marks.append(
      Mark(style: "mark \(look.colour)\(hollow ? " hollow" : "")", path: look.path(x, y, size), hint: hint))
  }

  private func at(_ value: Double) -> String { String(format: "%.1f", value) }

  /// Cuts `text` to what fits into `width`, with letters as wide as they are on average.
  static func fit(_ text: String, _ width: Double, size: Double = 12) -> String {
    let room = max(1, Int(width / (size * 0.54)))
    return text.count <= room ? text : text.prefix(room - 1) + "…"
  }
}

/// How a subject is drawn: the colour says the runtime, the shape the configuration. A letter stands beside it, so colour is never alone.
struct Look {
  var colour: String
  var shape: Int

  /// The subjects' looks, in their order.
  static func all(_ subjects: [SubjectRecord]) -> [Look] {
    var runtimes: [String] = []
    var configurations: [String] = []
    return subjects.map { subject in
      if !runtimes.contains(subject.runtime) { runtimes.append(subject.runtime) }
      if !configurations.contains(subject.configuration) { configurations.append(subject.configuration) }
      return Look(
        colour: "hue\(runtimes.firstIndex(of: subject.runtime)! % 8)",
        shape: configurations.firstIndex(of: subject.configuration)! % 8)
    }
  }

  /// The shape's outline around a point, as the data of an SVG path.
  func path(_ x: Double, _ y: Double, _ size: Double) -> String {
    func polygon(_ corners: [(Double, Double)]) -> String {
      "M" + corners.map { String(format: "%.1f %.1f", x + $0.0 * size, y + $0.1 * size) }.joined(separator: "L") + "Z"
    }
    func regular(_ count: Int, _ turn: Double, _ scale: Double) -> [(Double, Double)] {
      (0..<count).map { index in
        let angle = (Double(index) / Double(count) + turn) * 2 * .pi
        return (cos(angle) * scale, sin(angle) * scale)
      }
    }
    let plus: [(Double, Double)] = [
      (-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4),
      (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4),
    ]
    switch shape {
    case 0:
      return String(
        format: "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0Z", x - size, y, size, size, 2 * size, size,
        size, -2 * size)
    case 1: return polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
    case 2: return polygon(regular(4, 0, 1.25))
    case 3: return polygon(regular(3, 0.75, 1.25))
    case 4: return polygon(regular(3, 0.25, 1.25))
    case 5: return polygon(plus)
    case 6:
      let half = 0.5.squareRoot()
      return polygon(plus.map { (($0.0 - $0.1) * half, ($0.0 + $0.1) * half) })
    default: return polygon(regular(6, 0, 1.1))
    }
  }
}

/// A logarithmic axis of costs, with ticks at round numbers.
struct CostAxis {
  private let low: Double
  private let high: Double
  let ticks: [Double]

  /// Holds all of `values`, and 1. Between two ticks is at least `gap` of the axis.
  init(_ values: [Double], gap: Double) {
    let usable = values.filter { $0.isFinite && $0 > 0 } + [1]
    var (low, high) = (usable.min()!, usable.max()!)
    let margin = max(0.06 * log(high / low), 0.02)
    (low, high) = (low * exp(-margin), high * exp(margin))
    (self.low, self.high) = (low, high)
    ticks = Self.ticks(low, high, gap: gap)
  }

  /// 0 at the left end, 1 at the right.
  func place(_ value: Double) -> Double { min(1, max(0, log(max(value, low / 100) / low) / log(high / low))) }

  private static func ticks(_ low: Double, _ high: Double, gap: Double) -> [Double] {
    // The best ticks leave the smallest stretch of the axis without one.
    var best: [Double] = [1]
    var widest = Double.infinity
    func consider(_ ticks: [Double]) {
      // Too near to an end, a label would not fit.
      let ticks = ticks.filter { (0.01...0.98).contains(log($0 / low) / log(high / low)) }
      let places = ticks.map { log($0 / low) / log(high / low) }
      let gaps = zip(places, places.dropFirst()).map { $1 - $0 }
      guard let first = places.first, let last = places.last, gaps.allSatisfy({ $0 >= gap }) else { return }
      let stretch = max(gaps.max() ?? 0, first, 1 - last)
      if stretch < widest - 1e-9 { (best, widest) = (ticks, stretch) }
    }
    if high / low < 6 {
      // A short axis: equal steps, which are nearly even on it.
      for step in [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2] {
        let first = (low / step).rounded(.up)
        let last = (high / step).rounded(.down)
        guard first <= last, last - first < 40 else { continue }
        consider((Int(first)...Int(last)).map { Double($0) * step })
      }
    }
    for digits in [[1.0], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.5, 2, 3, 4, 6, 8]] {
      let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
      consider(
        decades.flatMap { decade in digits.map { $0 * pow(10, Double(decade)) } }.filter { $0 >= low && $0 <= high })
    }
    return best
  }

  static func label(_ tick: Double) -> String {
    var text = String(format: "%.3f", tick)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text + "×"
  }
}
