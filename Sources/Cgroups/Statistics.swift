import CLinux
import LinuxSystem
import OCISpec

extension Cgroup {
  /// What the processes of the cgroup have used, as the object that `runc events --stats` calls `data`.
  public func writeStatistics(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("cpu")
      writer.object { writer in writeCPU(to: &writer) }
      writer.key("memory")
      writer.object { writer in writeMemory(to: &writer) }
      writer.key("pids")
      writer.object { writer in
        writer.optional("current", number("pids", "pids.current"))
        writer.optional("limit", number("pids", "pids.max"))
      }
      writer.key("blkio")
      writer.object { writer in writeBlockIO(to: &writer) }
      writer.key("hugetlb")
      writer.object { writer in writeHugepages(to: &writer) }
    }
  }

  /// The most memory that its processes had at a time, in bytes; nil if the kernel does not tell.
  public var memoryPeak: UInt64? {
    entry("memory") != nil ? number("memory", "memory.max_usage_in_bytes") : number("memory", "memory.peak")
  }

  /// The most processes and threads that it had at a time; nil if the kernel does not tell (before Linux 6.1).
  public var tasksPeak: UInt64? { number("pids", "pids.peak") }

  func text(_ controller: String, _ file: String) -> String? {
    guard let directory = (entry(controller) ?? unified)?.directory else { return nil }
    return try? readFile(directory + "/" + file)
  }

  func number(_ controller: String, _ file: String) -> UInt64? {
    text(controller, file).flatMap { UInt64(Self.trimmed($0)) }
  }

  /// Lines of a name and a number.
  func table(_ controller: String, _ file: String) -> [(key: String, value: UInt64)] {
    (text(controller, file) ?? "").utf8.split(separator: 0x0a).compactMap { line in
      let parts = line.split(separator: 0x20)
      guard parts.count == 2, let value = UInt64(String(Substring(parts[1]))) else { return nil }
      return (String(Substring(parts[0])), value)
    }
  }

  private func writeCPU(to writer: inout JSONWriter) {
    writer.key("usage")
    if entry("cpuacct") != nil {
      let ticks = UInt64(1_000_000_000 / max(1, rc_clock_ticks()))
      let split = table("cpuacct", "cpuacct.stat")
      writer.object { writer in
        writer.member("total", number("cpuacct", "cpuacct.usage") ?? 0)
        let each = (text("cpuacct", "cpuacct.usage_percpu") ?? "").utf8
          .split { $0 == 0x20 || $0 == 0x0a }.compactMap { UInt64(String(Substring($0))) }
        writer.key("percpu")
        writer.array { writer in for value in each { writer.integer(value) } }
        writer.member("kernel", (split.first { $0.key == "system" }?.value ?? 0) &* ticks)
        writer.member("user", (split.first { $0.key == "user" }?.value ?? 0) &* ticks)
      }
    } else {
      let stat = table("cpu", "cpu.stat")
      func value(_ key: String) -> UInt64 { (stat.first { $0.key == key }?.value ?? 0) &* 1000 }
      writer.object { writer in
        writer.member("total", value("usage_usec"))
        writer.member("kernel", value("system_usec"))
        writer.member("user", value("user_usec"))
      }
    }
    let stat = table("cpu", "cpu.stat")
    func value(_ key: String) -> UInt64? { stat.first { $0.key == key }?.value }
    writer.key("throttling")
    writer.object { writer in
      writer.optional("periods", value("nr_periods"))
      writer.optional("throttledPeriods", value("nr_throttled"))
      writer.optional(
        "throttledTime", value("throttled_time") ?? value("throttled_usec").map { $0 &* 1000 })
    }
  }

  private func writeMemory(to writer: inout JSONWriter) {
    let isV1 = entry("memory") != nil
    let stat = table("memory", "memory.stat")
    writer.member("cache", stat.first { $0.key == (isV1 ? "cache" : "file") }?.value ?? 0)
    if isV1 {
      writeLegacyMemory("usage", "memory", to: &writer)
      writeLegacyMemory("swap", "memory.memsw", to: &writer)
      writeLegacyMemory("kernel", "memory.kmem", to: &writer)
      writeLegacyMemory("kernelTCP", "memory.kmem.tcp", to: &writer)
    } else {
      let usage = number("memory", "memory.current") ?? 0
      let limit = number("memory", "memory.max")
      writer.key("usage")
      writer.object { writer in
        writer.member("limit", limit ?? UInt64.max)
        writer.member("usage", usage)
        writer.optional("max", number("memory", "memory.peak"))
      }
      // As v1 counts: memory and swap together.
      writer.key("swap")
      writer.object { writer in
        let both = number("memory", "memory.swap.max").flatMap { swap in limit.map { $0 &+ swap } }
        writer.member("limit", both ?? UInt64.max)
        writer.member("usage", usage &+ (number("memory", "memory.swap.current") ?? 0))
      }
    }
    writer.key("raw")
    writer.object { writer in for line in stat { writer.member(line.key, line.value) } }
  }

  private func writeLegacyMemory(_ key: String, _ prefix: String, to writer: inout JSONWriter) {
    guard let usage = number("memory", prefix + ".usage_in_bytes") else { return }
    writer.key(key)
    writer.object { writer in
      writer.member("limit", number("memory", prefix + ".limit_in_bytes") ?? UInt64.max)
      writer.member("usage", usage)
      writer.optional("max", number("memory", prefix + ".max_usage_in_bytes"))
      writer.optional("failcnt", number("memory", prefix + ".failcnt"))
    }
  }

  /// Pages of each size that the kernel offers (`hugetlb.2MB.…`).
  private func writeHugepages(to writer: inout JSONWriter) {
    guard let directory = (entry("hugetlb") ?? unified)?.directory,
      let top = try? open(directory, O_RDONLY | O_DIRECTORY), let names = try? list(top.raw)
    else { return }
    let (prefix, suffix, peak) =
      entry("hugetlb") != nil
      ? ("hugetlb.", ".usage_in_bytes", ".max_usage_in_bytes") : ("hugetlb.", ".current", ".peak")
    for name in names {
      let bytes = name.utf8
      guard bytes.starts(with: prefix.utf8), bytes.count > prefix.utf8.count + suffix.utf8.count,
        bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
      else { continue }
      let size = bytes.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
      if size.contains(0x2e) { continue }  // `2MB.rsvd` counts what is reserved
      let page = prefix + String(Substring(size))
      writer.key(String(Substring(size)))
      writer.object { writer in
        writer.member("usage", number("hugetlb", name) ?? 0)
        writer.optional("max", number("hugetlb", page + peak))
        let failures =
          number("hugetlb", page + ".failcnt")
          ?? table("hugetlb", page + ".events").first { $0.key == "max" }?.value
        writer.member("failcnt", failures ?? 0)
      }
    }
  }

  private func writeBlockIO(to writer: inout JSONWriter) {
    if entry("blkio") == nil { return writeUnifiedIO(to: &writer) }
    for (key, file) in [
      ("ioServiceBytesRecursive", "blkio.throttle.io_service_bytes_recursive"),
      ("ioServicedRecursive", "blkio.throttle.io_serviced_recursive"),
    ] {
      writer.key(key)
      writer.array { writer in
        for line in (text("blkio", file) ?? "").utf8.split(separator: 0x0a) {
          let parts = line.split { $0 == 0x20 || $0 == 0x3a }.map { String(Substring($0)) }
          guard parts.count == 4, let major = UInt64(parts[0]), let minor = UInt64(parts[1]),
            let value = UInt64(parts[3])
          else { continue }
          writeOperation(major, minor, parts[2], value, to: &writer)
        }
      }
    }
  }

  /// `io.stat`: a line for each device, such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`.
  private func writeUnifiedIO(to writer: inout JSONWriter) {
    let lines = (text("io", "io.stat") ?? "").utf8.split(separator: 0x0a)
    for (key, operations) in [
      ("ioServiceBytesRecursive", [("rbytes", "Read"), ("wbytes", "Write")]),
      ("ioServicedRecursive", [("rios", "Read"), ("wios", "Write")]),
    ] {
      writer.key(key)
      writer.array { writer in
        for line in lines {
          let parts = line.split { $0 == 0x20 || $0 == 0x3a || $0 == 0x3d }.map {
            String(Substring($0))
          }
          guard parts.count > 2, let major = UInt64(parts[0]), let minor = UInt64(parts[1]) else {
            continue
          }
          for (name, operation) in operations {
            guard let index = parts.firstIndex(of: name), index + 1 < parts.count,
              let value = UInt64(parts[index + 1])
            else { continue }
            writeOperation(major, minor, operation, value, to: &writer)
          }
        }
      }
    }
  }

  private func writeOperation(
    _ major: UInt64, _ minor: UInt64, _ operation: String, _ value: UInt64,
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("major", major)
      writer.member("minor", minor)
      writer.member("op", operation)
      writer.member("value", value)
    }
  }

  /// How often the kernel ended a process of the cgroup for want of memory.
  public var oomKills: UInt64 {
    let file = entry("memory") != nil ? "memory.oom_control" : "memory.events"
    return table("memory", file).first { $0.key == "oom_kill" }?.value ?? 0
  }
}
