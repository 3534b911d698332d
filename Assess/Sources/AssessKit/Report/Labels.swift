import Foundation

/// Places labels beside points so that none lies over another, over a point, or outside. Far ones get a line to their point.
struct Labels {
  struct Point { var x, y: Double, text: String }
  struct Placed { var x, y: Double, anchor: String, leader: (x1: Double, y1: Double, x2: Double, y2: Double)? }

  private struct Area {
    var left, top, right, bottom: Double
    func overlap(_ other: Area) -> Double {
      max(0, min(right, other.right) - max(left, other.left)) * max(0, min(bottom, other.bottom) - max(top, other.top))
    }
  }

  /// `bounds` is (left, top, right, bottom); `busy` are thin areas that labels should rather keep off.
  static func place(
    _ points: [Point], bounds: (Double, Double, Double, Double), size: Double, radius: Double,
    busy: [(Double, Double, Double, Double)] = []
  ) -> [Placed] {
    let soft = busy.map { Area(left: $0.0, top: $0.1, right: $0.2, bottom: $0.3) }
    let marks = points.map {
      Area(left: $0.x - radius, top: $0.y - radius, right: $0.x + radius, bottom: $0.y + radius)
    }
    var taken: [Area] = []
    var leaders: [(x1: Double, y1: Double, x2: Double, y2: Double)] = []
    var result = [Placed?](repeating: nil, count: points.count)
    // Points with many others near them have the least choice.
    let crowd = points.map { one in points.filter { abs($0.x - one.x) < 90 && abs($0.y - one.y) < 40 }.count }
    for index in points.indices.sorted(by: { (crowd[$0], -$0) > (crowd[$1], -$1) }) {
      let point = points[index]
      let width = Double(point.text.count) * size * 0.56 + 2
      var best: (penalty: Double, placed: Placed, area: Area)?
      for distance in stride(from: radius + 5, through: radius + 245, by: 12) {
        for step in 0..<24 {
          // To the right first, then around.
          let turn = Double((step + 1) / 2) * (step % 2 == 0 ? 1 : -1) * .pi / 12
          let (x, y) = (point.x + cos(turn) * distance, point.y - sin(turn) * distance)
          let anchor = cos(turn) > 0.3 ? "start" : cos(turn) < -0.3 ? "end" : "middle"
          let left = anchor == "start" ? x : anchor == "end" ? x - width : x - width / 2
          let area = Area(left: left - 2, top: y - size * 0.6, right: left + width + 2, bottom: y + size * 0.6)
          guard area.left >= bounds.0, area.right <= bounds.2, area.top >= bounds.1, area.bottom <= bounds.3 else {
            continue
          }
          var penalty = (distance - radius) * 1.5 + Double(step) * 0.6
          penalty += taken.reduce(0) { $0 + $1.overlap(area) } * 50
          penalty += marks.reduce(0) { $0 + $1.overlap(area) } * 50
          penalty += soft.reduce(0) { $0 + $1.overlap(area) } * 1.5
          let far = distance > radius + 16
          let leader = (x1: point.x + cos(turn) * radius, y1: point.y - sin(turn) * radius, x2: x, y2: y)
          if far {
            penalty += leaders.filter { crosses(leader, $0) }.isEmpty ? 0 : 400
            penalty += Double(taken.filter { through(leader, $0) }.count) * 400
            for (other, mark) in marks.enumerated() where other != index && through(leader, mark) { penalty += 300 }
          }
          penalty += Double(leaders.filter { through($0, area) }.count) * 400
          if best == nil || penalty < best!.penalty {
            best = (penalty, Placed(x: x, y: y + size * 0.35, anchor: anchor, leader: far ? leader : nil), area)
          }
        }
      }
      // Without any room inside the bounds, the label stays at its point.
      let chosen = best?.placed ?? Placed(x: point.x, y: point.y - radius - 4, anchor: "middle", leader: nil)
      if let area = best?.area { taken.append(area) }
      if let leader = chosen.leader { leaders.append(leader) }
      result[index] = chosen
    }
    return result.compactMap { $0 }
  }

  private typealias Segment = (x1: Double, y1: Double, x2: Double, y2: Double)

  private static func crosses(_ one: Segment, _ other: Segment) -> Bool {
    func side(_ segment: Segment, _ x: Double, _ y: Double) -> Double {
      (segment.x2 - segment.x1) * (y - segment.y1) - (segment.y2 - segment.y1) * (x - segment.x1)
    }
    return side(one, other.x1, other.y1) * side(one, other.x2, other.y2) < 0
      && side(other, one.x1, one.y1) * side(other, one.x2, one.y2) < 0
  }

  private static func through(_ segment: Segment, _ area: Area) -> Bool {
    for step in 1..<20 {
      let share = Double(step) / 20
      let (x, y) = (segment.x1 + (segment.x2 - segment.x1) * share, segment.y1 + (segment.y2 - segment.y1) * share)
      if x > area.left, x < area.right, y > area.top, y < area.bottom { return true }
    }
    return false
  }
}
