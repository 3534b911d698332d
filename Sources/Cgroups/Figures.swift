import CLinux
import LinuxSystem

/// What a cgroup may use and has used, in the terms of /proc.
public struct Figures: Equatable, Sendable {
  /// Bytes; nil where there is no limit.
  public struct Memory: Equatable, Sendable {
    public var limit: UInt64?
    public var used: UInt64 = 0
    public var swapLimit: UInt64?
    public var swapUsed: UInt64 = 0
    public var file: UInt64 = 0
    public var anonymous: UInt64 = 0
    public var activeAnonymous: UInt64 = 0
    public var inactiveAnonymous: UInt64 = 0
    public var activeFile: UInt64 = 0
    public var inactiveFile: UInt64 = 0
    public var unevictable: UInt64 = 0
    public var shared: UInt64 = 0
    public var mapped: UInt64 = 0
    public var dirty: UInt64 = 0
    public var writeback: UInt64 = 0
    public var reclaimableSlab: UInt64 = 0
    public var unreclaimableSlab: UInt64 = 0
    public init() {}
  }

  public var memory = Memory()
  /// Time of processors in a period, in thousandths of one; nil where there is no limit.
  public var quota: UInt64?
  /// A list such as `0-3,7`; empty where there is none.
  public var processors = ""
  /// Microseconds.
  public var userTime: UInt64 = 0
  public var systemTime: UInt64 = 0
  public var processes = 0
  public init() {}
}

extension Cgroup {
  /// As it is now.
  public func figures() -> Figures {
    var figures = Figures()
    figures.memory = memoryFigures()
    quota(&figures)
    if entry("cpuacct") != nil {
      let stat = table("cpuacct", "cpuacct.stat")
      let tick = UInt64(1_000_000 / max(1, rc_clock_ticks()))
      figures.userTime = (stat.first { $0.key == "user" }?.value ?? 0) &* tick
      figures.systemTime = (stat.first { $0.key == "system" }?.value ?? 0) &* tick
    } else {
      let stat = table("cpu", "cpu.stat")
      figures.userTime = stat.first { $0.key == "user_usec" }?.value ?? 0
      figures.systemTime = stat.first { $0.key == "system_usec" }?.value ?? 0
    }
    figures.processors = Self.trimmed(
      text("cpuset", entry("cpuset") == nil ? "cpuset.cpus.effective" : "cpuset.effective_cpus") ?? "")
    figures.processes = Int(clamping: number("pids", "pids.current") ?? UInt64((try? pids().count) ?? 0))
    return figures
  }

  private func quota(_ figures: inout Figures) {
    if entry("cpu") != nil {
      guard let quota = number("cpu", "cpu.cfs_quota_us"), let period = number("cpu", "cpu.cfs_period_us"), period > 0
      else { return }
      figures.quota = quota &* 1000 / period
    } else if let words = text("cpu", "cpu.max")?.utf8.split(separator: 0x20), words.count == 2 {
      // "max 100000" has no quota.
      guard let quota = UInt64(String(Substring(words[0]))),
        let period = UInt64(Self.trimmed(String(Substring(words[1])))), period > 0
      else { return }
      figures.quota = quota &* 1000 / period
    }
  }

  private func memoryFigures() -> Figures.Memory {
    var memory = Figures.Memory()
    let isLegacy = entry("memory") != nil
    let stat = table("memory", "memory.stat")
    // In v1 the names with "total_" count the cgroups below as well.
    func value(_ name: String, legacy: String? = nil) -> UInt64 {
      let key = isLegacy ? "total_" + (legacy ?? name) : name
      return stat.first { $0.key == key }?.value ?? 0
    }
    if isLegacy {
      // Without a limit it is a number beyond all memory.
      memory.limit = stat.first { $0.key == "hierarchical_memory_limit" }?.value
      memory.used = number("memory", "memory.usage_in_bytes") ?? 0
      if let both = stat.first(where: { $0.key == "hierarchical_memsw_limit" })?.value, let limit = memory.limit,
        both >= limit
      {
        memory.swapLimit = both - limit
      }
    } else {
      memory.limit = number("memory", "memory.max")
      memory.used = number("memory", "memory.current") ?? 0
      memory.swapLimit = number("memory", "memory.swap.max")
    }
    memory.swapUsed = isLegacy ? value("swap") : number("memory", "memory.swap.current") ?? 0
    memory.file = value("file", legacy: "cache")
    memory.anonymous = value("anon", legacy: "rss")
    memory.activeAnonymous = value("active_anon")
    memory.inactiveAnonymous = value("inactive_anon")
    memory.activeFile = value("active_file")
    memory.inactiveFile = value("inactive_file")
    memory.unevictable = value("unevictable")
    memory.shared = value("shmem")
    memory.mapped = value("file_mapped", legacy: "mapped_file")
    memory.dirty = value("file_dirty", legacy: "dirty")
    memory.writeback = value("file_writeback", legacy: "writeback")
    memory.reclaimableSlab = value("slab_reclaimable")
    memory.unreclaimableSlab = value("slab_unreclaimable")
    return memory
  }
}
