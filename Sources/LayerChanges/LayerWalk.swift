import CLinux
import LinuxSystem

/// Finds what a sandbox changed, by what lies in its throw-away layers: for each directory at the top the upper layer of an
/// overlay (overlayfs, "Documentation/filesystems/overlayfs.rst"), and the root itself.
///
/// All that lies there is hostile. Nothing is followed, nothing but directories and regular files is opened, and a directory
/// is read name by name.
public struct LayerWalk: ~Copyable {
  /// What the layers belong to.
  public struct Sandbox: Sendable {
    /// The directory of the host that the sandbox's root looks like.
    public var lower: String
    /// Directories at the top that the sandbox has for itself; they are in no layer.
    public var own: [String]
    /// Paths that the runtime made for mounts and the working directory: they are not the command's.
    public var made: [String]

    public init(lower: String, own: [String], made: [String]) {
      self.lower = lower
      self.own = own
      self.made = made
    }
  }

  /// Deeper directories are left out; each level has up to three descriptors.
  private static let depthLimit = 100

  private let sandbox: Sandbox
  private var keeper: ChangeKeeper?
  private var list = ChangeList()

  private init(_ sandbox: Sandbox, _ keeper: consuming ChangeKeeper?) {
    self.sandbox = sandbox
    self.keeper = keeper
  }

