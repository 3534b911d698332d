import CLinux
import LinuxSystem
import OCISpec

/// Turns this process, already in its namespaces and below its root, into the one that the configuration
/// describes. Used for the first process of a container and for `exec`.
struct ProcessStage {
  var process: OCISpec.Process
  /// Compiled filter and its flags; empty for none.
  var filter: SystemCallFilter?
  /// /dev/conshim, if the program runs in a CCA con-shim.
  var conShimDevice: Int32?
  private let capabilities: Sets

  /// Five sets as bit masks (capabilities(7)).
  struct Sets {
    var bounding, effective, permitted, inheritable, ambient: UInt64
  }

  /// Without a capabilities section the process has none, as with runc.
  /// - Parameter warn: called for each capability name that is not known, which is left out.
  init(_ process: OCISpec.Process, filter: SystemCallFilter?, warn: (String) -> Void) {
    self.process = process
    self.filter = filter
    let sets = process.capabilities ?? OCISpec.Capabilities()
    var unknown: [String] = []
    func mask(_ names: [String]?) -> UInt64 {
      let result = CapabilityNames.mask(names ?? [])
      for name in result.unknown where !unknown.contains(name) { unknown.append(name) }
      return result.mask
    }
    capabilities = Sets(
      bounding: mask(sets.bounding), effective: mask(sets.effective),
      permitted: mask(sets.permitted), inheritable: mask(sets.inheritable),
      ambient: mask(sets.ambient))
    if !unknown.isEmpty {
      var list = ""
      for name in unknown { list += (list.isEmpty ? "" : ", ") + name }
      warn("ignoring unknown or unavailable capabilities: [" + list + "]")
    }
  }

  // MARK: what needs the rights that this process still has

  /// Limits of the process, set while the rights are there.
  static func setLimits(_ limits: [OCISpec.POSIXRlimit], pid: Int32) throws(RuntimeError) {
    for (index, limit) in limits.enumerated() {
      let place = "process.rlimits[\(index)] (" + limit.type + ")"
      guard let resource = resourceNumber(limit.type) else {
        throw RuntimeError(.process, place + ": this limit is unknown")
      }
      guard limit.soft <= limit.hard else {
        throw RuntimeError(.process, place + ": soft \(limit.soft) is above hard \(limit.hard)")
      }
      try at(
        .process, place, hint: "raising a hard limit needs CAP_SYS_RESOURCE"
      ) { () throws(Errno) in
        try setLimit(resource: resource, soft: limit.soft, hard: limit.hard, pid: pid)
      }
    }
  }

  private static func resourceNumber(_ name: String) -> Int32? {
    let names: [StaticString] = [
      "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS",
      "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]
    return names.firstIndex { "RLIMIT_" + $0.description == name }.map { Int32($0) }
  }

  /// Scheduler, I/O priority and personality: before the filter, which may forbid them.
  func setScheduling() throws(RuntimeError) {
    if let scheduler = process.scheduler {
      var attributes = SchedulingAttributes()
      attributes.policy = try Self.policy(scheduler.policy)
      attributes.nice = scheduler.nice ?? 0
      attributes.priority = UInt32(clamping: scheduler.priority ?? 0)
      attributes.runtime = scheduler.runtime ?? 0
      attributes.deadline = scheduler.deadline ?? 0
      attributes.period = scheduler.period ?? 0
      for flag in scheduler.flags { attributes.flags |= try Self.flag(flag) }
      try at(.process, "process.scheduler (" + scheduler.policy + ")") { () throws(Errno) in
        try LinuxSystem.setScheduling(attributes)
      }
    }
    if let priority = process.ioPriority {
      let classes = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]
      guard let index = classes.firstIndex(of: priority.class) else {
        throw RuntimeError(
          .process, "process.ioPriority.class: \"" + priority.class + "\" is unknown")
      }
      guard (0...7).contains(priority.priority) else {
        throw RuntimeError(.process, "process.ioPriority.priority: \(priority.priority) is not 0 to 7")
      }
      try at(.process, "process.ioPriority") { () throws(Errno) in
        try setIOPriority(class: Int32(index) + 1, level: Int32(priority.priority))
      }
    }
  }

