import CLinux
import LinuxSystem
import OCISpec

/// The cgroup of one container: a directory in each hierarchy.
public struct Cgroup: Sendable {
  public let record: CgroupRecord
  /// The user may not manage cgroups, and asked for nothing that needs one.
  let isOptional: Bool

  public init(record: CgroupRecord) {
    self.record = record
    isOptional = false
  }

  private init(record: CgroupRecord, optional: Bool) {
    self.record = record
    isOptional = optional
  }

  /// Decides where the cgroup of a container will be, without making it.
  /// - Parameters:
  ///   - path: `linux.cgroupsPath`: absolute from the root of each hierarchy, relative to the runtime's own
  ///     cgroup, or nil for one that is named by `id`.
  /// - Returns: nil when an ordinary user can't have a cgroup and needs none.
  public static func plan(
    path: String?, id: String, layout: CgroupLayout, resources: Resources?, rootless: Bool
  ) throws(RuntimeError) -> Cgroup? {
    if let path, path.utf8.first != 0x2f,
      path.utf8.split(separator: 0x3a, omittingEmptySubsequences: false).count == 3
    {
      throw RuntimeError(
        .cgroup, "linux.cgroupsPath (" + path + ") is for systemd, which is not supported",
        hint: "use the cgroupfs driver of the engine")
    }
    if layout.hierarchies.isEmpty {
      if resources.map({ !$0.limitsSomething }) ?? true { return nil }
      throw RuntimeError(.cgroup, "no cgroup hierarchy is mounted", hint: "mount /sys/fs/cgroup")
    }
    let given = path.flatMap { $0.isEmpty ? nil : $0 }
    let isAbsolute = given?.utf8.first == 0x2f
    let below = cleaned(given ?? id)
    if below.isEmpty { throw RuntimeError(.cgroup, "linux.cgroupsPath is the root") }
    let own = isAbsolute ? "" : (try? readFile("/proc/self/cgroup")) ?? ""
    // Beside hierarchies of v1 that of v2 only helps: without the right to write it is done without.
    let hierarchies = layout.hierarchies.filter {
      !$0.isUnified || layout.isUnified || canAccess($0.mountPoint, mode: W_OK)
    }
    let entries = hierarchies.map { hierarchy in
      var base = ""
      if !isAbsolute {
        base = cleaned(CgroupLayout.own(hierarchy, own))
        // A cgroup v2 that has processes can't give controllers to its children: its parent can.
        if hierarchy.isUnified, let slash = base.utf8.lastIndex(of: 0x2f) {
          base = String(base[..<slash])
        } else if hierarchy.isUnified {
          base = ""
        }
      }
      let directory = hierarchy.mountPoint + (base.isEmpty ? "" : "/" + base) + "/" + below
      return CgroupRecord.Entry(
        controllers: hierarchy.controllers, directory: directory, name: hierarchy.name)
    }
    if rootless {
      let usable = entries.filter { canAccess(parent(of: $0.directory), mode: W_OK) }
      if usable.isEmpty {
        if let resources, resources.limitsSomething {
          throw RuntimeError(
            .cgroup, "limits need a cgroup that user \(effectiveUser()) may manage",
            hint: "remove linux.resources, or run with delegation")
        }
        return nil
      }
      try refuseUsed(usable)
      return Cgroup(record: CgroupRecord(entries: usable), optional: true)
    }
    try refuseUsed(entries)
    return Cgroup(record: CgroupRecord(entries: entries), optional: false)
  }

  /// Processes in a cgroup, or below it, belong to somebody else. It is refused before anything is recorded,
  /// because whoever cleans up after a container ends all that is in its cgroup.
  private static func refuseUsed(_ entries: [CgroupRecord.Entry]) throws(RuntimeError) {
    for entry in entries {
      var pids: [Int32] = []
      try at(.cgroup, "reading the processes of " + entry.directory) { () throws(Errno) in
        try collect(entry.directory, &pids)
      }
      if !pids.isEmpty {
        throw RuntimeError(
          .cgroup, entry.directory + " is in use: it has \(pids.count) processes",
          hint: "choose another linux.cgroupsPath")
      }
    }
  }

