extension Spec {
  /// Checks what the structure alone can't say. That needs the whole of a section, so the errors name
  /// the field and not the line.
  /// - Parameter file: the name for messages.
  public func validate(file: String) throws(SpecError) {
    func fail(_ path: String, _ message: String, hint: String? = nil) -> SpecError {
      SpecError(file: file, path: path, message: message, hint: hint)
    }
    guard Spec.isSupported(ociVersion) else {
      throw fail(
        "ociVersion", "version \"" + ociVersion + "\" is not supported",
        hint: "rcontainer follows version " + State.version + " and reads every 1.x")
    }
    try process?.validate(file: file, at: "process")
    for (index, mount) in mounts.enumerated() {
      if mount.destination.isEmpty {
        throw fail("mounts[\(index)].destination", "must not be empty")
      }
      try mount.uidMappings.validate(file: file, at: "mounts[\(index)].uidMappings")
      try mount.gidMappings.validate(file: file, at: "mounts[\(index)].gidMappings")
    }
    for (kind, list) in namedHooks {
      for (index, hook) in list.enumerated() {
        if hook.path.utf8.first != 0x2f {
          throw fail(
            "hooks." + kind + "[\(index)].path", "\"" + hook.path + "\" is not an absolute path")
        }
        if let timeout = hook.timeout, timeout <= 0 {
          throw fail("hooks." + kind + "[\(index)].timeout", "must be greater than 0")
        }
      }
    }
    var kinds: [LinuxNamespace.Kind] = []
    for (index, namespace) in (linux?.namespaces ?? []).enumerated() {
      if kinds.contains(namespace.type) {
        throw fail(
          "linux.namespaces[\(index)].type", "\"" + namespace.type.rawValue + "\" is given twice")
      }
      kinds.append(namespace.type)
    }
    try linux?.uidMappings.validate(file: file, at: "linux.uidMappings")
    try linux?.gidMappings.validate(file: file, at: "linux.gidMappings")
  }

  private var namedHooks: [(String, [Hook])] {
    guard let hooks else { return [] }
    return [
      ("prestart", hooks.prestart), ("createRuntime", hooks.createRuntime),
      ("createContainer", hooks.createContainer), ("startContainer", hooks.startContainer),
      ("poststart", hooks.poststart), ("poststop", hooks.poststop),
    ]
  }

  /// Whether `version` is a semantic version (semver 2.0.0) with the major number 1.
  static func isSupported(_ version: String) -> Bool {
    let core = version.utf8.prefix { $0 != 0x2d && $0 != 0x2b }
    let parts = core.split(separator: 0x2e, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].elementsEqual([0x31]) else { return false }
    guard parts.allSatisfy({ isNumber($0) && ($0.count == 1 || $0.first != 0x30) }) else {
      return false
    }
    // What follows is `-` pre-release, `+` build or both, each words with dots between them.
    let rest = version.utf8[core.endIndex...]
    let sides = rest.dropFirst().split(
      separator: 0x2b, maxSplits: rest.first == 0x2d ? 1 : 0, omittingEmptySubsequences: false)
    return rest.isEmpty
      || sides.allSatisfy { side in
        side.split(separator: 0x2e, omittingEmptySubsequences: false).allSatisfy(isIdentifier)
      }
  }

  private static func isNumber(_ text: Substring.UTF8View) -> Bool {
    !text.isEmpty && text.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  private static func isIdentifier(_ text: Substring.UTF8View) -> Bool {
    !text.isEmpty
      && text.allSatisfy { byte in
        byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a || byte == 0x2d
      }
  }
}

extension Process {
  /// Checks what the structure alone can't say.
  /// - Parameters:
  ///   - file: the name for messages.
  ///   - path: of the process in the document; empty where it is the whole document.
  public func validate(file: String, at path: String = "") throws(SpecError) {
    func fail(_ field: String, _ message: String) -> SpecError {
      SpecError(file: file, path: path.isEmpty ? field : path + "." + field, message: message)
    }
    if args.isEmpty { throw fail("args", "must not be empty") }
    if cwd.utf8.first != 0x2f { throw fail("cwd", "\"" + cwd + "\" is not an absolute path") }
    for (index, entry) in env.enumerated() where !entry.utf8.contains(0x3d) {
      throw fail("env[\(index)]", "\"" + entry + "\" is not NAME=value")
    }
    if rlimits.count > Self.rlimitKinds {
      throw fail("rlimits", "there are more of them than limits that Linux has")
    }
    var seen: [String] = []
    for (index, limit) in rlimits.enumerated() {
      if seen.contains(limit.type) {
        throw fail("rlimits[\(index)].type", limit.type + " is given twice")
      }
      seen.append(limit.type)
    }
  }

  /// RLIM_NLIMITS of getrlimit(2).
  private static let rlimitKinds = 16
}

extension Array where Element == IDMapping {
  /// How many the kernel takes (user_namespaces(7)).
  private static var most: Int { 340 }

  /// Checks what the kernel would refuse without a reason: empty ranges, ranges beyond the last id,
  /// and ids that are mapped twice.
  func validate(file: String, at path: String) throws(SpecError) {
    func fail(_ place: String, _ message: String) -> SpecError {
      SpecError(file: file, path: path + place, message: message)
    }
    if count > Self.most { throw fail("", "more than \(Self.most) ranges") }
    for (index, mapping) in enumerated() {
      if mapping.size == 0 { throw fail("[\(index)].size", "must not be 0") }
      for (name, first) in [("containerID", mapping.containerID), ("hostID", mapping.hostID)]
      where UInt64(first) + UInt64(mapping.size) > UInt64(UInt32.max) {
        throw fail("[\(index)]." + name, "the range goes beyond the last id")
      }
      for other in self[..<index] {
        if Self.overlap(mapping.containerID, other.containerID, mapping.size, other.size) {
          throw fail("[\(index)].containerID", "the range overlaps an earlier one")
        }
        if Self.overlap(mapping.hostID, other.hostID, mapping.size, other.size) {
          throw fail("[\(index)].hostID", "the range overlaps an earlier one")
        }
      }
    }
  }

  private static func overlap(_ a: UInt32, _ b: UInt32, _ sizeA: UInt32, _ sizeB: UInt32) -> Bool {
    UInt64(a) < UInt64(b) + UInt64(sizeB) && UInt64(b) < UInt64(a) + UInt64(sizeA)
  }
}
