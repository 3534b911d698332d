import CLinux
import LinuxSystem
import OCISpec

extension Resources {
  /// Whether any of it needs a cgroup. Device rules alone don't: without rights to a cgroup they are left
  /// out, as the peers do for ordinary users.
  public var limitsSomething: Bool {
    memory?.limitsSomething ?? false || cpu?.limitsSomething ?? false
      || pids?.limit.map { $0 > 0 } ?? false || blockIO?.limitsSomething ?? false
      || !hugepageLimits.isEmpty || !unified.isEmpty || !rdma.isEmpty || network?.classID != nil
      || network?.priorities.isEmpty == false
  }
}

// Engines write 0, and -1 for no limit, where they could leave a field out.

extension Memory {
  fileprivate var limitsSomething: Bool {
    func limits(_ value: Int64?) -> Bool { value.map { $0 > 0 } ?? false }
    return limits(limit) || limits(reservation) || limits(swap) || limits(kernel)
      || limits(kernelTCP) || swappiness != nil || disableOOMKiller == true
  }
}

extension CPU {
  fileprivate var limitsSomething: Bool {
    func limits<T: BinaryInteger>(_ value: T?) -> Bool { value.map { $0 > 0 } ?? false }
    func names(_ list: String?) -> Bool { list?.isEmpty == false }
    return limits(shares) || limits(quota) || limits(burst) || limits(period)
      || limits(realtimeRuntime) || limits(realtimePeriod) || limits(idle) || names(cpus)
      || names(mems)
  }
}

extension BlockIO {
  fileprivate var limitsSomething: Bool {
    weight.map { $0 != 0 } ?? false || leafWeight.map { $0 != 0 } ?? false || !weightDevice.isEmpty
      || !throttleReadBpsDevice.isEmpty || !throttleWriteBpsDevice.isEmpty
      || !throttleReadIOPSDevice.isEmpty || !throttleWriteIOPSDevice.isEmpty
  }
}

/// A file of a cgroup and what is written to it.
struct CgroupWrite: Equatable {
  /// Of cgroup v1; empty for v2.
  let controller: String
  let file: String
  let value: String
  /// The field of the configuration.
  let field: String

  init(_ controller: String, _ file: String, _ value: String, _ field: String) {
    self.controller = controller
    self.file = file
    self.value = value
    self.field = field
  }

  /// A host without swap has no file for it, and nothing to limit.
  fileprivate var isNeedless: Bool {
    file == "memory.swap.max" && (value == "max" || value == "0")
  }

  /// Of a group of files that the kernel checks against each other.
  fileprivate var dependsOnOthers: Bool { file.utf8.starts(with: "cpu.".utf8) }
}

extension Cgroup {
  /// Sets the limits, before a process is in.
  public func apply(_ resources: Resources) throws(RuntimeError) {
    if record.entries.isEmpty { return }
    enableControllers()
    try write(resources)
    try applyDevices(resources.devices)
  }

  /// Changes limits of processes that run.
  public func update(_ resources: Resources) throws(RuntimeError) { try write(resources) }

  private var isV2: Bool { record.entries.allSatisfy { $0.isUnified } }

  private func write(_ resources: Resources) throws(RuntimeError) {
    if let memory = resources.memory { try refuse(memory) }
    for limit in resources.hugepageLimits where limit.pageSize.utf8.contains(0x2f) {
      throw RuntimeError(
        .cgroup, "linux.resources.hugepageLimits (" + limit.pageSize + "): not a size of pages")
    }
    if isV2 {
      try perform(try UnifiedLimits(resources, offers: { offers("", $0) }).writes)
      for pair in resources.unified {
        guard !pair.key.utf8.contains(0x2f), !pair.key.isEmpty, pair.key != "..", pair.key != "."
        else {
          throw RuntimeError(
            .cgroup, "linux.resources.unified (" + pair.key + "): not the name of a file")
        }
        // The kernel takes one line with each write, the configuration as many as it likes.
        let lines = pair.value.utf8.split(separator: 0x0a).map { String(Substring($0)) }
        for line in lines.isEmpty ? [""] : lines {
          try perform(
            CgroupWrite("", pair.key, line, "linux.resources.unified (" + pair.key + ")"))
        }
      }
      return
    }
    if let pair = resources.unified.first {
      throw RuntimeError(
        .cgroup, "linux.resources.unified (" + pair.key + ") needs cgroup v2",
        hint: "this host mounts v1 hierarchies")
    }
    try perform(
      LegacyLimits(
        resources, current: { current($0, $1) }, offers: { offers($0, $1) }
      ).writes)
  }

  /// Quota, period and burst are valid only together, and which has to go first depends on what is set
  /// already: what the kernel refuses as invalid is tried again after the others.
  private func perform(_ writes: [CgroupWrite]) throws(RuntimeError) {
    var again: [CgroupWrite] = []
    for write in writes {
      do throws(RuntimeError) { try perform(write) } catch {
        guard error.errno == .invalid, write.dependsOnOthers else { throw error }
        again.append(write)
      }
    }
    for write in again { try perform(write) }
  }