  /// The parts of a path without `.`, `..` and empty ones: nothing leads above the hierarchy.
  static func cleaned(_ path: String) -> String {
    var parts: [String] = []
    for part in path.utf8.split(separator: 0x2f) {
      let name = String(Substring(part))
      if name == "." { continue }
      if name == ".." { _ = parts.popLast() } else { parts.append(name) }
    }
    return join(parts)
  }

  private static func join(_ parts: [String]) -> String {
    var text = ""
    for part in parts { text += (text.isEmpty ? "" : "/") + part }
    return text
  }

  static func parent(of path: String) -> String {
    path.utf8.lastIndex(of: 0x2f).map { String(path[..<$0]) } ?? "/"
  }

  // MARK: life

  /// Makes the directories. If that fails, those that were made are removed again; parents stay, others may
  /// be using them by then.
  public func create() throws(RuntimeError) {
    var made: [String] = []
    do throws(RuntimeError) {
      for entry in record.entries {
        if try make(entry) { made.append(entry.directory) }
        if entry.controllers.contains("cpuset") { try inheritCPUs(entry.directory) }
      }
    } catch {
      for directory in made { try? remove(directory, isDirectory: true) }
      throw error
    }
  }

  /// - Returns: whether it was not there before.
  private func make(_ entry: CgroupRecord.Entry) throws(RuntimeError) -> Bool {
    do throws(Errno) {
      try makeDirectory(entry.directory, mode: 0o755)
    } catch  where error == .noEntry {
      try at(.cgroup, "making " + entry.directory) { () throws(Errno) in
        try makeDirectories(entry.directory, mode: 0o755)
      }
    } catch  where error == .exists {
      // An engine may have made it, or a container that is gone.
      try Self.refuseUsed([entry])
      if isFrozen {
        throw RuntimeError(
          .cgroup, entry.directory + " is frozen, nothing would start in it",
          hint: "thaw or remove it")
      }
      return false
    } catch {
      throw RuntimeError(.cgroup, "making " + entry.directory, error)
    }
    return true
  }

  /// A cpuset of v1 starts without CPUs and takes no process: it is given those of its parent, which may
  /// lack them too.
  private func inheritCPUs(_ directory: String) throws(RuntimeError) {
    let above = Self.parent(of: directory)
    try at(.cgroup, "setting the cpuset of " + directory) { () throws(Errno) in
      for file in ["/cpuset.cpus", "/cpuset.mems"] {
        if Self.trimmed(try readFile(directory + file)).isEmpty {
          var value = Self.trimmed(try readFile(above + file))
          if value.isEmpty {
            try Self.inherit(above, file)
            value = Self.trimmed(try readFile(above + file))
          }
          try writeFile(directory + file, value)
        }
      }
    }
  }

  private static func inherit(_ directory: String, _ file: String) throws(Errno) {
    let above = parent(of: directory)
    var value = trimmed(try readFile(above + file))
    if value.isEmpty {
      try inherit(above, file)
      value = trimmed(try readFile(above + file))
    }
    try writeFile(directory + file, value)
  }

  static func trimmed(_ text: String) -> String {
    String(Substring(text.utf8.prefix { $0 != 0x0a && $0 != 0x20 && $0 != 0 }))
  }

  /// What the first process needs to get in.
  public func joinHandles() throws(RuntimeError) -> CgroupJoin {
    let tasks = DescriptorSet()
    var unified: Int32? = nil
    for entry in record.entries {
      try at(.cgroup, "opening " + entry.directory) { () throws(Errno) in
        if entry.isUnified {
          unified = tasks.insert(try open(entry.directory, O_RDONLY | O_DIRECTORY))
        } else {
          tasks.insert(try open(entry.directory + "/tasks", O_WRONLY))
        }
      }
    }
    return CgroupJoin(unified: unified, opened: tasks)
  }

