extension LinuxNamespace {
  /// The kinds of namespaces(7), by the words of the specification.
  public enum Kind: String, CaseIterable, Sendable {
    case pid, network, mount, ipc, uts, user, cgroup, time

    init(reading reader: inout JSONReader) throws(SpecError) {
      let name = try reader.string()
      guard let kind = Kind(rawValue: name) else {
        throw reader.error(
          "namespace type \"" + name + "\" is unknown",
          hint: "use pid, network, mount, ipc, uts, user, cgroup or time")
      }
      self = kind
    }
  }

  public init(_ type: Kind, path: String? = nil) {
    self.type = type
    self.path = path
  }
}