  private static func policy(_ name: String) throws(RuntimeError) -> UInt32 {
    switch name {
    case "SCHED_OTHER": 0
    case "SCHED_FIFO": 1
    case "SCHED_RR": 2
    case "SCHED_BATCH": 3
    case "SCHED_ISO": 4
    case "SCHED_IDLE": 5
    case "SCHED_DEADLINE": 6
    default: throw RuntimeError(.process, "process.scheduler.policy: \"" + name + "\" is unknown")
    }
  }

  private static func flag(_ name: String) throws(RuntimeError) -> UInt64 {
    switch name {
    case "SCHED_FLAG_RESET_ON_FORK": 0x01
    case "SCHED_FLAG_RECLAIM": 0x02
    case "SCHED_FLAG_DL_OVERRUN": 0x04
    case "SCHED_FLAG_KEEP_POLICY": 0x08
    case "SCHED_FLAG_KEEP_PARAMS": 0x10
    case "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20
    case "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40
    default: throw RuntimeError(.process, "process.scheduler.flags: \"" + name + "\" is unknown")
    }
  }

  /// The working directory, which has to lie inside the root (CVE-2024-21626).
  func enterDirectory() throws(RuntimeError) {
    try at(.process, "process.cwd (" + process.cwd + ")") { () throws(Errno) in
      try changeDirectory(process.cwd)
      if try currentDirectory().utf8.first != 0x2f { throw .noEntry }
    }
  }

  /// Where the program to run is, looked up as execvp(3) does but in the container's PATH.
  func findProgram() throws(RuntimeError) -> String {
    guard let name = process.args.first, !name.isEmpty else {
      throw RuntimeError(.execution, "process.args is empty")
    }
    if name.utf8.contains(0x2f) {
      try Self.checkProgram(name)
      return name
    }
    let path = value(of: "PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    var forbidden = false
    for part in path.utf8.split(separator: 0x3a, omittingEmptySubsequences: false) {
      let candidate = (part.isEmpty ? "." : String(Substring(part))) + "/" + name
      guard let found = try? status(candidate, at: Directory.current), !found.isDirectory else {
        continue
      }
      if canAccess(candidate, mode: X_OK) { return candidate }
      forbidden = true
    }
    if forbidden {
      throw RuntimeError(.execution, "\"" + name + "\" in $PATH", .accessDenied)
    }
    throw RuntimeError(
      .execution, "\"" + name + "\": executable file not found in $PATH", .noEntry)
  }

  private static func checkProgram(_ name: String) throws(RuntimeError) {
    try at(.execution, "\"" + name + "\"", hint: isOnNoexec(name) ? noexecHint : nil) { () throws(Errno) in
      if try status(name, at: Directory.current).isDirectory { throw .isDirectory }
      if !canAccess(name, mode: X_OK) { throw .accessDenied }
    }
  }

  private static let noexecHint =
    "it lies on a mount with noexec; in a sandbox with strict, --ro DIR shows programs to execute"

  private static func isOnNoexec(_ name: String) -> Bool {
    guard let file = try? open(name, O_PATH), let flags = try? fileSystem(of: file.raw).flags else { return false }
    return flags & UInt64(RC_ST_NOEXEC) != 0
  }

  func value(of variable: String) -> String? {
    let prefix = Array((variable + "=").utf8)
    guard let entry = process.env.last(where: { $0.utf8.starts(with: prefix) }) else { return nil }
    return String(decoding: entry.utf8.dropFirst(prefix.count), as: UTF8.self)
  }

  // MARK: giving rights up

  /// Becomes the user, with the capabilities of the configuration and one more: CAP_SYS_ADMIN stays
  /// effective until the filter is there, if without no_new_privs the kernel asks for it (seccomp(2)).
  func becomeUser(canSetGroups: Bool) throws(RuntimeError) {
    if process.noNewPrivileges {
      try at(.process, "setting no_new_privs") { () throws(Errno) in
        try processControl(PR_SET_NO_NEW_PRIVS, 1)
      }
    }
    // The bounding set first, while CAP_SETPCAP is there.
    try dropBounding()
    try at(.capabilities, "keeping capabilities over the change of user") { () throws(Errno) in
      try processControl(PR_SET_KEEPCAPS, 1)
    }
    let user = process.user
    // Groups before the user, because a user that is not root may not change them.
    if canSetGroups {
      try at(.process, "process.user.additionalGids") { () throws(Errno) in
        try setSupplementaryGroups(user.additionalGids)
      }
    } else if !user.additionalGids.isEmpty {
      throw RuntimeError(
        .process, "process.user.additionalGids: this user namespace may not set groups",
        hint: "map more than one group with newgidmap, or remove them")
    }
    try at(
      .process, "process.user.gid \(user.gid)", hint: "is it mapped in linux.gidMappings?"
    ) { () throws(Errno) in try setGroup(user.gid) }
    try at(
      .process, "process.user.uid \(user.uid)", hint: "is it mapped in linux.uidMappings?"
    ) { () throws(Errno) in try setUser(user.uid) }
    _ = rc_umask(user.umask ?? 0o022)
    let extra: UInt64 = needsAdminForFilter ? 1 << UInt64(CapabilityNames.sysAdmin) : 0
    try setSets(extra: extra)
    try raiseAmbient()
  }

  private var needsAdminForFilter: Bool { filter != nil && !process.noNewPrivileges }

  private func dropBounding() throws(RuntimeError) {
    let available = permittedCapabilities()
    for number in 0...63 where capabilities.bounding & (1 << UInt64(number)) == 0 {
      do throws(Errno) {
        try processControl(PR_CAPBSET_DROP, UInt(number))
      } catch  where error == .invalid {
        return  // beyond the last one the kernel knows
      } catch {
        if available & (1 << UInt64(CapabilityNames.setPCap)) == 0 { return }
        throw RuntimeError(.capabilities, "dropping capability \(number) from the bounding set", error)
      }
    }
  }

  private func setSets(extra: UInt64) throws(RuntimeError) {
    // What this process does not have it cannot give: the peers leave it out too.
    let available = permittedCapabilities()
    let permitted = capabilities.permitted & available
    try at(.capabilities, "setting the capabilities of the process") { () throws(Errno) in
      try setCapabilities(
        effective: (capabilities.effective & permitted) | (extra & available),
        permitted: permitted | (extra & available),
        inheritable: capabilities.inheritable & (available | permitted))
    }
  }

  private func raiseAmbient() throws(RuntimeError) {
    for number in 0...CapabilityNames.last
    where capabilities.ambient & (1 << UInt64(number)) != 0 {
      // Only what is permitted and inheritable can be ambient; runc says so and goes on.
      _ = try? processControl(
        PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_RAISE), UInt(number), 0, 0)
    }
  }

