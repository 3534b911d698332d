import Foundation

/// `report.json`: everything that was found, in the shape of `docs/assessment.schema.json`.
public enum JSONReport {
  /// Keys are sorted, so that two reports can be compared line by line.
  public static func text(_ report: Report) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    } catch EncodingError.invalidValue(let value, let context) {
      throw AssessError("report.json: \(place(context.codingPath)) is \(value), which JSON has no number for")
    }
  }

  /// Reads a report. Every mistake is one line that starts with `name`.
  public static func read(_ data: Data, name: String) throws(AssessError) -> Report {
    struct Schema: Decodable { var schema: String? }
    do {
      guard let schema = try JSONDecoder().decode(Schema.self, from: data).schema else {
        throw AssessError("\(name): no member \"schema\"; it is not a report of rcontainer assess")
      }
      guard schema == Report.currentSchema else {
        throw AssessError(
          "\(name): schema \"\(schema.prefix(80))\" instead of \"\(Report.currentSchema)\"; make the report again with this version"
        )
      }
      let report = try JSONDecoder().decode(Report.self, from: data)
      try check(report, name: name)
      return report
    } catch let error as AssessError {
      throw error
    } catch let error as DecodingError {
      throw AssessError("\(name): \(reason(error))")
    } catch {
      throw AssessError("\(name): \(error)")
    }
  }

  /// What the types can't say: names are given once, and only given names are used.
  private static func check(_ report: Report, name: String) throws(AssessError) {
    func once(_ ids: [String], _ what: String) throws(AssessError) -> Set<String> {
      var seen = Set<String>()
      for id in ids where !seen.insert(id).inserted { throw AssessError("\(name): \(what) \"\(id)\" twice") }
      return seen
    }
    let subjects = try once(report.subjects.map(\.id), "subject")
    let probes = try once(report.probes.map(\.id), "probe")
    let metrics = try once(report.performance?.metrics.map(\.id) ?? [], "metric")
    var pairs = Set<[String]>()
    func known(_ id: String, _ ids: Set<String>, _ what: String) throws(AssessError) {
      guard ids.contains(id) else { throw AssessError("\(name): a result names the unknown \(what) \"\(id)\"") }
    }
    for finding in report.findings {
      try known(finding.subject, subjects, "subject")
      try known(finding.probe, probes, "probe")
      guard pairs.insert([finding.probe, finding.subject]).inserted else {
        throw AssessError("\(name): two findings of \"\(finding.probe)\" about \"\(finding.subject)\"")
      }
    }
    for record in report.surface { try known(record.subject, subjects, "subject") }
    if let performance = report.performance { try known(performance.baseline, subjects, "subject") }
    for result in report.performance?.results ?? [] {
      try known(result.subject, subjects, "subject")
      try known(result.metric, metrics, "metric")
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "\(place(context.codingPath)) has no member \"\(key.stringValue)\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "no JSON document of a report" : "\(place(context.codingPath)): \(context.debugDescription)"
    @unknown default: "no JSON document of a report"
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.isEmpty
      ? "the document"
      : path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
  }
}
