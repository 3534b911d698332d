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
    }
  }

  private func text(_ controller: String, _ file: String) -> String? {
    guard let directory = (entry(controller) ?? unified)?.directory else { return nil }
    return try? readFile(directory + "/" + file)
  }

  private func number(_ controller: String, _ file: String) -> UInt64? {
    text(controller, file).flatMap { UInt64(Self.trimmed($0)) }
  }

  /// Lines of a name and a number.
  private func table(_ controller: String, _ file: String) -> [(key: String, value: UInt64)] {
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
      writer.optional("throttledTime", value("throttled_time") ?? value("throttled_usec").map { $0 &* 1000 })
    }
  }

  private func writeMemory(to writer: inout JSONWriter) {
    let isV1 = entry("memory") != nil
    func usage(_ usage: String, _ limit: String, _ peak: String, _ failures: String?) -> (inout JSONWriter) -> Void {
      { writer in
        writer.object { writer in
          writer.member("limit", number("memory", limit) ?? UInt64.max)
          writer.member("usage", number("memory", usage) ?? 0)
          writer.optional("max", number("memory", peak))
          writer.optional("failcnt", failures.flatMap { number("memory", $0) })
        }
      }
    }
    let stat = table("memory", "memory.stat")
    writer.member("cache", stat.first { $0.key == (isV1 ? "cache" : "file") }?.value ?? 0)
    writer.key("usage")
    if isV1 {
      usage(
        "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.max_usage_in_bytes",
        "memory.failcnt")(&writer)
      writer.key("swap")
      usage(
        "memory.memsw.usage_in_bytes", "memory.memsw.limit_in_bytes",
        "memory.memsw.max_usage_in_bytes", "memory.memsw.failcnt")(&writer)
    } else {
      usage("memory.current", "memory.max", "memory.peak", nil)(&writer)
      writer.key("swap")
      usage("memory.swap.current", "memory.swap.max", "memory.swap.peak", nil)(&writer)
    }
    writer.key("raw")
    writer.object { writer in for line in stat { writer.member(line.key, line.value) } }
  }

  private func writeBlockIO(to writer: inout JSONWriter) {
    guard entry("blkio") != nil else { return }
    writer.key("ioServiceBytesRecursive")
    writer.array { writer in
      for line in (text("blkio", "blkio.throttle.io_service_bytes_recursive") ?? "").utf8
        .split(separator: 0x0a)
      {
        let parts = line.split { $0 == 0x20 || $0 == 0x3a }.map { String(Substring($0)) }
        guard parts.count == 4, let major = UInt64(parts[0]), let minor = UInt64(parts[1]),
          let value = UInt64(parts[3])
        else { continue }
        writer.object { writer in
          writer.member("major", major)
          writer.member("minor", minor)
          writer.member("op", parts[2])
          writer.member("value", value)
        }
      }
    }
  }

  /// How often the kernel ended a process of the cgroup for want of memory.
  public var oomKills: UInt64 {
    let file = entry("memory") != nil ? "memory.oom_control" : "memory.events"
    return table("memory", file).first { $0.key == "oom_kill" }?.value ?? 0
  }
}
