import Foundation

/// Measures what of the host a container can reach.
public struct SurfaceSuite: Sendable {
  public let workspace: Workspace
  public let payload: String

  public init(workspace: Workspace, payload: String) { (self.workspace, self.payload) = (workspace, payload) }

  /// - Throws: `AssessError` if the payload could not tell.
  public func measure(_ subject: Subject) async throws -> SurfaceRecord {
    throw AssessError("\(subject.id): not measured")
  }
}