  private func refuse(_ memory: Memory) throws(RuntimeError) {
    if let limit = memory.kernel, limit > 0 {
      throw RuntimeError(
        .cgroup, "linux.resources.memory.kernel is not supported",
        hint: "Linux 5.16 removed the limit; set memory.limit")
    }
    if isV2, memory.kernelTCP.map({ $0 > 0 }) ?? false {
      throw RuntimeError(.cgroup, "linux.resources.memory.kernelTCP does not exist on cgroup v2")
    }
    if !isV2, let value = memory.swappiness, value > 100, value != UInt64.max {
      throw RuntimeError(
        .cgroup, "linux.resources.memory.swappiness: \(value) is not from 0 to 100")
    }
    guard isV2, memory.checkBeforeUpdate == true, let used = current("", "memory.current") else {
      return  // v1 refuses by itself what is below the usage
    }
    for (name, value) in [("limit", memory.limit), ("swap", memory.swap)] {
      if let value, value > 0, value <= used {
        throw RuntimeError(
          .cgroup, "linux.resources.memory.\(name): \(value) is not above the \(used) bytes in use",
          hint: "checkBeforeUpdate asks to refuse that")
      }
    }
  }

  /// The directory that holds the files of a controller; that of cgroup v2 for an empty name.
  private func directory(_ controller: String) -> String? {
    (controller.isEmpty ? unified : entry(controller))?.directory
  }

  private func offers(_ controller: String, _ file: String) -> Bool {
    directory(controller).map { canAccess($0 + "/" + file, mode: F_OK) } ?? false
  }

  private func current(_ controller: String, _ file: String) -> Int64? {
    guard let directory = directory(controller),
      let text = try? readFile(directory + "/" + file)
    else { return nil }
    return Int64(Self.trimmed(text))
  }

  private func perform(_ write: CgroupWrite) throws(RuntimeError) {
    guard let directory = directory(write.controller) else {
      throw RuntimeError(
        .cgroup, write.field + ": controller " + write.controller + " is not mounted",
        hint: "remove the limit, or mount the controller")
    }
    do throws(Errno) {
      try writeFile(directory + "/" + write.file, write.value)
    } catch {
      if error == .noEntry, write.isNeedless { return }
      throw RuntimeError(
        .cgroup, write.field + ": writing \"" + write.value + "\" to " + write.file, error,
        hint: hint(error, write))
    }
  }

  private func hint(_ error: Errno, _ write: CgroupWrite) -> String? {
    if error == .busy, write.file.utf8.starts(with: "memory.".utf8) {
      return "the processes use more than that"
    }
    guard error == .noEntry else { return nil }
    return write.controller.isEmpty
      ? "its controller is not enabled here, see cgroup.controllers and cgroup.subtree_control"
      : "the kernel doesn't offer this limit"
  }

  // MARK: cgroup v2 controllers

  /// Lets the parents hand down what controllers they have. What can't be had is noticed by the limit that
  /// needs it.
  func enableControllers() {
    guard isV2, let unified else { return }
    // From the top, where a controller has to be enabled first. Above the hierarchy there is no such file.
    var above: [(directory: String, controllers: String)] = []
    var directory = Self.parent(of: unified.directory)
    while let text = try? readFile(directory + "/cgroup.controllers") {
      above.append((directory, text))
      directory = Self.parent(of: directory)
    }
    var available: [String]? = nil
    for parent in above.reversed() {
      let controllers = available ?? Self.words(parent.controllers)
      available = controllers
      if controllers.isEmpty { return }
      let file = parent.directory + "/cgroup.subtree_control"
      var all = ""
      for controller in controllers { all += (all.isEmpty ? "+" : " +") + controller }
      if (try? writeFile(file, all)) != nil { continue }
      // The kernel takes all or none: one of them is kept from here (a parent lacks it, or has processes).
      for controller in controllers { _ = try? writeFile(file, "+" + controller) }
    }
  }

  private static func words(_ text: String) -> [String] {
    text.utf8.split { $0 == 0x20 || $0 == 0x0a }.map { String(Substring($0)) }
  }

  // MARK: devices

  /// What is not allowed is denied, with no rules at all too, as with the peers. The devices that every
  /// container has are allowed last.
  private func applyDevices(_ rules: [DeviceRule]) throws(RuntimeError) {
    var all: [DeviceRules.Rule] = []
    for (index, rule) in rules.enumerated() {
      guard let known = DeviceRules.rule(rule) else {
        throw RuntimeError(
          .cgroup, "linux.resources.devices[\(index)]: type or access is unknown",
          hint: "type is a, b or c, access of r, w and m")
      }
      all.append(known)
    }
    all += DeviceRules.always
    if let entry = entry("devices") {
      let lists = try DeviceLists(all)
      try enforce("writing the lists") { () throws(Errno) in try lists.write(to: entry.directory) }
    } else if let unified {
      try enforce("attaching the device program") { () throws(Errno) in
        let program = try loadDeviceProgram(DeviceRules.program(all))
        let directory = try open(unified.directory, O_RDONLY | O_DIRECTORY)
        try attachDeviceProgram(program.raw, to: directory.raw)
      }
    }
  }

  /// An ordinary user may not set device rules, and needs none: making nodes and opening the host's is
  /// refused to such a container anyway.
  private func enforce(_ what: String, _ body: () throws(Errno) -> Void) throws(RuntimeError) {
    do throws(Errno) { try body() } catch {
      if isOptional, error == .notPermitted || error == .accessDenied { return }
      throw RuntimeError(.cgroup, "linux.resources.devices: " + what, error)
    }
  }

  /// A rule of one kind as cgroup v1 reads it.
  static func text(_ rule: DeviceRules.Rule) -> String {
    var text = rule.kind == .block ? "b " : "c "
    text += (rule.major.map { String($0) } ?? "*") + ":" + (rule.minor.map { String($0) } ?? "*")
    text += " "
    if rule.access & DeviceRules.Access.read != 0 { text += "r" }
    if rule.access & DeviceRules.Access.write != 0 { text += "w" }
    if rule.access & DeviceRules.Access.makeNode != 0 { text += "m" }
    return text
  }
}
