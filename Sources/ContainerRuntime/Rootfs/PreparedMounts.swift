import CLinux
import LinuxSystem
import OCISpec

/// Mounts that the runtime has to open itself: idmapped ones, and in a user namespace all bind mounts,
/// whose sources the namespace's root may not reach.
enum PreparedMounts {
  /// Detached mounts by index in the configuration; nil where the first process does all.
  static func open(
    _ spec: Spec, _ linux: OCISpec.Linux, userNamespace: Bool, _ opened: DescriptorSet
  ) throws(RuntimeError) -> [Int32?] {
    var prepared = [Int32?](repeating: nil, count: spec.mounts.count)
    for (index, mount) in spec.mounts.enumerated() {
      let options = MountOptions(mount.options)
      let isMapped =
        options.idmap != .none || !mount.uidMappings.isEmpty || !mount.gidMappings.isEmpty
      // An ordinary user has no rights outside of the namespace, and the same files within.
      let isBeyondReach = userNamespace && effectiveUser() == 0
      guard isMapped || (isBeyondReach && (options.isBind || mount.type == "bind")) else { continue }
      let place = "mounts[\(index)] (" + mount.destination + ")"
      if isMapped && !(options.isBind || mount.type == "bind") {
        throw RuntimeError(.mounts, place + ": only bind mounts can be idmapped")
      }
      let tree = try at(.mounts, place) { () throws(Errno) in
        let tree = try cloneTree(mount.source ?? "", recursive: options.isRecursiveBind)
        // Cut off from the host here, as the first process does with the mounts that it inherits.
        try setAttributes(
          of: tree.raw, propagation: UInt64(MS_SLAVE), recursive: options.isRecursiveBind)
        return tree
      }
      if isMapped { try map(tree.raw, mount, options, linux, place) }
      prepared[index] = opened.insert(tree)
    }
    return prepared
  }

  private static func map(
    _ tree: Int32, _ mount: OCISpec.Mount, _ options: MountOptions, _ linux: OCISpec.Linux,
    _ place: String
  ) throws(RuntimeError) {
    let maps = UserMappings(
      uids: mount.uidMappings.isEmpty ? linux.uidMappings : mount.uidMappings,
      gids: mount.gidMappings.isEmpty ? linux.gidMappings : mount.gidMappings)
    if maps.uids.isEmpty || maps.gids.isEmpty {
      throw RuntimeError(.mounts, place + ": an idmapped mount needs uidMappings and gidMappings")
    }
    let namespace = try userNamespace(maps)
    try at(
      .mounts, place, hint: "the file system must support idmapped mounts"
    ) { () throws(Errno) in
      try setAttributes(
        of: tree, set: UInt64(RC_ATTR_IDMAP), userNamespace: namespace.raw,
        recursive: options.idmap == .recursive)
    }
  }

  /// A user namespace that exists only for its maps.
  private static func userNamespace(_ maps: UserMappings) throws(RuntimeError) -> Descriptor {
    let sockets = try at(.userMappings, "making a channel") { () throws(Errno) in try SocketPair() }
    switch try at(
      .userMappings, "making a user namespace",
      {
        () throws(Errno) in try clone(flags: UInt64(CLONE_NEWUSER))
      })
    {
    case .child:
      sockets.ours.close()
      // Until the other side is closed, by design or by death.
      _ = try? receive(sockets.theirs.raw)
      exitNow(0)
    case .parent(let pid, _):
      sockets.theirs.close()
      defer { _ = try? wait(pid) }
      try maps.write(pid: pid)
      let file = try at(.userMappings, "opening the user namespace") { () throws(Errno) in
        try LinuxSystem.open("/proc/\(pid)/ns/user", O_RDONLY)
      }
      sockets.ours.close()
      return file
    }
  }
}
