import Foundation

/// Measures what each subject costs, against the first one, in alternating pairs.
public struct PerformanceSuite: Sendable {
  public let workspace: Workspace
  public let payload: String
  public let mode: Report.Mode

  public init(workspace: Workspace, payload: String, mode: Report.Mode) {
    (self.workspace, self.payload, self.mode) = (workspace, payload, mode)
  }

  /// What is measured in this mode.
  public func metrics() -> [Metric] { [] }

  /// One metric of all subjects, taken in turns. The first subject is the baseline.
  public func measure(_ metric: Metric, _ subjects: [Subject]) async throws -> [Measured] { [] }

  /// How steady the machine is: the baseline against itself.
  public func noise(_ baseline: Subject) async throws -> Noise? { nil }
}
