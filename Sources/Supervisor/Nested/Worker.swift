import CLinux
import LinuxSystem
import ShimPolicy

/// The child that makes one call. It ends afterwards, so that nothing of the container's namespaces stays with the supervisor.
///
/// It has no number in the container's pid namespace, and nobody there can look into it.
struct Worker {
  let request: NestedCalls.Request
  let caller: Caller
  /// See `NestedCalls.made`.
  var made: [Int]
  let hidesInRoot: Bool
  /// Directories of the host's /proc: this process's, and its descriptors by their numbers. There a path that was resolved
  /// once is named without being resolved again, where the kernel takes no descriptor.
  private var own: Int32 = -1
  private(set) var descriptors: Int32 = -1

  /// Mounts made for one container at a time, and mounts in its namespace at the time of a new one.
  private static let madeLimit = 64, allLimit = 512

  init(request: NestedCalls.Request, caller: Caller, made: [Int], hidesInRoot: Bool) {
    self.request = request
    self.caller = caller
    self.made = made
    self.hidesInRoot = hidesInRoot
  }

  /// Writes three lines: the error, the mounts that are there now, and the reason.
  func run(report: Int32) -> Never {
    var worker = self
    var line = (error: UInt16(0), reason: "")
    do throws(Nested.Refusal) {
      try step("entering the container") { () throws(Errno) in try worker.enter() }
      line.reason = try worker.act()
    } catch { line = (error.error, error.reason) }
    if worker.own >= 0, let table = try? worker.table() { worker.made = table.present(worker.made) }
    let ids = worker.made.reduce("") { $0 + ($0.isEmpty ? "" : " ") + String($1) }
    let reason = String(decoding: line.reason.utf8.map { $0 < 0x20 ? 0x3f : $0 }.prefix(512), as: UTF8.self)
    try? writeAll(report, String(line.error) + "\n" + ids + "\n" + reason)
    exitNow(0)
  }

  private mutating func act() throws(Nested.Refusal) -> String {
    switch request {
    case .mount(let plan, let source, let target): return try mount(plan, source, target)
    case .unmount(let target, let flags): return try unmount(target, flags)
    case .node(let node, let path, let directory, let mode): return try makeNode(node, path, directory, mode)
    case .setAttribute(let file, let name, let value, let flags):
      return try onFile(file) { (path) throws(Errno) in
        try LinuxSystem.setAttribute(path, name: name, value: value, flags: flags)
      }
    case .removeAttribute(let file, let name):
      return try onFile(file) { (path) throws(Errno) in try LinuxSystem.removeAttribute(path, name: name) }
    }
  }

  // MARK: becoming the caller

  private mutating func enter() throws(Errno) {
    _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    own = try open("/proc/self", O_PATH | O_DIRECTORY).release()
    descriptors = try open("/proc/self/fd", O_PATH | O_DIRECTORY).release()
    if caller.hasOtherUsers { try joinNamespace(caller.users, kinds: CLONE_NEWUSER) }
    try joinNamespace(caller.mounts, kinds: CLONE_NEWNS)
    let root = try open("/", O_PATH | O_DIRECTORY)
    // Who changed its root sees other paths than this process would.
    guard try isSame(root.raw, caller.root) else { throw .notPermitted }
    try changeDirectory(caller.directory)
    try processControl(PR_SET_KEEPCAPS, 1)
    if let groups = caller.groups { try setSupplementaryGroups(groups) }
    try setGroup(caller.group)
    try setUser(caller.user)
    setFileMask(caller.fileMask)
    try hold(caller.capabilities)
  }

  private func isSame(_ one: Int32, _ other: Int32) throws(Errno) -> Bool {
    let (first, second) = (try status(at: one), try status(at: other))
    let (firstMount, secondMount) = (try mountID(of: one), try mountID(of: other))
    return first.isSameFile(as: second) && firstMount == secondMount
  }

  /// Makes these capabilities the effective ones, as far as there are.
  private func hold(_ capabilities: UInt64) throws(Errno) {
    let all = permittedCapabilities()
    try setCapabilities(effective: capabilities & all, permitted: all, inheritable: 0)
  }

  /// The caller's capabilities, and those that it lacks by design.
  func holdAlso(_ capabilities: [Int]) throws(Nested.Refusal) {
    let mask = capabilities.reduce(caller.capabilities) { $0 | 1 << UInt64($1) }
    try step("capabilities") { () throws(Errno) in try hold(mask) }
  }

  // MARK: what calls have in common

  /// Turns an error of the kernel's into one of the call.
  func step<R: ~Copyable>(_ what: String, _ body: () throws(Errno) -> R) throws(Nested.Refusal) -> R {
    do throws(Errno) { return try body() } catch {
      throw Nested.Refusal(UInt16(truncatingIfNeeded: error.rawValue), what + ": " + error.description)
    }
  }

