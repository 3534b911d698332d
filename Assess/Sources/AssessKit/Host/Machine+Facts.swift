import Foundation

extension Machine {
  /// This host.
  public static func current() -> Machine {
    func field(_ name: String, of text: String) -> String? {
      text.split(separator: "\n").first { $0.hasPrefix(name) }
        .flatMap { $0.split(whereSeparator: { ":=".contains($0) }).dropFirst().first }
        .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t\"")) }
    }
    let processors = System.text("/proc/cpuinfo")
    let memory =
      field("MemTotal", of: System.text("/proc/meminfo"))?.split(separator: " ").first.flatMap { UInt64($0) } ?? 0
    let unified = System.exists("/sys/fs/cgroup/cgroup.controllers")
    let mounts = System.text("/proc/self/mounts")
    #if arch(arm64)
      let architecture = "aarch64"
    #else
      let architecture = "x86_64"
    #endif
    return Machine(
      kernel: System.text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
      architecture: architecture,
      processor: field("model name", of: processors) ?? field("CPU part", of: processors) ?? "unknown",
      processors: ProcessInfo.processInfo.activeProcessorCount, memory: memory * 1024,
      cgroups: unified ? "v2" : mounts.contains(" cgroup2 ") ? "hybrid" : "v1",
      distribution: field("PRETTY_NAME", of: System.text("/etc/os-release")) ?? "unknown", root: geteuid() == 0)
  }

  /// The payload of this machine's architecture, below the directory `data`.
  ///
  /// - Throws: `AssessError` if it is not there.
  func payload(in data: String) throws -> String {
    let payload = data + "/payload-" + architecture
    guard System.isExecutable(payload) else {
      throw AssessError("the payload \(payload) is missing", hint: "`make assess` builds it")
    }
    return payload
  }

  /// Changes with every boot.
  static var boot: String {
    System.text("/proc/sys/kernel/random/boot_id").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The first processor that we may use, as cpuset(7) writes it, if control groups here can keep a container on it.
  static var cpuset: String? {
    let unified = System.text("/sys/fs/cgroup/cgroup.controllers").split(whereSeparator: \.isWhitespace)
    guard geteuid() == 0, unified.contains("cpuset") || System.isDirectory("/sys/fs/cgroup/cpuset") else { return nil }
    return System.text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?
      .split(whereSeparator: { !$0.isNumber }).first.map(String.init)
  }
}
