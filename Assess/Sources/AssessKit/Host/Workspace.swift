import Foundation

/// The private directory of one assessment: root file systems, bundles, canaries, and the runtimes' state.
///
/// Everything that an assessment makes on the host carries its name, so that whoever cleans up finds all of it.
public final class Workspace: Sendable {
  static let prefix = "rcontainer-assess-"

  public let path: String
  /// Begins the names of containers, cgroups and network namespaces: `rca` and the process's id.
  public let name: String

  /// - Parameter parent: where it is made; not on a file system that is mounted `noexec` or `nodev`.
  public init(parent: String = "/var/tmp") throws {
    name = "rca\(getpid())"
    path = "\(parent)/\(Self.prefix)\(getpid())"
    Self.removeStale(in: parent)
    // Other users' root, which user namespaces have, passes through.
    if let reason = System.makeDirectory(path, 0o711) {
      throw AssessError("\(path) cannot be made: \(reason)", hint: "choose another place with --work")
    }
    for folder in ["scratch", "state", "bundles"] { try makeDirectory(path + "/" + folder, mode: 0o711) }
  }

  public var scratch: String { path + "/scratch" }
  public var state: String { path + "/state" }

  public func makeDirectory(_ path: String, mode: mode_t = 0o755) throws {
    if let reason = System.makeDirectory(path, mode), !System.isDirectory(path) {
      throw AssessError("\(path) cannot be made: \(reason)")
    }
    System.mode(path, mode)
  }

  /// Removes all that is left: processes, mounts, cgroups, namespaces, files. Safe to call again.
  ///
  /// - Returns: what could not be removed, a line each.
  @discardableResult
  public func clean() -> [String] { Self.clean(path: path, name: name) }

  /// What assessments left that were killed.
  static func removeStale(in parent: String) {
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard entry.hasPrefix(prefix), let owner = pid_t(entry.dropFirst(prefix.count)), owner != getpid() else {
        continue
      }
      if System.signal(owner, 0) { continue }
      clean(path: parent + "/" + entry, name: "rca\(owner)")
    }
  }

  @discardableResult
  private static func clean(path: String, name: String) -> [String] {
    // Processes first, since they hold mounts and cgroups.
    for _ in 0..<50 {
      let left = processes(path: path, name: name)
      if left.isEmpty { break }
      for process in left { _ = System.signal(process, SIGKILL) }
      usleep(20_000)
    }
    for mount in mounts(below: path).reversed() { System.unmount(mount) }
    for cgroup in cgroups(name: name) { System.removeDirectory(cgroup) }
    for namespace in (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    where namespace.hasPrefix(name + "-") {
      System.unmount("/run/netns/" + namespace)
      System.unlink("/run/netns/" + namespace)
    }
    try? FileManager.default.removeItem(atPath: path)
    var left = mounts(below: path).map { "the mount \($0)" }
    left += cgroups(name: name).map { "the cgroup \($0)" }
    left += processes(path: path, name: name).map { "the process \($0)" }
    if FileManager.default.fileExists(atPath: path) { left.append(path) }
    return left
  }

  /// Processes in cgroups of ours, and others whose command line names the workspace; never our own.
  private static func processes(path: String, name: String) -> [pid_t] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }.filter { process in
      guard process != getpid(), process != getppid(), process != 1 else { return false }
      // One that has ended and waits for its parent holds nothing.
      guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        let end = state.lastIndex(of: ")"), !state[end...].hasPrefix(") Z")
      else { return false }
      if let text = try? String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8),
        text.split(separator: "\n").contains(where: { $0.contains("/" + name + "-") })
      {
        return true
      }
      guard let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
      return String(decoding: words, as: UTF8.self).split(separator: "\0").contains { $0.contains(path + "/") }
    }
  }

  private static func mounts(below path: String) -> [String] {
    let table = System.text("/proc/self/mountinfo")
    return table.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 4 else { return nil }
      let point = unescaped(String(fields[4]))
      return point == path || point.hasPrefix(path + "/") ? point : nil
    }
  }

  /// `\040` and the like of mountinfo, proc_pid_mountinfo(5).
  private static func unescaped(_ text: String) -> String {
    text.replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\012", with: "\n")
      .replacing("\\134", with: "\\")
  }

  /// Innermost first.
  private static func cgroups(name: String) -> [String] {
    var found: [String] = []
    var waiting = ["/sys/fs/cgroup"]
    while let folder = waiting.popLast() {
      for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
        let path = folder + "/" + entry
        guard System.isDirectory(path) else { continue }
        if path.contains("/" + name + "-") { found.append(path) }
        waiting.append(path)
      }
    }
    return found.reversed()
  }
}
