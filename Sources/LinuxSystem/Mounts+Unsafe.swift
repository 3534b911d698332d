import CLinux

// Mounts by descriptor: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2); the old mount(2) where
// a kernel or a file system lacks them.

/// Calls `body` with the C string, or with a null pointer.
// SAFETY: the pointer lives for the call of `body`, which doesn't keep it.
private func withOptionalCString<R>(
  _ text: String?, _ body: (UnsafePointer<CChar>?) -> R
) -> R {
  // SAFETY: the pointer lives for the call of `body`.
  guard let text else { return body(nil) }
  return unsafe text.withCString { unsafe body($0) }
}

/// A file system being set up (fsopen(2)).
public struct FileSystemContext: ~Copyable {
  private let descriptor: Descriptor

  /// Opens a context for a file system type such as `tmpfs`.
  public init(type: String) throws(Errno) {
    // SAFETY: the C string lives for the call.
    descriptor = Descriptor(
      owning: Int32(try check(unsafe type.withCString { unsafe rc_fsopen($0) })))
  }

  private borrowing func configure(
    _ command: Int, _ key: String?, _ value: String?, _ number: Int32 = 0
  ) throws(Errno) {
    // SAFETY: both C strings live for the call.
    try check(
      unsafe withOptionalCString(key) { unsafeKey in
        unsafe withOptionalCString(value) {
          unsafe rc_fsconfig(descriptor.raw, UInt32(command), unsafeKey, $0, number)
        }
      })
  }

  /// Sets `key=value` (fsconfig(2), FSCONFIG_SET_STRING).
  public borrowing func set(_ key: String, _ value: String) throws(Errno) {
    try configure(RC_FSCONFIG_SET_STRING, key, value)
  }

  /// Sets a flag without a value (FSCONFIG_SET_FLAG).
  public borrowing func set(_ flag: String) throws(Errno) {
    try configure(RC_FSCONFIG_SET_FLAG, flag, nil)
  }

  /// Sets `key` to what a descriptor is open on (FSCONFIG_SET_FD).
  public borrowing func set(_ key: String, descriptor: Int32) throws(Errno) {
    try configure(RC_FSCONFIG_SET_FD, key, nil, descriptor)
  }

  /// Makes the superblock and a detached mount of it (FSCONFIG_CMD_CREATE, fsmount(2)).
  /// - Parameter attributes: `RC_ATTR_*` bits.
  public consuming func mount(attributes: UInt32) throws(Errno) -> Descriptor {
    try configure(RC_FSCONFIG_CMD_CREATE, nil, nil)
    return Descriptor(owning: Int32(try check(rc_fsmount(descriptor.raw, attributes))))
  }

  /// What the kernel said of the last error, such as `e tmpfs: Bad value for 'size'`.
  public borrowing func message() -> String? {
    var buffer = [UInt8](repeating: 0, count: 512)
    guard let count = try? read(descriptor.raw, into: &buffer), count > 2 else { return nil }
    let text = buffer[2..<count].filter { $0 != 0x0a }
    return String(decoding: text, as: UTF8.self)
  }
}

/// A detached copy of the mount at a path (open_tree(2), OPEN_TREE_CLONE).
public func cloneTree(
  _ path: String = "", at directory: Int32 = Directory.current, recursive: Bool,
  followLink: Bool = true
) throws(Errno) -> Descriptor {
  var flags = UInt32(RC_OPEN_TREE_CLONE)
  if recursive { flags |= UInt32(AT_RECURSIVE) }
  if path.isEmpty { flags |= UInt32(AT_EMPTY_PATH) }
  if !followLink { flags |= UInt32(AT_SYMLINK_NOFOLLOW) }
  // SAFETY: the C string lives for the call.
  return Descriptor(
    owning: Int32(try check(unsafe path.withCString { unsafe rc_open_tree(directory, $0, flags) })))
}

/// Attaches a detached mount on the file or directory that `target` is open on (move_mount(2)).
public func attach(_ mount: Int32, to target: Int32) throws(Errno) {
  let flags = UInt32(RC_MOVE_MOUNT_F_EMPTY_PATH | RC_MOVE_MOUNT_T_EMPTY_PATH)
  // SAFETY: empty literals.
  try check(unsafe rc_move_mount(mount, "", target, "", flags))
}

/// Changes the attributes of a mount (mount_setattr(2)).
/// - Parameters:
///   - set, clear: `RC_ATTR_*` bits.
///   - propagation: `MS_PRIVATE` and so on, or 0.
///   - userNamespace: for idmapped mounts (`RC_ATTR_IDMAP` in `set`).
public func setAttributes(
  of mount: Int32, path: String = "", set: UInt64 = 0, clear: UInt64 = 0, propagation: UInt64 = 0,
  userNamespace: Int32? = nil, recursive: Bool
) throws(Errno) {
  var flags = recursive ? UInt32(AT_RECURSIVE) : 0
  if path.isEmpty { flags |= UInt32(AT_EMPTY_PATH) }
  let namespace = userNamespace.map { UInt64(UInt32(bitPattern: $0)) } ?? 0
  // SAFETY: the C string lives for the call.
  try check(
    unsafe path.withCString {
      unsafe rc_mount_setattr(mount, $0, flags, set, clear, propagation, namespace)
    })
}

/// The corresponding C function is `mount`.
public func mount(
  source: String?, target: String, type: String?, flags: UInt, data: String? = nil
) throws(Errno) {
  // SAFETY: all C strings live for the call.
  try check(
    unsafe withOptionalCString(source) { unsafeSource in
      unsafe target.withCString { unsafeTarget in
        unsafe withOptionalCString(type) { unsafeType in
          unsafe withOptionalCString(data) {
            unsafe rc_mount(unsafeSource, unsafeTarget, unsafeType, flags, $0)
          }
        }
      }
    })
}

/// The corresponding C function is `umount2`.
public func unmount(_ target: String, flags: Int32) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe target.withCString { unsafe rc_umount($0, flags) })
}

/// The corresponding system call is `pivot_root`.
public func pivotRoot(newRoot: String, putOld: String) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe newRoot.withCString { unsafeNew in
      unsafe putOld.withCString { unsafe rc_pivot_root(unsafeNew, $0) }
    })
}
