import CLinux
import LinuxSystem

/// How cgroups are mounted on this host (cgroups(7)).
public struct CgroupLayout: Sendable {
  /// One mounted hierarchy.
  public struct Hierarchy: Sendable, Equatable {
    /// Controllers of cgroup v1, or `name=…`; empty for cgroup v2.
    public let controllers: [String]
    public let mountPoint: String
    /// The cgroup that is seen at the mount point: not `/` in a container without a cgroup namespace.
    var root = "/"

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
    let bytes = Array(mountInfo.utf8)
    var found: [Hierarchy] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      // Hosts have many mounts and few hierarchies: only lines that name a type `cgroup…` are taken apart.
      // The dash is the only one between spaces, as spaces in paths are written as \040.
      let line = bytes[start..<end]
      if let dash = line.firstIndex(of: 0x2d, between: 0x20),
        line[(dash + 2)...].starts(with: "cgroup".utf8)
      {
        Self.read(line.split(separator: 0x20), to: &found)
      }
      start = end + 1
    }
    hierarchies = found
  }

  private static func read(_ fields: [ArraySlice<UInt8>], to found: inout [Hierarchy]) {
    guard let dash = fields.firstIndex(where: { $0.elementsEqual([0x2d]) }), dash >= 6,
      dash + 3 < fields.count
    else { return }
    func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    let (type, root, place) = (fields[dash + 1], text(fields[3]), text(fields[4]))
    if type.elementsEqual("cgroup2".utf8) {
      add(Hierarchy(controllers: [], mountPoint: place, root: root), to: &found)
    } else if type.elementsEqual("cgroup".utf8) {
      let controllers = fields[dash + 3].split(separator: 0x2c).map(text).filter(isController)
      if controllers.isEmpty { return }
      add(Hierarchy(controllers: controllers, mountPoint: place, root: root), to: &found)
    }
  }

  init(hierarchies: [Hierarchy]) { self.hierarchies = hierarchies }

  /// A hierarchy counts once however often it is mounted; where everybody looks for it, if it is there.
  private static func add(_ new: Hierarchy, to found: inout [Hierarchy]) {
    func isUsual(_ place: String) -> Bool { place.utf8.starts(with: "/sys/fs/cgroup".utf8) }
    guard let index = found.firstIndex(where: { $0.controllers == new.controllers }) else {
      return found.append(new)
    }
    if !isUsual(found[index].mountPoint) && isUsual(new.mountPoint) { found[index] = new }
  }

  private static func isController(_ option: String) -> Bool {
    switch option {
    case "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb",
      "net_cls", "net_prio", "perf_event", "rdma", "misc":
      true
    default: option.utf8.starts(with: "name=".utf8)
    }
  }

  /// The cgroup of this process in a hierarchy, from what is mounted (proc_pid_cgroup(5)).
  static func own(_ hierarchy: Hierarchy, _ text: String) -> String {
    for line in text.utf8.split(separator: 0x0a) {
      let fields = line.split(separator: 0x3a, maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let names = fields[1].split(separator: 0x2c).map { String(Substring($0)) }
      if names == hierarchy.controllers
        || (!names.isEmpty && names.contains { hierarchy.controllers.contains($0) })
      {
        return below(hierarchy.root, String(Substring(fields[2])))
      }
    }
    return "/"
  }

  /// `path` as seen from `root`; one that is elsewhere is not to be seen.
  private static func below(_ root: String, _ path: String) -> String {
    if root == "/" { return path }
    guard path.utf8.starts(with: root.utf8) else { return "/" }
    let rest = path.utf8.dropFirst(root.utf8.count)
    guard let first = rest.first else { return "/" }
    return first == 0x2f ? String(Substring(rest)) : "/"
  }
}

extension ArraySlice<UInt8> {
  /// Where `byte` first has `neighbour` on both sides.
  fileprivate func firstIndex(of byte: UInt8, between neighbour: UInt8) -> Int? {
    guard count > 2 else { return nil }
    for index in (startIndex + 1)..<(endIndex - 1)
    where self[index] == byte && self[index - 1] == neighbour && self[index + 1] == neighbour {
      return index
    }
    return nil
  }
}
