import CLinux
import LinuxSystem

/// Device rules as cgroup v1 keeps them: one default, and exceptions from it (kernel documentation,
/// cgroup-v1/devices).
///
/// The kernel takes rules one by one, but not as the configuration means them: `a` stands for every device
/// whatever numbers follow it, and a denial only takes back an exception that is written the same way. So
/// the rules are folded here, and what the lists can't express is refused rather than left open.
struct DeviceLists: Equatable {
  /// Whether a device without an exception may be used.
  private(set) var allowsByDefault = false
  /// What is different from the default; each has a kind.
  private(set) var exceptions: [DeviceRules.Rule] = []

  /// - Parameter rules: in order; the last that speaks of a device counts. Before the first, none is allowed.
  /// - Throws: if a rule takes back a part of a wildcard.
  init(_ rules: [DeviceRules.Rule]) throws(RuntimeError) {
    for rule in rules { try add(rule) }
  }

  private mutating func add(_ rule: DeviceRules.Rule) throws(RuntimeError) {
    if rule.isEverything {
      allowsByDefault = rule.allow
      exceptions = []
      return
    }
    if let kind = rule.kind { return try add(rule, kind) }
    try add(rule, .block)
    try add(rule, .character)
  }

  private mutating func add(
    _ rule: DeviceRules.Rule, _ kind: DeviceRules.Rule.Kind
  ) throws(RuntimeError) {
    var rule = rule
    rule.kind = kind
    if rule.allow != allowsByDefault {
      let same = exceptions.firstIndex {
        $0.kind == kind && $0.major == rule.major && $0.minor == rule.minor
      }
      if let same {
        exceptions[same].access |= rule.access
      } else if rule.access != 0 {
        exceptions.append(rule)
      }
      return
    }
    for index in exceptions.indices where exceptions[index].meets(rule) {
      guard rule.covers(exceptions[index]) else {
        throw RuntimeError(
          .cgroup,
          "linux.resources.devices: \"" + Cgroup.text(rule) + "\" is a part of \""
            + Cgroup.text(exceptions[index]) + "\" before it, which cgroup v1 can't tell apart",
          hint: "name the devices one by one, or use cgroup v2")
      }
      exceptions[index].access &= ~rule.access
    }
    exceptions.removeAll { $0.access == 0 }
  }
}

extension DeviceRules.Rule {
  /// All access to all devices.
  var isEverything: Bool {
    kind == nil && major == nil && minor == nil && access == DeviceRules.Access.all
  }

  /// Whether both speak of one access to one device.
  func meets(_ other: Self) -> Bool {
    func match<T: Equatable>(_ one: T?, _ two: T?) -> Bool {
      one == nil || two == nil || one == two
    }
    return match(kind, other.kind) && match(major, other.major) && match(minor, other.minor)
      && access & other.access != 0
  }

  /// Whether it speaks of every device that `other` speaks of.
  func covers(_ other: Self) -> Bool {
    func match<T: Equatable>(_ one: T?, _ two: T?) -> Bool { one == nil || one == two }
    return match(kind, other.kind) && match(major, other.major) && match(minor, other.minor)
  }
}

extension DeviceLists {
  /// Writes them into a cgroup that has no children.
  func write(to directory: String) throws(Errno) {
    let allow = try open(directory + "/devices.allow", O_WRONLY)
    let deny = try open(directory + "/devices.deny", O_WRONLY)
    if !allowsByDefault {
      try writeAll(deny.raw, "a")
    } else if !(try readFile(directory + "/devices.list")).utf8.starts(with: "a ".utf8) {
      // Only where it isn't so already: a nested runtime may not write it.
      try writeAll(allow.raw, "a")
    }
    let list = allowsByDefault ? deny.raw : allow.raw
    for exception in exceptions { try writeAll(list, Cgroup.text(exception)) }
  }
}
