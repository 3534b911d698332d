import CLinux
import LinuxSystem
import ShimPolicy

/// mount(2) and umount2(2). Mounts are made apart, and then attached to what was opened and judged.
extension Worker {
  mutating func mount(_ plan: Nested.Mount, _ source: String, _ target: String) throws(Nested.Refusal) -> String {
    let target = try resolve(target)
    let table = try table()
    made = table.present(made)
    switch plan {
    case .restrict(let attributes): return try restrict(target.raw, attributes)
    case .propagation(let kind, let recursive): return try propagate(target.raw, kind, recursive)
    case .tmpfs(let options, let attributes):
      try checkTarget(target.raw, table)
      try holdAlso([RC_CAP_SYS_ADMIN].map { Int($0) })
      let mount = try step("tmpfs") { () throws(Errno) in
        let context = try FileSystemContext(type: "tmpfs")
        try context.set("source", "tmpfs")
        for option in options { try context.set(option.key, option.value) }
        return try context.mount(attributes: UInt32(attributes.rawValue))
      }
      try place(mount.raw, on: target.raw, "tmpfs")
      return "tmpfs"
    case .proc(let attributes):
      try checkTarget(target.raw, table)
      let proc = try step("/proc") { () throws(Errno) in
        let proc = try open(
          "/proc", at: Directory.current, O_PATH | O_DIRECTORY, resolve: [.noMagicLinks, .noSymlinks])
        guard try fileSystem(of: proc.raw).magic == UInt32(RC_PROC_SUPER_MAGIC), try isMountRoot(proc.raw) else {
          throw .notPermitted
        }
        return proc
      }
      try copy(proc.raw, to: target.raw, attributes, "proc")
      return "proc: a copy of the container's /proc"
    case .bind:
      let source = try resolve(source)
      try checkTarget(target.raw, table)
      let isDirectory = try step("the source") { () throws(Errno) in try status(at: source.raw).isDirectory }
      if isDirectory { try checkShown(source.raw, table) }
      try copy(source.raw, to: target.raw, [], "bind")
      return "bind"
    case .overlay(let layers, let attributes):
      try checkTarget(target.raw, table)
      try overlay(layers, attributes, on: target.raw, table)
      return "overlay"
    }
  }

  /// Shows a tree at a second place, always with all that is mounted in it: what mounts hide stays hidden.
  private mutating func copy(
    _ source: Int32, to target: Int32, _ attributes: Nested.Attributes, _ what: String
  ) throws(Nested.Refusal) {
    try holdAlso([Int(RC_CAP_SYS_ADMIN)])
    let tree = try step(what) { () throws(Errno) in
      let tree = try cloneTree(at: source, recursive: true)
      if !attributes.isEmpty { try setAttributes(of: tree.raw, set: attributes.rawValue, recursive: true) }
      return tree
    }
    try place(tree.raw, on: target, what)
  }

  private mutating func overlay(
    _ layers: Nested.Layers, _ attributes: Nested.Attributes, on target: Int32, _ table: MountTable
  ) throws(Nested.Refusal) {
    let opened = DescriptorSet()
    var attributes = attributes
    func layer(_ path: String, isWritten: Bool) throws(Nested.Refusal) -> Int32 {
      let directory = try resolve(path, O_DIRECTORY)
      // An overlay shows no mounts below its layers.
      let place = try place(directory.raw)
      if Self.showsKernel(directory.raw) || Self.isBelow(place, ["/proc", "/sys", "/dev"]) {
        throw Nested.Refusal(UInt16(EPERM), "/proc, /sys and /dev are no layers")
      }
      try checkShown(directory.raw, table)
      let flags = try step(path) { () throws(Errno) in try fileSystem(of: directory.raw).flags }
      if flags & UInt64(RC_ST_NOEXEC) != 0 { attributes.insert(.noExecute) }
      if !isAccessible(".", at: directory.raw, mode: isWritten ? R_OK | W_OK | X_OK : R_OK | X_OK) {
        throw Nested.Refusal(UInt16(EACCES), path + " is not accessible to the caller")
      }
      return opened.insert(directory)
    }
    var lower: [Int32] = []
    for path in layers.lower { lower.append(try layer(path, isWritten: false)) }
    var written: [(key: String, descriptor: Int32)] = []
    if let upper = layers.upper, let work = layers.work {
      written = [("upperdir", try layer(upper, isWritten: true)), ("workdir", try layer(work, isWritten: true))]
    }
    // The overlay checks the caller's rights, and then acts with these: its own directory is closed to all without them.
    try holdAlso([RC_CAP_SYS_ADMIN, RC_CAP_DAC_OVERRIDE, RC_CAP_CHOWN, RC_CAP_FOWNER, RC_CAP_FSETID].map { Int($0) })
    let mount: Descriptor
    do throws(Errno) { mount = try Self.overlay(lower, written, attributes, byNumber: false) } catch {
      // Before Linux 6.13 layers are named by paths: here numbers in the directory of our descriptors.
      mount = try step("overlay") { () throws(Errno) in
        try changeDirectory(descriptors)
        return try Self.overlay(lower, written, attributes, byNumber: true)
      }
    }
    try place(mount.raw, on: target, "overlay")
  }

