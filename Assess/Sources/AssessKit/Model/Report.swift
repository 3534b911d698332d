/// All that one assessment found: what `report.json` holds, and what the other reports are made from.
///
/// The shape is published in `docs/assessment.schema.json`; a change that a reader would notice raises `schemaVersion`.
public struct Report: Codable, Sendable {
  public static let currentSchema = "rcontainer-assessment/1"

  public var schema = Report.currentSchema
  /// Version of the program that made it.
  public var tool: String
  /// The command line, for whoever wants to repeat it.
  public var command: [String]
  /// RFC 3339, in UTC.
  public var started: String
  public var finished: String?
  public var mode: Mode
  public var suites: [Suite]
  public var machine: Machine
  public var subjects: [SubjectRecord]
  /// The probes that were used, in the order of their groups.
  public var probes: [ProbeRecord] = []
  public var findings: [Finding] = []
  public var surface: [SurfaceRecord] = []
  public var performance: PerformanceRecord?
  /// Systems that are not installed here, with figures that others published.
  public var published: [PublishedSystem] = []

  public init(
    tool: String, command: [String], started: String, mode: Mode, suites: [Suite], machine: Machine,
    subjects: [SubjectRecord]
  ) {
    (self.tool, self.command, self.started, self.mode) = (tool, command, started, mode)
    (self.suites, self.machine, self.subjects) = (suites, machine, subjects)
  }

  public enum Mode: String, Codable, Sendable { case quick, full }
  public enum Suite: String, Codable, Sendable, CaseIterable { case threats, surface, performance }
}

/// Where an assessment ran.
public struct Machine: Codable, Sendable, Equatable {
  public var kernel: String
  public var architecture: String
  public var processor: String
  public var processors: Int
  /// Bytes.
  public var memory: UInt64
  /// `v1`, `v2` or `hybrid`.
  public var cgroups: String
  public var distribution: String
  public var root: Bool

  public init(
    kernel: String, architecture: String, processor: String, processors: Int, memory: UInt64, cgroups: String,
    distribution: String, root: Bool
  ) {
    (self.kernel, self.architecture, self.processor, self.processors) = (kernel, architecture, processor, processors)
    (self.memory, self.cgroups, self.distribution, self.root) = (memory, cgroups, distribution, root)
  }
}

/// A runtime in one configuration: a column of the report.
public struct SubjectRecord: Codable, Sendable, Equatable {
  /// `RUNTIME/CONFIGURATION`, as `runc/docker`.
  public var id: String
  /// `runc`, `podman:crun` …: what `--runtime` names.
  public var runtime: String
  public var configuration: String
  /// What the configuration is, in a sentence.
  public var summary: String
  public var path: String
  /// What the program says of its version.
  public var version: String
  public var state: State
  /// What went wrong with this column, a line each: it crashed, hung, or told something that is not so.
  public var problems: [String] = []
  public var trusted: TrustedCode?
  /// True if a kernel of the runtime's own runs the containers, and not the host's.
  public var ownKernel: Bool?

  public init(
    id: String, runtime: String, configuration: String, summary: String, path: String, version: String, state: State,
    trusted: TrustedCode? = nil
  ) {
    (self.id, self.runtime, self.configuration, self.summary) = (id, runtime, configuration, summary)
    (self.path, self.version, self.state, self.trusted) = (path, version, state, trusted)
  }

  public enum State: Codable, Sendable, Equatable {
    case measured
    /// Nothing could be measured, for this reason.
    case failed(reason: String)
  }
}

/// How much code has to be trusted for a sandbox to hold.
public struct TrustedCode: Codable, Sendable, Equatable {
  public var lines: Int
  /// What the lines are.
  public var what: String
  public var source: String

  public init(lines: Int, what: String, source: String) { (self.lines, self.what, self.source) = (lines, what, source) }
}

/// A system that is not installed here.
public struct PublishedSystem: Codable, Sendable, Equatable {
  public var name: String
  /// How it isolates.
  public var how: String
  public var figures: [Figure]

  public struct Figure: Codable, Sendable, Equatable {
    public var what: String
    public var value: String
    public var source: String
  }
}
