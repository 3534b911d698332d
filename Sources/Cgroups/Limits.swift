import CLinux
import LinuxSystem
import OCISpec

extension Resources {
  /// Whether any of it needs a cgroup. Device rules alone don't: without rights to a cgroup they are left
  /// out, as the peers do for ordinary users.
  public var limitsSomething: Bool {
    memory?.limit != nil || memory?.reservation != nil || memory?.swap != nil || cpu?.shares != nil
      || cpu?.quota != nil || cpu?.period != nil || cpu?.cpus != nil || cpu?.mems != nil
      || pids?.limit != nil || blockIO?.weight != nil || !hugepageLimits.isEmpty
      || !unified.isEmpty || !rdma.isEmpty || network?.classID != nil
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
}

extension Cgroup {
  /// Sets the limits, before a process is in.
  public func apply(_ resources: Resources) throws(RuntimeError) {
    if record.entries.isEmpty { return }
    try enableControllers(resources)
    try write(resources)
    if !resources.devices.isEmpty { try applyDevices(resources.devices) }
  }

  /// Changes limits of processes that run.
  public func update(_ resources: Resources) throws(RuntimeError) { try write(resources) }

  private var isV2: Bool { record.entries.allSatisfy { $0.isUnified } }

  private func write(_ resources: Resources) throws(RuntimeError) {
    if let memory = resources.memory { try refuse(memory) }
    if isV2 {
      for write in try UnifiedLimits(resources).writes { try perform(write) }
      for pair in resources.unified {
        guard !pair.key.utf8.contains(0x2f), !pair.key.isEmpty, pair.key != "..", pair.key != "." else {
          throw RuntimeError(
            .cgroup, "linux.resources.unified (" + pair.key + "): not the name of a file")
        }
        try perform(
          CgroupWrite("", pair.key, pair.value, "linux.resources.unified (" + pair.key + ")"))
      }
      return
    }
    if let pair = resources.unified.first {
      throw RuntimeError(
        .cgroup, "linux.resources.unified (" + pair.key + ") needs cgroup v2",
        hint: "this host mounts v1 hierarchies")
    }
    for write in LegacyLimits(resources, current: { self.current($0, $1) }).writes {
      try perform(write)
    }
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
  }

  private func current(_ controller: String, _ file: String) -> Int64? {
    guard let directory = entry(controller)?.directory,
      let text = try? readFile(directory + "/" + file)
    else { return nil }
    return Int64(Self.trimmed(text))
  }

  private func perform(_ write: CgroupWrite) throws(RuntimeError) {
    let entry = write.controller.isEmpty ? unified : entry(write.controller)
    guard let entry else {
      throw RuntimeError(
        .cgroup, write.field + ": controller " + write.controller + " is not mounted",
        hint: "remove the limit, or mount the controller")
    }
    do throws(Errno) {
      try writeFile(entry.directory + "/" + write.file, write.value)
    } catch {
      throw RuntimeError(
        .cgroup, write.field + ": writing \"" + write.value + "\" to " + write.file, error,
        hint: error == .noEntry ? "the kernel doesn't offer this limit" : nil)
    }
  }

  // MARK: cgroup v2 controllers

  /// Lets the parents hand the controllers down that the limits need.
  private func enableControllers(_ resources: Resources) throws(RuntimeError) {
    guard isV2, let unified else { return }
    let base = "/sys/fs/cgroup"
    guard unified.directory.utf8.starts(with: base.utf8) else { return }
    let available = ((try? readFile(base + "/cgroup.controllers")) ?? "").utf8
      .split { $0 == 0x20 || $0 == 0x0a }.map { String(Substring($0)) }
    let parts = String(unified.directory.dropFirst(base.utf8.count)).utf8
      .split(separator: 0x2f).map { String(Substring($0)) }
    var directory = base
    for part in parts {
      for controller in available {
        // One at a time: what a parent lacks can't be had, and a limit that needs it will say so.
        _ = try? writeFile(directory + "/cgroup.subtree_control", "+" + controller)
      }
      directory += "/" + part
    }
  }

  // MARK: devices

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
      for rule in all {
        let file = rule.allow ? "devices.allow" : "devices.deny"
        try at(.cgroup, "linux.resources.devices: writing " + file) { () throws(Errno) in
          try writeFile(entry.directory + "/" + file, Self.text(rule))
        }
      }
    } else if let unified {
      try at(.cgroup, "linux.resources.devices: attaching the device program") { () throws(Errno) in
        let program = try loadDeviceProgram(DeviceRules.program(all))
        let directory = try open(unified.directory, O_RDONLY | O_DIRECTORY)
        try attachDeviceProgram(program.raw, to: directory.raw)
      }
    }
  }

  /// A rule as cgroup v1 reads it.
  static func text(_ rule: DeviceRules.Rule) -> String {
    guard let kind = rule.kind else { return "a" }
    var text = kind == .block ? "b " : "c "
    text += (rule.major.map { String($0) } ?? "*") + ":" + (rule.minor.map { String($0) } ?? "*")
    text += " "
    if rule.access & DeviceRules.Access.read != 0 { text += "r" }
    if rule.access & DeviceRules.Access.write != 0 { text += "w" }
    if rule.access & DeviceRules.Access.makeNode != 0 { text += "m" }
    return text
  }
}
