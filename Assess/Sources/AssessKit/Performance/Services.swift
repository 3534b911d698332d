import Foundation

/// A program of the host that is measured in a container, which sees the host's `/usr` and its like read-only.
struct Service: Sendable {
  let id: String
  let title: String
  let unit: String
  let what: String
  let program: String
  /// Debian's name.
  let package: String

  static let all = [
    Service(
      id: "redis-set", title: "redis, SET", unit: "requests/s",
      what: "SET of a short key by 8 connections on a Unix socket.",
      program: "redis-server", package: "redis-server"),
    Service(
      id: "redis-get", title: "redis, GET", unit: "requests/s",
      what: "GET of a short key by 8 connections on a Unix socket.",
      program: "redis-server", package: "redis-server"),
    Service(
      id: "nginx", title: "nginx", unit: "requests/s",
      what: "A page of 4 KiB by 8 connections over the container's loopback.",
      program: "nginx", package: "nginx-light"),
    Service(
      id: "sqlite-insert", title: "sqlite, INSERT", unit: "rows/s",
      what: "Rows, each in a transaction of its own, into a file in memory.", program: "sqlite3", package: "sqlite3"),
    Service(
      id: "python-start", title: "Python's start", unit: "runs/s", what: "python3 imports json and http.server.",
      program: "python3", package: "python3"),
    Service(
      id: "compile", title: "A compiler", unit: "runs/s", what: "gcc -O1 of 100 functions.", program: "gcc",
      package: "gcc"),
  ]

  private static let folders = ["/usr/bin", "/usr/sbin"]
  var isInstalled: Bool { Self.folders.contains { System.isExecutable($0 + "/" + program) } }

  /// Installs what is missing, without starting it on the host.
  ///
  /// - Throws: `AssessError` if a package can't be had.
  static func install(scratch: String) async throws {
    let missing = Set(all.filter { !$0.isInstalled }.map(\.package)).sorted()
    if missing.isEmpty { return }
    guard geteuid() == 0, System.isExecutable("/usr/bin/apt-get") else {
      throw AssessError(
        "\(missing.joined(separator: ", ")) cannot be installed", hint: "--install needs root, and Debian's apt-get")
    }
    // Debian's policy-rc.d: 101 forbids a package to start its service.
    let policy = "/usr/sbin/policy-rc.d"
    let ours = !System.exists(policy)
    if ours {
      try? "#!/bin/sh\nexit 101\n".write(toFile: policy, atomically: false, encoding: .utf8)
      System.mode(policy, 0o755)
    }
    defer { if ours { System.unlink(policy) } }
    let outcome = try await Command.run(
      ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"] + missing, scratch: scratch, limit: 600,
      environment: ["DEBIAN_FRONTEND": "noninteractive"])
    guard outcome.succeeded else {
      throw AssessError("apt-get: \(outcome.lastLine)", hint: "`apt-get update` may help")
    }
  }

  /// The host's programs, as a merge patch of the configuration.
  static func patch() -> JSON {
    var mounts: [JSON] = []
    func bind(_ path: String) {
      guard System.exists(path) else { return }
      mounts.append([
        "destination": .string(path), "type": "bind", "source": .string(path),
        "options": ["rbind", "ro", "nosuid", "nodev"],
      ])
    }
    for path in ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"] { bind(path) }
    mounts.append([
      "destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "nodev", "mode=1777", "size=256m"],
    ])
    return ["+mounts": .array(mounts)]
  }
}
