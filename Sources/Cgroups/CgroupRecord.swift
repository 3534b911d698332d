/// The cgroup of a container as the state file keeps it.
public struct CgroupRecord: Equatable, Sendable {
  /// One directory.
  public struct Entry: Equatable, Sendable {
    /// Controllers of cgroup v1; empty for cgroup v2.
    public var controllers: [String]
    /// Absolute path on the host.
    public var directory: String
    /// The name of its hierarchy below /sys/fs/cgroup.
    public var name: String

    public init(controllers: [String], directory: String, name: String) {
      self.controllers = controllers
      self.directory = directory
      self.name = name
    }

    public var isUnified: Bool { controllers.isEmpty }
  }

  public var entries: [Entry]

  public init(entries: [Entry]) { self.entries = entries }
}

/// What a mount of type `cgroup` shows in a container.
public enum CgroupMountPlan: Sendable {
  /// The container's own directory of cgroup v2.
  case unified(String)
  /// The container's own directory of each hierarchy, below one tmpfs, and links for single controllers.
  case hierarchies([(name: String, directory: String)], links: [(name: String, target: String)])
}
