import Foundation

/// A runtime in one configuration.
public struct Subject: Sendable {
  public let runtime: Runtime
  public let configuration: Configuration
  /// Whether a kernel of the runtime's own runs its containers.
  public var hasOwnKernel = false

  public init(runtime: Runtime, configuration: Configuration) {
    (self.runtime, self.configuration) = (runtime, configuration)
  }

  public var id: String { runtime.name + "/" + configuration.id }
}
