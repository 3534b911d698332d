/// What of the host one subject lets a container reach.
public struct SurfaceRecord: Codable, Sendable, Equatable {
  public var subject: String
  public var counts: [Count]
  /// What could not be counted, and why, a line each.
  public var leftOut: [String]?

  public init(subject: String, counts: [Count]) { (self.subject, self.counts) = (subject, counts) }

  /// One kind of thing that can be reached.
  public struct Count: Codable, Sendable, Equatable {
    /// `syscalls`, `socket-families` …: the same in every record of a report.
    public var id: String
    public var title: String
    /// `breadth` (how many different), `volume` (how often) or `complexity` (how much code).
    public var dimension: String
    public var value: Int
    /// Out of how many tried; nil where there is no such number.
    public var tried: Int?
    /// Which, sorted; empty if it is a number only.
    public var names: [String]

    public init(id: String, title: String, dimension: String, value: Int, tried: Int?, names: [String]) {
      (self.id, self.title, self.dimension) = (id, title, dimension)
      (self.value, self.tried, self.names) = (value, tried, names)
    }
  }
}

extension Report {
  /// What no record could count, a sentence each, with the subjects that it is so for.
  var surfaceLeftOut: [String] {
    var lines: [String] = []
    for line in surface.flatMap({ $0.leftOut ?? [] }) where !lines.contains(line) { lines.append(line) }
    return lines.map { line in
      let subjects = surface.filter { ($0.leftOut ?? []).contains(line) }.map(\.subject)
      return subjects.count == surface.count
        ? "Left out. \(line)" : "Left out for \(subjects.joined(separator: ", ")). \(line)"
    }
  }
}
