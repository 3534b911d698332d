import CLinux
import LinuxSystem
import OCISpec

/// Writes the id maps of a user namespace (user_namespaces(7)).
struct UserMappings {
  let uids: [OCISpec.IDMapping]
  let gids: [OCISpec.IDMapping]

  /// Whether the members of the namespace may call setgroups(2): not where an ordinary user maps itself.
  var allowsSetGroups: Bool { isPrivileged || usesHelpers }

  private var isPrivileged: Bool { effectiveUser() == 0 }

  /// An ordinary user may map its own id alone; for more there are newuidmap(1) and newgidmap(1).
  private var usesHelpers: Bool {
    !isPrivileged && !(isSelf(uids, effectiveUser()) && isSelf(gids, effectiveGroup()))
  }

  private func isSelf(_ maps: [OCISpec.IDMapping], _ id: UInt32) -> Bool {
    maps.count == 1 && maps[0].size == 1 && maps[0].hostID == id
  }

  /// Maps the user namespace that `pid` was born in.
  func write(pid: Int32) throws(RuntimeError) {
    if uids.isEmpty || gids.isEmpty {
      throw RuntimeError(
        .userMappings, "a user namespace needs linux.uidMappings and linux.gidMappings")
    }
    if usesHelpers {
      try help("newuidmap", pid, uids)
      try help("newgidmap", pid, gids)
      return
    }
    let process = try at(.userMappings, "/proc/\(pid)") { () throws(Errno) in
      try open("/proc/\(pid)", O_PATH | O_DIRECTORY)
    }
    if !isPrivileged {
      try at(.userMappings, "writing setgroups") { () throws(Errno) in
        try writeFile("setgroups", at: process.raw, "deny")
      }
    }
    try at(.userMappings, "writing uid_map") { () throws(Errno) in
      try writeFile("uid_map", at: process.raw, text(uids))
    }
    try at(.userMappings, "writing gid_map") { () throws(Errno) in
      try writeFile("gid_map", at: process.raw, text(gids))
    }
  }

  private func text(_ maps: [OCISpec.IDMapping]) -> String {
    var text = ""
    for map in maps { text += "\(map.containerID) \(map.hostID) \(map.size)\n" }
    return text
  }

  private func help(_ name: String, _ pid: Int32, _ maps: [OCISpec.IDMapping]) throws(RuntimeError) {
    var arguments = [name, String(pid)]
    for map in maps {
      arguments += [String(map.containerID), String(map.hostID), String(map.size)]
    }
    let path = try Self.helperPath(name)
    switch try at(.userMappings, name, { () throws(Errno) in try clone(flags: 0) }) {
    case .child:
      do throws(Errno) {
        try execute(path, arguments: arguments, environment: environment())
      } catch { exitNow(127) }
    case .parent(let child, _):
      let ended = try at(.userMappings, name) { () throws(Errno) in try wait(child) }
      guard ended?.status == .exited(0) else {
        throw RuntimeError(
          .userMappings, name + " failed", hint: "does /etc/subuid or /etc/subgid allow these ids?")
      }
    }
  }

  private static func helperPath(_ name: String) throws(RuntimeError) -> String {
    for directory in ["/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/"]
    where canAccess(directory + name, mode: X_OK) { return directory + name }
    throw RuntimeError(
      .userMappings, name + " is not installed", hint: "install the package uidmap, or map one id")
  }
}