  /// What a mount of type `cgroup` has to show.
  public func mountPlan() -> CgroupMountPlan {
    if record.entries.count == 1, let only = record.entries.first, only.isUnified {
      return .unified(only.directory)
    }
    var hierarchies: [(name: String, directory: String)] = []
    var links: [(name: String, target: String)] = []
    for entry in record.entries {
      hierarchies.append((entry.name, entry.directory))
      if entry.controllers.count > 1 {
        for controller in entry.controllers where controller != entry.name {
          links.append((controller, entry.name))
        }
      }
    }
    return .hierarchies(hierarchies, links: links)
  }

  /// Removes the directories, with those that the container made below.
  public func destroy() throws(RuntimeError) {
    for entry in record.entries {
      do throws(Errno) {
        try Self.removeTree(entry.directory, deadline: monotonicNanoseconds() + 5_000_000_000)
      } catch {
        throw RuntimeError(
          .cgroup, "removing " + entry.directory, error, hint: "does a process of it still run?")
      }
    }
  }

  private static func removeTree(_ directory: String, deadline: Int64) throws(Errno) {
    while true {
      do throws(Errno) {
        return try remove(directory, isDirectory: true)
      } catch  where error == .noEntry { return } catch  where error == .busy {
        // Cgroups below it, or a process whose end the kernel has not finished.
        for child in try children(of: directory) { try removeTree(child, deadline: deadline) }
        if monotonicNanoseconds() > deadline { throw error }
        sleep(milliseconds: 1)
      }
    }
  }

  /// A cgroup below this one that there is already (`exec --cgroup`).
  public func child(_ path: String) -> Cgroup {
    let below = Self.cleaned(path)
    var entries = record.entries
    for index in entries.indices where !below.isEmpty { entries[index].directory += "/" + below }
    return Cgroup(record: CgroupRecord(entries: entries))
  }

  // MARK: processes

  func entry(_ controller: String) -> CgroupRecord.Entry? {
    record.entries.first { $0.controllers.contains(controller) }
  }

  /// Its directory of cgroup v2, if there is one.
  public var unifiedDirectory: String? { unified?.directory }

  var unified: CgroupRecord.Entry? { record.entries.first { $0.isUnified } }

  /// The hierarchy that is asked for processes.
  private var processes: CgroupRecord.Entry? {
    entry("freezer") ?? entry("pids") ?? unified ?? record.entries.first
  }

  /// All processes of the cgroup and those below it, as pids of the host.
  public func pids() throws(RuntimeError) -> [Int32] {
    guard let entry = processes else { return [] }
    var pids: [Int32] = []
    try at(.cgroup, "reading the processes of " + entry.directory) { () throws(Errno) in
      try Self.collect(entry.directory, &pids)
    }
    return pids.sorted()
  }

  private static func collect(_ directory: String, _ pids: inout [Int32]) throws(Errno) {
    do throws(Errno) {
      let text = try readFile(directory + "/cgroup.procs")
      for line in text.utf8.split(separator: 0x0a) {
        if let pid = Int32(String(Substring(line))) { pids.append(pid) }
      }
    } catch  where error == .noEntry || error == .noDevice { return } catch
      where error == .notSupported
    {
      // A threaded cgroup of v2: its processes are those of the domain above it.
    }
    for child in try children(of: directory) { try collect(child, &pids) }
  }

  /// The cgroups right below one; none if it is gone.
  private static func children(of directory: String) throws(Errno) -> [String] {
    do throws(Errno) {
      let top = try open(directory, O_RDONLY | O_DIRECTORY)
      // A directory has a link from its name, its own `.`, and the `..` of each directory in it.
      if try status(at: top.raw).links == 2 { return [] }
      return try list(top.raw).filter {
        (try? status($0, at: top.raw, followLink: false).isDirectory) == true
      }.map { directory + "/" + $0 }
    } catch  where error == .noEntry || error == .noDevice { return [] }
  }

