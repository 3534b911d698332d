/// How a probe ended.
public enum Verdict: String, Codable, Sendable, CaseIterable {
  /// The primitive was refused, or had no effect outside.
  case contained
  /// The primitive works inside, though no escape was shown with it.
  case exposed
  /// A canary of the host, or of a neighbour, was touched.
  case escaped
  case notApplicable = "not applicable"
  case inconclusive
}

/// What the report says of a probe; the probe itself is a data file, see `Probe`.
public struct ProbeRecord: Codable, Sendable, Equatable {
  public var id: String
  public var title: String
  /// One of `ProbeGroup`'s titles.
  public var group: String
  /// MITRE ATT&CK, as `T1611`.
  public var technique: String
  public var cve: [String]
  public var source: String
  /// What it would mean if the probe succeeded.
  public var meaning: String

  public init(
    id: String, title: String, group: String, technique: String, cve: [String], source: String, meaning: String
  ) {
    (self.id, self.title, self.group, self.technique) = (id, title, group, technique)
    (self.cve, self.source, self.meaning) = (cve, source, meaning)
  }
}

/// What one probe found about one subject.
public struct Finding: Codable, Sendable, Equatable {
  public var probe: String
  public var subject: String
  public var verdict: Verdict
  /// In a sentence: what came back, or why the probe does not apply or tells nothing.
  public var reason: String
  public var evidence: Evidence?

  public init(probe: String, subject: String, verdict: Verdict, reason: String, evidence: Evidence? = nil) {
    (self.probe, self.subject, self.verdict) = (probe, subject, verdict)
    (self.reason, self.evidence) = (reason, evidence)
  }
}

/// What was tried, and what came back.
public struct Evidence: Codable, Sendable, Equatable {
  public var command: [String]
  /// The last lines of both streams; at most 4 KiB.
  public var output: String
  /// The exit code; 128 and the signal's number if a signal ended it; nil if the time was up.
  public var status: Int?
  public var seconds: Double

  public init(command: [String], output: String, status: Int?, seconds: Double) {
    (self.command, self.output, self.status, self.seconds) = (command, output, status, seconds)
  }
}