  /// What a path names for the caller, with the caller's rights, and not by links of /proc that lead to other places.
  func resolve(_ path: String, at directory: Int32? = nil, _ flags: Int32 = 0) throws(Nested.Refusal) -> Descriptor {
    if path.isEmpty { throw Nested.Refusal(UInt16(ENOENT), "the path is empty") }
    return try step(path) { () throws(Errno) in
      try open(path, at: directory ?? Directory.current, O_PATH | flags, resolve: .noMagicLinks)
    }
  }

  func table() throws(Nested.Refusal) -> MountTable {
    let text = try step("reading mounts") { () throws(Errno) in
      let file = try open("mountinfo", at: own, O_RDONLY)
      return String(decoding: try readAll(file.raw, limit: 4 << 20), as: UTF8.self)
    }
    return try MountTable(text)
  }

  /// Where something is, for who has the container's root.
  func place(_ file: Int32) throws(Nested.Refusal) -> String {
    try step("its place") { () throws(Errno) in try readLink(String(file), at: descriptors) }
  }

  static func isBelow(_ place: String, _ tops: [String]) -> Bool {
    tops.contains { isAtOrBelow(place, $0) }
  }

  /// Kinds of file systems that show the kernel, and have places that must not be covered, or seen without their covers.
  static func showsKernel(_ file: Int32) -> Bool {
    guard let kind = try? fileSystem(of: file) else { return true }
    let kinds = [
      RC_PROC_SUPER_MAGIC, RC_SYSFS_MAGIC, RC_CGROUP_SUPER_MAGIC, RC_CGROUP2_SUPER_MAGIC, RC_DEVPTS_SUPER_MAGIC,
      RC_DEBUGFS_MAGIC, RC_TRACEFS_MAGIC, RC_SECURITYFS_MAGIC, RC_BPF_FS_MAGIC,
    ].map { UInt32(truncatingIfNeeded: $0) }
    return kinds.contains(kind.magic)
  }

  /// Whether something may be mounted on what is open.
  func checkTarget(_ target: Int32, _ table: MountTable) throws(Nested.Refusal) {
    func refuse(_ reason: String) -> Nested.Refusal { Nested.Refusal(UInt16(EPERM), reason) }
    let (found, id, isRoot) = try step("the target") { () throws(Errno) in
      (try status(at: target), try mountID(of: target), try isMountRoot(target))
    }
    if !found.isDirectory, !found.isRegular { throw refuse("the target is no directory and no file") }
    if try step("the root", { () throws(Errno) in try isSame(target, caller.root) }) {
      throw Nested.Refusal(UInt16(EBUSY), "the target is the container's root")
    }
    let place = try place(target)
    if Self.showsKernel(target) || Self.isBelow(place, ["/proc", "/sys", "/dev"]) {
      throw refuse("nothing is mounted over /proc, /sys and /dev")
    }
    guard let entry = table.entry(id) else { throw refuse("the target is on no mount of the container") }
    if entry.isShared { throw refuse("the target's mount is shared with others") }
    let isReadOnly = try step("the target") { () throws(Errno) in
      try fileSystem(of: target).flags & UInt64(RC_ST_RDONLY) != 0
    }
    if isRoot, isReadOnly, !made.contains(id) { throw refuse("the target is a path that the configuration protects") }
    if made.count >= Self.madeLimit || table.entries.count >= Self.allLimit {
      throw Nested.Refusal(UInt16(ENOSPC), "the container has as many mounts as it may have")
    }
  }

  /// Whether a directory may be shown at a second place.
  func checkShown(_ directory: Int32, _ table: MountTable) throws(Nested.Refusal) {
    let (id, root) = try step("the source") { () throws(Errno) in
      (try mountID(of: directory), try mountID(of: caller.root))
    }
    if let objection = table.objection(toShowing: id, own: made, root: root, hidesInRoot: hidesInRoot) {
      throw Nested.Refusal(UInt16(EPERM), objection)
    }
  }

  /// Attaches a mount that is not attached yet, and remembers it.
  mutating func place(_ mount: Int32, on target: Int32, _ what: String) throws(Nested.Refusal) {
    let id = try step(what) { () throws(Errno) in
      try attach(mount, to: target)
      return try mountID(of: mount)
    }
    made.append(id)
  }

  /// Acts on a file by the number of its descriptor.
  private func onFile(_ file: NestedCalls.File, _ body: (String) throws(Errno) -> Void) throws(Nested.Refusal) -> String
  {
    func act(_ number: Int32) throws(Nested.Refusal) {
      try step("attribute") { () throws(Errno) in
        if try status(at: number).isSymbolicLink { throw .notPermitted }
        try changeDirectory(descriptors)
        try body(String(number))
      }
    }
    switch file {
    case .open(let number): try act(number)
    case .path(let path, let followsLink):
      let found = try resolve(path, followsLink ? 0 : O_NOFOLLOW)
      try act(found.raw)
    }
    return "attribute"
  }
}
