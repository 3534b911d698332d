import CLinux
import LinuxSystem

/// Tells when the kernel ends processes of a cgroup for want of memory, through a descriptor to wait on.
public struct OutOfMemoryWatch: ~Copyable {
  private let descriptor: Descriptor
  private let cgroup: Cgroup
  /// An eventfd of cgroup v1; else an inotify descriptor on memory.events.
  private let isLegacy: Bool
  private var kills: UInt64

  /// Readable when there may be news.
  public var raw: Int32 { descriptor.raw }

  /// - Returns: nil for a cgroup without the memory controller.
  public init?(_ cgroup: Cgroup) throws(RuntimeError) {
    self.cgroup = cgroup
    kills = cgroup.oomKills
    if let entry = cgroup.entry("memory") {
      isLegacy = true
      descriptor = try at(.cgroup, "watching memory.oom_control") { () throws(Errno) in
        let event = try makeEventCounter()
        let control = try open(entry.directory + "/memory.oom_control", O_RDONLY)
        // "<eventfd> <control file>" registers it (Documentation/admin-guide/cgroup-v1/memory.rst, 9).
        try writeFile(entry.directory + "/cgroup.event_control", "\(event.raw) \(control.raw)")
        return event
      }
    } else if let entry = cgroup.record.entries.first(where: { canAccess($0.directory + "/memory.events", mode: R_OK) })
    {
      isLegacy = false
      descriptor = try at(.cgroup, "watching memory.events") { () throws(Errno) in
        try watchChanges(of: entry.directory + "/memory.events")
      }
    } else {
      return nil
    }
  }

  /// Whether memory ran out since the last call. To be called when the descriptor is readable.
  public mutating func ranOut() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    _ = try? read(descriptor.raw, into: &buffer)
    if isLegacy {
      // Told before the process is ended and counted, and once more when the cgroup is removed.
      guard let entry = cgroup.entry("memory") else { return false }
      return canAccess(entry.directory + "/memory.oom_control", mode: F_OK)
    }
    let now = cgroup.oomKills
    defer { kills = now }
    return now > kills
  }
}
