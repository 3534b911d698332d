import CLinux
import Cgroups
import LinuxSystem

/// What system calls that tell of the machine tell a container with limits: the same as its own files do.
public struct MachineFigures: Sendable {
  /// The calls, by their names.
  public static let calls = ["sysinfo", "sched_getaffinity"]

  /// The size of `struct sysinfo` of 64 bit (sysinfo(2)), in bytes.
  public static let sysinfoSize = 112

  private let cgroup: Cgroup
  /// Hundredths of a second of the clock that counts sleep.
  private let begin: UInt64
  private var load = Load()
  private var lastUse: UInt64 = 0
  private var lastTime: UInt64
  /// What was found out last, and when: within a hundredth of a second it is not found out again.
  private var last: (time: UInt64, figures: Figures)?

  /// The container begins now.
  public init(_ cgroup: Cgroup) {
    self.cgroup = cgroup
    begin = Self.now
    lastTime = begin
  }

  private static var now: UInt64 { UInt64(rc_now_nanoseconds(CLOCK_BOOTTIME) / 10_000_000) }

  private static func host(_ path: String) -> String { (try? readFile(path, limit: 4 << 20)) ?? "" }

  private mutating func figures() -> Figures {
    let now = Self.now
    if let last, last.time == now { return last.figures }
    let figures = cgroup.figures()
    last = (now, figures)
    return figures
  }

  /// How many processors the container sees.
  public mutating func processorCount() -> Int {
    FileText.processorCount(figures(), online: FileText.list(Self.host("/sys/devices/system/cpu/online")))
  }

  /// `struct sysinfo` of 64 bit.
  public mutating func sysinfo() -> [UInt8] {
    let figures = figures()
    let now = Self.now
    let use = figures.userTime + figures.systemTime
    if now > lastTime {
      load.add(used: Double(use &- min(use, lastUse)) / 1_000_000, in: Double(now - lastTime) / 100)
      (lastUse, lastTime) = (use, now)
    }
    let memory = FileText.memory(host: Self.host("/proc/meminfo"), figures.memory)
    return SystemCallText.sysinfo(memory: memory, seconds: (now - begin) / 100, load, processes: figures.processes)
  }
}

/// The forms in which system calls tell what files tell.
enum SystemCallText {
  /// - Parameters:
  ///   - memory: as in /proc/meminfo.
  ///   - seconds: since the container began.
  static func sysinfo(memory: String, seconds: UInt64, _ load: Load, processes: Int) -> [UInt8] {
    func bytes(_ name: String) -> UInt64 { FileText.field(name, memory) &* 1024 }
    var words = [seconds]
    // SI_LOAD_SHIFT: parts of 65,536.
    for value in [load.one, load.five, load.fifteen] { words.append(UInt64(max(0, value) * 65536)) }
    for name in ["MemTotal", "MemFree", "Shmem", "Buffers", "SwapTotal", "SwapFree"] { words.append(bytes(name)) }
    words.append(UInt64(UInt16(clamping: processes)))
    // No high memory; one unit of memory is a byte.
    words += [0, 0, 1]
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
  }
}

extension MachineFigures {
  /// The first processors of a mask (sched_setaffinity(2)), as many as `count`.
  public static func first(_ count: Int, of mask: [UInt8]) -> [UInt8] {
    var left = count
    return mask.map { byte in
      var kept: UInt8 = 0
      for bit in 0..<8 where byte & 1 << bit != 0 && left > 0 {
        kept |= 1 << bit
        left -= 1
      }
      return kept
    }
  }
}
