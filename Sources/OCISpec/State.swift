/// The state of a container (runtime.md, "State").
public struct State: Equatable, Sendable {
  /// The specification's words, and `paused`, which every engine knows.
  public enum Status: String, Sendable { case creating, created, running, paused, stopped }

  /// The version of the specification that we follow.
  public static let version = "1.3.0"

  public var ociVersion: String
  public var id: String
  public var status: Status
  /// Of the first process; missing when there is none.
  public var pid: Int?
  public var bundle: String
  public var annotations: [StringPair]

  public init(
    ociVersion: String = State.version, id: String, status: Status, pid: Int?, bundle: String,
    annotations: [StringPair]
  ) {
    self.ociVersion = ociVersion
    self.id = id
    self.status = status
    self.pid = pid
    self.bundle = bundle
    self.annotations = annotations
  }

  public func encode(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    write(to: &writer)
    return writer.bytes
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in writeMembers(to: &writer) }
  }

  /// The members, for objects that have more.
  public func writeMembers(to writer: inout JSONWriter) {
    writer.member("ociVersion", ociVersion)
    writer.member("id", id)
    writer.member("status", status.rawValue)
    writer.optional("pid", pid)
    writer.member("bundle", bundle)
    writer.optional("annotations", annotations)
  }
}

/// What a seccomp agent is told with a listener (config-linux.md, "The Container Process State").
public struct ContainerProcessState: Equatable, Sendable {
  public var pid: Int
  public var metadata: String
  public var state: State

  public init(pid: Int, metadata: String, state: State) {
    self.pid = pid
    self.metadata = metadata
    self.state = state
  }

  public func encode() -> [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("ociVersion", state.ociVersion)
      writer.member("fds", ["seccompFd"])
      writer.member("pid", pid)
      if !metadata.isEmpty { writer.member("metadata", metadata) }
      writer.key("state")
      state.write(to: &writer)
    }
    return writer.bytes
  }
}