  /// Sends a signal to every process. SIGKILL leaves none: where the kernel can't do that at once, the
  /// cgroup is frozen, so that none is born meanwhile.
  public func killAll(_ signal: Int32) throws(RuntimeError) {
    if signal == SIGKILL, let unified,
      (try? writeFile(unified.directory + "/cgroup.kill", "1")) != nil
    {
      // What a freezer of v1 holds dies only when it is let go, wherever the container put it.
      if let entry = entry("freezer") { Self.thawTree(entry.directory) }
      return
    }
    let found = try pids()
    if found.isEmpty { return }
    let frozen = signal == SIGKILL && (try? freeze()) != nil
    for pid in frozen ? try pids() : found { try? sendSignal(signal, to: pid) }
    if signal == SIGKILL, let entry = entry("freezer") {
      Self.thawTree(entry.directory)
    } else if frozen {
      try thaw()
    }
  }

  private static func thawTree(_ directory: String) {
    try? writeFile(directory + "/freezer.state", "THAWED")
    for child in (try? children(of: directory)) ?? [] { thawTree(child) }
  }

  // MARK: freezer

  public var isFrozen: Bool {
    if let entry = entry("freezer") {
      let state = (try? readFile(entry.directory + "/freezer.state")).map(Self.trimmed)
      return state == "FROZEN" || state == "FREEZING"
    }
    guard let unified else { return false }
    return (try? readFile(unified.directory + "/cgroup.freeze")).map(Self.trimmed) == "1"
  }

  /// Stops all processes, and waits until they are.
  public func freeze() throws(RuntimeError) {
    guard let file = freezer else {
      throw RuntimeError(.cgroup, "no freezer is mounted", hint: "pause needs one")
    }
    let deadline = monotonicNanoseconds() + 10_000_000_000
    try at(.cgroup, "freezing") { () throws(Errno) in
      try writeFile(file.path, file.frozen)
      while !(try isAllFrozen(file)) {
        if monotonicNanoseconds() > deadline {
          try? writeFile(file.path, file.thawed)
          throw .busy
        }
        sleep(milliseconds: 1)
        // A v1 freezer may miss a process that was just born (kernel documentation, freezer-subsystem).
        if file.state == file.path { try writeFile(file.path, file.frozen) }
      }
    }
  }

  /// Lets them go on.
  public func thaw() throws(RuntimeError) {
    guard let file = freezer else { return }
    try at(.cgroup, "thawing") { () throws(Errno) in try writeFile(file.path, file.thawed) }
  }

  private typealias Freezer = (path: String, frozen: String, thawed: String, state: String)

  private var freezer: Freezer? {
    if let entry = entry("freezer") {
      let path = entry.directory + "/freezer.state"
      return (path, "FROZEN", "THAWED", path)
    }
    return unified.map {
      ($0.directory + "/cgroup.freeze", "1", "0", $0.directory + "/cgroup.events")
    }
  }

  private func isAllFrozen(_ file: Freezer) throws(Errno) -> Bool {
    let text = try readFile(file.state)
    if file.state == file.path { return Self.trimmed(text) == "FROZEN" }
    return text.utf8.split(separator: 0x0a).contains { $0.elementsEqual("frozen 1".utf8) }
  }
}

/// The way into a cgroup for a process that was just cloned.
public struct CgroupJoin {
  /// A directory of cgroup v2 for CLONE_INTO_CGROUP.
  public let unified: Int32?
  private let opened: DescriptorSet

  init(unified: Int32?, opened: DescriptorSet) {
    self.unified = unified
    self.opened = opened
  }

  /// Enters the cgroups of v1. By the process itself and through `tasks`: the kernel then needs no
  /// grace period of its thread group lock, which takes milliseconds.
  public func enter() throws(RuntimeError) {
    try at(.cgroup, "joining the cgroup") { () throws(Errno) in
      for descriptor in opened.raw where descriptor != unified { try writeAll(descriptor, "0") }
    }
  }

  /// Enters all of them, that of v2 too: for a process that was not born there.
  public func enterAll() throws(RuntimeError) {
    try enter()
    guard let unified else { return }
    try at(.cgroup, "joining the cgroup") { () throws(Errno) in
      try writeFile("cgroup.procs", at: unified, "0")
    }
  }
}