  /// - Parameters:
  ///   - layers: the directory with `upper` and `root` in it. No process may use it any more.
  ///   - kept: a new directory that gets copies of what was added and modified.
  public static func changes(
    _ layers: Int32, of sandbox: Sandbox, keepIn kept: Int32?
  ) throws(Errno) -> ChangeList {
    var keeper: ChangeKeeper? = nil
    if let kept { keeper = try ChangeKeeper(kept) }
    let target = try keeper?.top()
    var walk = LayerWalk(sandbox, keeper)
    let root = try open("root", at: layers, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let uppers = try open("upper", at: layers, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let lower = try open(sandbox.lower, O_RDONLY | O_DIRECTORY)
    try walk.top(root.raw, uppers.raw, lower.raw, target)
    walk.list.sort()
    return walk.list
  }

  // MARK: the root

  private mutating func top(_ root: Int32, _ uppers: Int32, _ lower: Int32, _ target: Int32?) throws(Errno) {
    var reader = try DirectoryReader(root)
    while let name = try reader.next() {
      if isOwn(name) { continue }
      let path = [0x2f] + Array(name.bytes)
      let now = try status(name, at: root)
      guard let before = try? status(name, at: lower) else {
        try changed(name, root, now, nil, target, path, depth: 0)
        continue
      }
      if before.isDirectory, now.isDirectory, let upper = try? status(name, at: uppers), upper.isDirectory {
        // Who owns it is not compared: a user can't give the layer to the owner of the host's directory.
        let isChanged = upper.mode != before.mode
        if isChanged { add(.modified, path, upper) }
        try into(name, at: uppers, upper, lower, target, path, hidden: false, isChanged: isChanged, depth: 0)
      } else if before.isSymbolicLink, now.isSymbolicLink {
        if let old = try? readLink(name, at: lower), let new = try? readLink(name, at: root), old == new { continue }
        try changed(name, root, now, before, target, path, depth: 0)
      } else if before.type != now.type {
        try changed(name, root, now, before, target, path, depth: 0)
      }
    }
    reader = try DirectoryReader(lower)
    while let name = try reader.next() {
      if isOwn(name) || (try? status(name, at: root)) != nil { continue }
      guard let before = try? status(name, at: lower) else { continue }
      // Others were not shown in the first place.
      if before.isDirectory || before.isSymbolicLink || before.isRegular {
        add(.deleted, [0x2f] + Array(name.bytes), before)
      }
    }
  }

  private func isOwn(_ name: FileName) -> Bool {
    sandbox.own.contains { $0.utf8.elementsEqual(name.bytes) }
  }

  // MARK: below

  /// - Parameters:
  ///   - lower: the host's directory at the same place, if there is one.
  ///   - hidden: nothing of `lower` is seen in the sandbox, because a directory above or this one was made anew.
  ///   - target: where copies go.
  private mutating func directory(
    _ upper: Int32, _ lower: Int32?, _ target: Int32?, _ path: [UInt8], hidden: Bool, depth: Int
  ) throws(Errno) {
    var reader = try DirectoryReader(upper)
    while let name = try reader.next() {
      let path = path + [0x2f] + Array(name.bytes)
      let now = try status(name, at: upper)
      var before: FileStatus? = nil
      if let lower { before = try? status(name, at: lower) }
      if now.isCharacterDevice, now.major == 0, now.minor == 0 {
        // A whiteout: overlayfs makes them, and lets nobody else.
        if let before { add(.deleted, path, before) }
      } else if let before, before.isDirectory, now.isDirectory {
        let isChanged = !hidden && !Self.isSameKind(now, before)
        if isChanged { add(.modified, path, now) }
        try into(name, at: upper, now, lower, target, path, hidden: hidden, isChanged: isChanged, depth: depth + 1)
      } else if let before, !hidden, Self.isSame(now, before) {
        // Opened for writing, and not written.
        continue
      } else {
        try changed(name, upper, now, before, target, path, depth: depth + 1)
      }
    }
    guard hidden, let lower else { return }
    reader = try DirectoryReader(lower)
    while let name = try reader.next() {
      if (try? status(name, at: upper)) != nil { continue }
      if let before = try? status(name, at: lower) { add(.deleted, path + [0x2f] + Array(name.bytes), before) }
    }
  }

  /// Goes into a directory.
  /// - Parameters:
  ///   - lower: the host's directory that has one of this name, if there is one.
  ///   - isChanged: it is a change itself, and not only on the way to some.
  private mutating func into(
    _ name: FileName, at upper: Int32, _ now: FileStatus, _ lower: Int32?, _ target: Int32?, _ path: [UInt8],
    hidden: Bool, isChanged: Bool, depth: Int
  ) throws(Errno) {
    if depth >= Self.depthLimit { return leaveOut(path, now, "it lies too deep") }
    guard let opened = try? Self.readable(name, at: upper) else { return leaveOut(path, now, "it can't be read") }
    var below: Int32? = nil
    let descriptors = DescriptorSet()
    if let lower, let found = try? open(name, at: lower, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) {
      below = descriptors.insert(found)
    }
    let isHidden = hidden || attribute("user.overlay.opaque", of: opened.raw) == [0x79]
    let copy = keep(directory: name, target, descriptors)
    try directory(opened.raw, below, copy, path, hidden: isHidden, depth: depth)
    guard let copy, let target else { return }
    try? setMode(copy, now.mode & 0o777)
    // Goes if nothing is in it.
    if !isChanged { try? removeDirectory(name, at: target) }
  }

  /// A file that the sandbox made, or made anew.
  private mutating func changed(
    _ name: FileName, _ directory: Int32, _ now: FileStatus, _ before: FileStatus?, _ target: Int32?, _ path: [UInt8],
    depth: Int
  ) throws(Errno) {
    var reason: String? = nil
    if !now.isDirectory, let target {
      reason = keeper?.keep(name, at: directory, now, in: target, path: path)
    }
    let isChanged = before != nil || !isMade(path, now)
    if isChanged { add(before == nil ? .added : .modified, path, now, reason) }
    if now.isDirectory {
      try into(name, at: directory, now, nil, target, path, hidden: false, isChanged: isChanged, depth: depth)
    }
  }

  /// A new directory for copies.
  private func keep(directory name: FileName, _ target: Int32?, _ opened: DescriptorSet) -> Int32? {
    guard let target else { return nil }
    do throws(Errno) {
      try makeDirectory(name, at: target, mode: 0o700)
      return opened.insert(try open(name, at: target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    } catch { return nil }
  }

  /// Opens a directory to be read, also one that the command locked: it is the layer's owner who asks.
  private static func readable(_ name: FileName, at directory: Int32) throws(Errno) -> Descriptor {
    do throws(Errno) {
      return try open(name, at: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch  where error == .accessDenied {
      let found = try open(name, at: directory, O_PATH | O_DIRECTORY | O_NOFOLLOW)
      try setMode("/proc/self/fd/\(found.raw)", at: Directory.current, 0o700)
      return try open(name, at: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }
  }

  /// The owner, group and mode are as they were.
  private static func isSameKind(_ now: FileStatus, _ before: FileStatus) -> Bool {
    now.mode == before.mode && now.owner == before.owner && now.group == before.group
  }

  /// overlayfs copies a file as a whole, with its time, when it is opened for writing.
  private static func isSame(_ now: FileStatus, _ before: FileStatus) -> Bool {
    isSameKind(now, before) && now.size == before.size && now.modified == before.modified && !now.isSymbolicLink
  }

  private func isMade(_ path: [UInt8], _ now: FileStatus) -> Bool {
    guard now.isDirectory || (now.isRegular && now.size == 0) else { return false }
    return sandbox.made.contains { made in
      made.utf8.starts(with: path) && (made.utf8.count == path.count || made.utf8.starts(with: path + [0x2f]))
    }
  }

  // MARK: the list

  private mutating func leaveOut(_ path: [UInt8], _ file: FileStatus, _ reason: String) {
    add(.modified, path, file, reason)
  }

  private mutating func add(_ kind: Change.Kind, _ path: [UInt8], _ file: FileStatus, _ leftOut: String? = nil) {
    let type: Change.FileType =
      switch file.type {
      case UInt32(S_IFREG): .file
      case UInt32(S_IFDIR): .directory
      case UInt32(S_IFLNK): .link
      case UInt32(S_IFIFO): .pipe
      case UInt32(S_IFSOCK): .socket
      default: .device
      }
    let change = Change(kind, path, type, size: file.isRegular ? file.size : 0, leftOut: leftOut)
    keeper?.record(change)
    list.add(change)
  }
}
