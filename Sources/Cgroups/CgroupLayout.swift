import CLinux
import LinuxSystem

/// How cgroups are mounted on this host (cgroups(7)).
public struct CgroupLayout: Sendable {
  /// One mounted hierarchy.
  public struct Hierarchy: Sendable, Equatable {
    /// Controllers of cgroup v1, or `name=…`; empty for cgroup v2.
    public let controllers: [String]
    public let mountPoint: String

    public var isUnified: Bool { controllers.isEmpty }

    /// The name below /sys/fs/cgroup by which programs look for it.
    public var name: String {
      String(mountPoint.utf8.split(separator: 0x2f).last.map { Substring($0) } ?? "")
    }
  }

  public let hierarchies: [Hierarchy]

  /// Only cgroup v2 is there.
  public var isUnified: Bool { hierarchies.count == 1 && hierarchies[0].isUnified }

  /// Looks at what is mounted.
  public static func detect() throws(RuntimeError) -> CgroupLayout {
    if let top = try? open("/sys/fs/cgroup", O_PATH | O_DIRECTORY),
      let kind = try? fileSystem(of: top.raw), kind.magic == UInt32(RC_CGROUP2_SUPER_MAGIC)
    {
      return CgroupLayout(hierarchies: [Hierarchy(controllers: [], mountPoint: "/sys/fs/cgroup")])
    }
    let text = try at(.cgroup, "reading /proc/self/mountinfo") { () throws(Errno) in
      try readFile("/proc/self/mountinfo")
    }
    return CgroupLayout(mountInfo: text)
  }

  /// The hierarchies in the text of proc_pid_mountinfo(5).
  public init(mountInfo: String) {
    var found: [Hierarchy] = []
    for line in mountInfo.utf8.split(separator: 0x0a) {
      // Most lines are of no interest: those of cgroups name a type after " - ".
      let fields = line.split(separator: 0x20)
      guard let dash = fields.firstIndex(where: { $0.elementsEqual([0x2d]) }), dash + 3 < fields.count,
        dash >= 6
      else { continue }
      let type = fields[dash + 1]
      let place = String(Substring(fields[4]))
      if found.contains(where: { $0.mountPoint == place }) { continue }
      if type.elementsEqual("cgroup2".utf8) {
        found.append(Hierarchy(controllers: [], mountPoint: place))
      } else if type.elementsEqual("cgroup".utf8) {
        let options = fields[dash + 3].split(separator: 0x2c).map { String(Substring($0)) }
        let controllers = options.filter { Self.isController($0) }
        if !controllers.isEmpty {
          found.append(Hierarchy(controllers: controllers, mountPoint: place))
        }
      }
    }
    hierarchies = found
  }

  init(hierarchies: [Hierarchy]) { self.hierarchies = hierarchies }

  private static func isController(_ option: String) -> Bool {
    switch option {
    case "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb",
      "net_cls", "net_prio", "perf_event", "rdma", "misc":
      true
    default: option.utf8.starts(with: "name=".utf8)
    }
  }

  /// The cgroup of this process in a hierarchy, from its root (proc_pid_cgroup(5)).
  static func own(_ hierarchy: Hierarchy, _ text: String) -> String {
    for line in text.utf8.split(separator: 0x0a) {
      let fields = line.split(separator: 0x3a, maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let names = fields[1].split(separator: 0x2c).map { String(Substring($0)) }
      if names == hierarchy.controllers || (!names.isEmpty && names.contains { hierarchy.controllers.contains($0) }) {
        return String(Substring(fields[2]))
      }
    }
    return "/"
  }
}