  private static func overlay(
    _ lower: [Int32], _ written: [(key: String, descriptor: Int32)], _ attributes: Nested.Attributes, byNumber: Bool
  ) throws(Errno) -> Descriptor {
    let context = try FileSystemContext(type: "overlay")
    try context.set("source", "overlay")
    // What the layers say of themselves is read from attributes that everybody may write, and trusted accordingly.
    try context.set("userxattr")
    if byNumber {
      try context.set("lowerdir", lower.reduce("") { $0 + ($0.isEmpty ? "" : ":") + String($1) })
      for layer in written { try context.set(layer.key, String(layer.descriptor)) }
    } else {
      for layer in lower { try context.set("lowerdir+", descriptor: layer) }
      for layer in written { try context.set(layer.key, descriptor: layer.descriptor) }
    }
    return try context.mount(attributes: UInt32(attributes.rawValue))
  }

  /// The mount that is open, if it was made here and is open at its root.
  private func checkOwn(_ target: Int32) throws(Nested.Refusal) {
    let (id, isRoot) = try step("the target") { () throws(Errno) in (try mountID(of: target), try isMountRoot(target)) }
    if !isRoot { throw Nested.Refusal(UInt16(EINVAL), "the target is no mount") }
    if !made.contains(id) { throw Nested.Refusal(UInt16(EPERM), "the mount was not made by the container") }
  }

  private func restrict(_ target: Int32, _ attributes: Nested.Attributes) throws(Nested.Refusal) -> String {
    try checkOwn(target)
    try step("remount") { () throws(Errno) in
      let isReadOnly = try fileSystem(of: target).flags & UInt64(RC_ST_RDONLY) != 0
      if isReadOnly, !attributes.contains(.readOnly) { throw .notPermitted }
    }
    try holdAlso([Int(RC_CAP_SYS_ADMIN)])
    try step("remount") { () throws(Errno) in try setAttributes(of: target, set: attributes.rawValue, recursive: false)
    }
    return "remount: attributes are added, none is taken away"
  }

  private func propagate(
    _ target: Int32, _ kind: Nested.Propagation, _ recursive: Bool
  ) throws(Nested.Refusal) -> String {
    try holdAlso([Int(RC_CAP_SYS_ADMIN)])
    try step("propagation") { () throws(Errno) in
      let flag = kind == .isPrivate ? MS_PRIVATE : MS_SLAVE
      try setAttributes(of: target, propagation: UInt64(flag), recursive: recursive)
    }
    return "propagation"
  }

  mutating func unmount(_ path: String, _ flags: UInt64) throws(Nested.Refusal) -> String {
    let known = UInt64(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW)
    if flags & ~known != 0 { throw Nested.Refusal(UInt16(EINVAL), "flags that are not known here") }
    let target = try resolve(path, flags & UInt64(UMOUNT_NOFOLLOW) != 0 ? O_NOFOLLOW : 0)
    made = try table().present(made)
    try checkOwn(target.raw)
    try holdAlso([Int(RC_CAP_SYS_ADMIN)])
    try step("umount") { () throws(Errno) in
      try changeDirectory(descriptors)
      // Our descriptor keeps the mount busy; and copies of trees go as a whole.
      try LinuxSystem.unmount(String(target.raw), flags: Int32(MNT_DETACH))
    }
    return "umount"
  }
}
