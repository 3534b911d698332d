import Cgroups

/// What a container's own files say. Each has the form of the host's (proc(5), kernel documentation, filesystems/proc),
/// because programs know it by heart.
enum FileText {
  /// Ticks of a second in /proc (USER_HZ).
  private static let ticks: UInt64 = 100

  // MARK: processors

  /// How many processors a container sees: those that it may use, and no more than its quota keeps busy.
  static func processorCount(_ figures: Figures, online: [Int]) -> Int {
    let allowed = processors(figures, online: online).count
    guard let quota = figures.quota else { return allowed }
    return max(1, min(allowed, Int(clamping: (quota + 999) / 1000)))
  }

  /// The processors that a container may use, by the host's numbers.
  static func processors(_ figures: Figures, online: [Int]) -> [Int] {
    let named = list(figures.processors)
    let allowed = online.filter { named.contains($0) }
    return allowed.isEmpty ? online.isEmpty ? [0] : online : allowed
  }

  /// Numbers of a list such as `0-3,7`; empty for what is none.
  static func list(_ text: String) -> [Int] {
    var all: [Int] = []
    for part in text.utf8.split(separator: 0x2c) {
      let ends = part.split(separator: 0x2d).map { end in
        Int(String(decoding: end.filter { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)) ?? -1
      }
      guard let first = ends.first, let last = ends.last, first >= 0, last >= first, last < 65536 else { return [] }
      all += first...last
    }
    return all
  }

  /// /sys/devices/system/cpu/online and its like.
  static func processorList(_ count: Int) -> String { count == 1 ? "0\n" : "0-\(count - 1)\n" }

  /// The host's /proc/cpuinfo with the first `count` of the processors in `allowed`, under numbers from 0 on.
  static func processorInformation(host: String, allowed: [Int], count: Int) -> String {
    var text: [UInt8] = []
    var number = 0
    // Paragraphs, of which those of processors begin with "processor : N".
    var paragraph: [UInt8] = []
    var isWanted = true
    func field(_ line: Substring.UTF8View) -> Int? {
      guard line.starts(with: "processor".utf8), let colon = line.firstIndex(of: 0x3a) else { return nil }
      let digits = line[line.index(after: colon)...].filter { $0 != 0x20 && $0 != 0x09 }
      return Int(String(decoding: digits, as: UTF8.self))
    }
    func end() {
      if isWanted { text += paragraph }
      paragraph = []
      isWanted = true
    }
    var lines = Substring(host).utf8.split(separator: 0x0a, omittingEmptySubsequences: false)
    // What is behind the last end of a line is no line.
    if lines.last?.isEmpty == true { lines.removeLast() }
    for line in lines {
      if let found = field(Substring(line).utf8) {
        isWanted = number < count && allowed.contains(found)
        if isWanted {
          paragraph += Array("processor\t: \(number)\n".utf8)
          number += 1
        }
      } else if line.isEmpty {
        if !paragraph.isEmpty { paragraph.append(0x0a) }
        end()
      } else {
        paragraph += Array(line) + [0x0a]
      }
    }
    end()
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: time

  /// /proc/uptime.
  /// - Parameter up: hundredths of a second since the container began.
  static func uptime(_ figures: Figures, up: UInt64, processors: Int) -> String {
    hundredths(up) + " " + hundredths(idle(figures, up, processors)) + "\n"
  }

  private static func used(_ figures: Figures) -> (user: UInt64, system: UInt64) {
    (figures.userTime * ticks / 1_000_000, figures.systemTime * ticks / 1_000_000)
  }

  private static func idle(_ figures: Figures, _ up: UInt64, _ processors: Int) -> UInt64 {
    let (user, system) = used(figures)
    let all = up * UInt64(processors)
    return all > user + system ? all - user - system : 0
  }

  /// `12.05` for 1205.
  private static func hundredths(_ value: UInt64) -> String {
    let rest = value % 100
    return String(value / 100) + (rest < 10 ? ".0" : ".") + String(rest)
  }

  /// /proc/stat: the container's time, in equal parts on its processors.
  /// - Parameter start: when the container began, in seconds since 1970.
  static func statistics(_ figures: Figures, up: UInt64, processors: Int, start: UInt64) -> String {
    let (user, system) = used(figures)
    let idle = idle(figures, up, processors)
    func line(_ name: String, _ share: (UInt64) -> UInt64) -> String {
      name + " " + String(share(user)) + " 0 " + String(share(system)) + " " + String(share(idle)) + " 0 0 0 0 0 0\n"
    }
    var text = line("cpu ") { $0 }
    let count = UInt64(processors)
    for number in 0..<count {
      // What can't be divided goes to the first.
      text += line("cpu\(number)") { $0 / count + (number == 0 ? $0 % count : 0) }
    }
    text += "intr 0\nctxt 0\nbtime \(start)\nprocesses \(figures.processes)\nprocs_running 1\nprocs_blocked 0\n"
    return text + "softirq 0 0 0 0 0 0 0 0 0 0 0\n"
  }

  /// /proc/loadavg.
  static func load(_ load: Load, processes: Int) -> String {
    var text = ""
    for value in [load.one, load.five, load.fifteen] { text += hundredths(UInt64(max(0, value) * 100 + 0.5)) + " " }
    return text + "1/\(max(1, processes)) \(max(1, processes))\n"
  }

  // MARK: memory

  /// /proc/meminfo. Without a limit it is the host's.
  static func memory(host: String, _ figures: Figures.Memory) -> String {
    let total = field("MemTotal", host) * 1024
    guard let limit = figures.limit, limit < total else { return host }
    let used = min(figures.used, limit)
    let free = limit - used
    let reclaimable = min(used, figures.activeFile + figures.inactiveFile + figures.reclaimableSlab)
    let swap = swap(host: host, figures)
    // The host's lines in its order; what is not known of the container is nothing.
    let known: [(name: String, value: UInt64)] = [
      ("MemTotal", limit), ("MemFree", free), ("MemAvailable", free + reclaimable), ("Cached", figures.file),
      ("Active", figures.activeAnonymous + figures.activeFile),
      ("Inactive", figures.inactiveAnonymous + figures.inactiveFile), ("Active(anon)", figures.activeAnonymous),
      ("Inactive(anon)", figures.inactiveAnonymous), ("Active(file)", figures.activeFile),
      ("Inactive(file)", figures.inactiveFile), ("Unevictable", figures.unevictable), ("SwapTotal", swap.total),
      ("SwapFree", swap.total - swap.used), ("Dirty", figures.dirty), ("Writeback", figures.writeback),
      ("AnonPages", figures.anonymous), ("Mapped", figures.mapped), ("Shmem", figures.shared),
      ("KReclaimable", figures.reclaimableSlab), ("Slab", figures.reclaimableSlab + figures.unreclaimableSlab),
      ("SReclaimable", figures.reclaimableSlab), ("SUnreclaim", figures.unreclaimableSlab),
      ("CommitLimit", limit + swap.total), ("Committed_AS", figures.anonymous),
      ("Hugepagesize", field("Hugepagesize", host) * 1024), ("VmallocTotal", field("VmallocTotal", host) * 1024),
    ]
    var text = ""
    for line in host.utf8.split(separator: 0x0a) {
      guard let colon = line.firstIndex(of: 0x3a) else { continue }
      let name = String(Substring(line[..<colon]))
      let value = known.first { $0.name == name }?.value ?? 0
      // HugePages_Total and its like are numbers of pages.
      let hasUnit = line.reversed().starts(with: "Bk".utf8)
      let digits = String(hasUnit ? value / 1024 : value)
      let width = max(1, 24 - name.utf8.count - digits.utf8.count - 1)
      text += name + ":" + String(repeating: " ", count: width) + digits + (hasUnit ? " kB\n" : "\n")
    }
    return text
  }

  private static func swap(host: String, _ figures: Figures.Memory) -> (total: UInt64, used: UInt64) {
    let total = min(field("SwapTotal", host) * 1024, figures.swapLimit ?? UInt64.max)
    return (total, min(total, figures.swapUsed))
  }

  /// A number of /proc/meminfo.
  static func field(_ name: String, _ text: String) -> UInt64 {
    for line in text.utf8.split(separator: 0x0a) where line.starts(with: (name + ":").utf8) {
      let digits = line.filter { $0 >= 0x30 && $0 <= 0x39 }
      return UInt64(String(decoding: digits, as: UTF8.self)) ?? 0
    }
    return 0
  }

  /// /proc/swaps: one line for all that the container may use.
  static func swaps(host: String, _ figures: Figures.Memory) -> String {
    let header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    let swap = swap(host: host, figures)
    if swap.total == 0 { return header }
    return header + "none\t\t\t\tvirtual\t\t\(swap.total / 1024)\t\(swap.used / 1024)\t\t0\n"
  }
}

/// How busy a container was in the last one, five and fifteen minutes: how many processors it used on average, with what is
/// longer ago counting less. The host's says how many wanted one, which a cgroup does not tell.
struct Load: Equatable {
  private(set) var one = 0.0
  private(set) var five = 0.0
  private(set) var fifteen = 0.0

  /// - Parameters:
  ///   - used: seconds of processors.
  ///   - time: seconds in which that was.
  mutating func add(used: Double, in time: Double) {
    guard time > 0 else { return }
    let mean = used / time
    one = mean + (one - mean) * Self.decay(time / 60)
    five = mean + (five - mean) * Self.decay(time / 300)
    fifteen = mean + (fifteen - mean) * Self.decay(time / 900)
  }

  /// e^-x for x from 0 on: by the first terms of its series for a small part of x, and squares of that.
  static func decay(_ x: Double) -> Double {
    if x > 700 { return 0 }
    let part = x / 1024
    var value = 1 - part + part * part / 2 - part * part * part / 6
    for _ in 0..<10 { value *= value }
    return value
  }
}
