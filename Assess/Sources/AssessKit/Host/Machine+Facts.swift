import Foundation

extension Machine {
  /// This host.
  public static func current() -> Machine {
    func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
    func field(_ name: String, of text: String) -> String? {
      text.split(separator: "\n").first { $0.hasPrefix(name) }
        .flatMap { $0.split(whereSeparator: { ":=".contains($0) }).dropFirst().first }
        .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"")) }
    }
    let processors = text("/proc/cpuinfo")
    let memory = field("MemTotal", of: text("/proc/meminfo"))?.split(separator: " ").first.flatMap { UInt64($0) } ?? 0
    let unified = System.exists("/sys/fs/cgroup/cgroup.controllers")
    let mounts = text("/proc/self/mounts")
    #if arch(arm64)
      let architecture = "aarch64"
    #else
      let architecture = "x86_64"
    #endif
    return Machine(
      kernel: text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
      architecture: architecture,
      processor: field("model name", of: processors) ?? field("CPU part", of: processors) ?? "unknown",
      processors: ProcessInfo.processInfo.activeProcessorCount, memory: memory * 1024,
      cgroups: unified ? "v2" : mounts.contains(" cgroup2 ") ? "hybrid" : "v1",
      distribution: field("PRETTY_NAME", of: text("/etc/os-release")) ?? "unknown", root: geteuid() == 0)
  }

  /// Changes with every boot.
  static var boot: String {
    ((try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "")
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The first processor that we may use, as cpuset(7) writes it, if control groups here can keep a container on it.
  static var cpuset: String? {
    func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
    let unified = text("/sys/fs/cgroup/cgroup.controllers").split(whereSeparator: \.isWhitespace)
    guard geteuid() == 0, unified.contains("cpuset") || System.isDirectory("/sys/fs/cgroup/cpuset") else { return nil }
    return text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?
      .split(whereSeparator: { !$0.isNumber }).first.map(String.init)
  }
}
