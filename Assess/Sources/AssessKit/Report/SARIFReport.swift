import Foundation

/// `report.sarif`: what was exposed or escaped, as SARIF 2.1.0 (OASIS standard, with errata 1): a rule for each probe, a result for each
/// such finding, and the subjects as logical locations.
public enum SARIFReport {
  public static func text(_ report: Report) throws -> String {
    var log = Log()
    let subjects = Dictionary(
      report.subjects.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    let rules = Dictionary(report.probes.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var run = Run(tool: Tool(driver: Driver(version: report.tool, rules: report.probes.map(rule))))
    run.invocations = [
      Invocation(
        commandLine: Plain.visible(Plain.command(report.command)), executionSuccessful: report.finished != nil,
        startTimeUtc: report.started, endTimeUtc: report.finished,
        toolExecutionNotifications: report.subjects.enumerated().flatMap(notifications))
    ]
    run.logicalLocations = report.subjects.map {
      LogicalLocation(name: $0.id, fullyQualifiedName: $0.id, kind: "resource")
    }
    for finding in report.findings where finding.verdict == .exposed || finding.verdict == .escaped {
      guard let rule = rules[finding.probe], let subject = subjects[finding.subject] else { continue }
      let probe = report.probes[rule]
      run.results.append(
        Result(
          ruleId: probe.id, ruleIndex: rule, level: finding.verdict == .escaped ? "error" : "warning",
          message: Message(
            text: message("\(finding.subject): \(finding.verdict.rawValue). \(Plain.line(finding.reason))")),
          locations: [
            Location(
              logicalLocations: [LogicalLocation(fullyQualifiedName: finding.subject, index: subject)])
          ],
          partialFingerprints: ["probeAndSubject/v1": "\(finding.probe)@\(finding.subject)"],
          properties: ResultProperties(verdict: finding.verdict.rawValue, tags: [finding.verdict.rawValue])))
    }
    log.runs = [run]
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(log), as: UTF8.self) + "\n"
  }

  /// Text of a message: brackets would be links, braces would be placeholders (SARIF 2.1.0, sections 3.11.5 and 3.11.6).
  static func message(_ text: String) -> String {
    var result = ""
    for scalar in Plain.visible(text).unicodeScalars {
      switch scalar {
      case "[", "]", "\\": result.unicodeScalars.append(contentsOf: ["\\", scalar])
      case "{", "}": result.unicodeScalars.append(contentsOf: [scalar, scalar])
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func rule(_ probe: ProbeRecord) -> Rule {
    let references = (probe.cve + [probe.technique, probe.source]).filter { !$0.isEmpty }
    let help = "\(probe.meaning) See: \(Plain.list(references))."
    return Rule(
      id: probe.id, shortDescription: Message(text: Plain.line(probe.title)),
      fullDescription: Message(text: Plain.line(probe.meaning)),
      help: Help(text: Plain.line(help), markdown: MarkdownReport.escaped(help)),
      properties: RuleProperties(tags: (["security", probe.group, probe.technique] + probe.cve).filter { !$0.isEmpty }))
  }

  private static func notifications(_ index: Int, _ subject: SubjectRecord) -> [Notification] {
    var texts = subject.problems.map { ("warning", $0) }
    if case .failed(let reason) = subject.state { texts.append(("error", reason)) }
    return texts.map { level, text in
      Notification(
        level: level, message: Message(text: message("\(subject.id): \(Plain.line(text))")),
        locations: [Location(logicalLocations: [LogicalLocation(fullyQualifiedName: subject.id, index: index)])])
    }
  }

  // The parts of the standard's objects that are used; sections 3.13 to 3.58.

  private struct Log: Encodable {
    var schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    var version = "2.1.0"
    var runs: [Run] = []

    enum CodingKeys: String, CodingKey {
      case schema = "$schema"
      case version, runs
    }
  }

  private struct Run: Encodable {
    var tool: Tool
    var columnKind = "unicodeCodePoints"
    var invocations: [Invocation] = []
    var logicalLocations: [LogicalLocation] = []
    var results: [Result] = []
  }

  private struct Tool: Encodable { var driver: Driver }

  private struct Driver: Encodable {
    var name = "rcontainer assess"
    var version: String
    var rules: [Rule]
  }

  private struct Rule: Encodable {
    var id: String
    var shortDescription, fullDescription: Message
    var help: Help
    var defaultConfiguration = ["level": "warning"]
    var properties: RuleProperties
  }

  private struct RuleProperties: Encodable { var tags: [String] }
  private struct ResultProperties: Encodable { var verdict: String, tags: [String] }
  private struct Message: Encodable { var text: String }
  private struct Help: Encodable { var text, markdown: String }
  private struct Location: Encodable { var logicalLocations: [LogicalLocation] }

  private struct LogicalLocation: Encodable {
    var name: String?
    var fullyQualifiedName: String
    var index: Int?
    var kind: String?
  }

  private struct Invocation: Encodable {
    var commandLine: String
    var executionSuccessful: Bool
    var startTimeUtc: String
    var endTimeUtc: String?
    var toolExecutionNotifications: [Notification]
  }

  private struct Notification: Encodable { var level: String, message: Message, locations: [Location] }

  private struct Result: Encodable {
    var ruleId: String
    var ruleIndex: Int
    var kind = "fail"
    var level: String
    var message: Message
    var locations: [Location]
    var partialFingerprints: [String: String]
    var properties: ResultProperties
  }
}