  /// An ordinary user's supervisor may look into this process only if the kernel takes it for an ordinary one, which it has not
  /// been since it changed its user or entered the container. So what others may not see is closed first.
  /// - Parameter keeping: sockets whose end tells that the program runs.
  func letSupervisorIn(_ preservedDescriptors: Int, keeping: [Int32]) throws(RuntimeError) {
    guard let filter, filter.isSupervised, let listener = filter.listener, isRootless() else { return }
    try at(.process, "letting the supervisor in") { () throws(Errno) in
      try closeAll(but: Array(0..<Int32(3 + preservedDescriptors)) + [listener.socket] + keeping)
      try processControl(PR_SET_DUMPABLE, 1)
    }
  }

  /// Installs the filter and gives up what was kept for it. Nothing but capset and execve may follow.
  func installFilter() throws(RuntimeError) {
    guard let filter else { return }
    try at(.seccomp, "installing the filter") { () throws(Errno) in
      try filter.install()
      if needsAdminForFilter {
        let admin: UInt64 = 1 << UInt64(CapabilityNames.sysAdmin)
        if capabilities.effective & capabilities.permitted & admin == 0 {
          let available = permittedCapabilities()
          try setCapabilities(
            effective: capabilities.effective & capabilities.permitted & available,
            permitted: capabilities.permitted & available,
            inheritable: capabilities.inheritable & available)
        }
      }
    }
  }

  /// Becomes the program. `path` is what ``findProgram()`` found.
  func execute(_ path: String) throws(RuntimeError) -> Never {
    try at(.execution, "\"" + path + "\"") { () throws(Errno) in
      try LinuxSystem.execute(path, arguments: process.args, environment: process.env)
    }
  }
}
