extension Spec {
  /// Checks what the structure alone can't say.
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
    if let process {
      if process.args.isEmpty { throw fail("process.args", "must not be empty") }
      if process.cwd.utf8.first != 0x2f {
        throw fail("process.cwd", "\"" + process.cwd + "\" is not an absolute path")
      }
      for (index, entry) in process.env.enumerated() where !entry.utf8.contains(0x3d) {
        throw fail("process.env[\(index)]", "\"" + entry + "\" is not NAME=value")
      }
      var seen: [String] = []
      for (index, limit) in process.rlimits.enumerated() {
        if seen.contains(limit.type) {
          throw fail("process.rlimits[\(index)].type", limit.type + " is given twice")
        }
        seen.append(limit.type)
      }
    }
    for (index, mount) in mounts.enumerated() where mount.destination.isEmpty {
      throw fail("mounts[\(index)].destination", "must not be empty")
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
    return parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        && (part.count == 1 || part.first != 0x30)
    }
  }
}
