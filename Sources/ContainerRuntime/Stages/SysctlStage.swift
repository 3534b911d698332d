import CLinux
import LinuxSystem
import OCISpec

/// Kernel parameters of the container's own namespaces.
enum SysctlStage {
  /// Writes them through a procfs of our own, which nothing of the container can stand in for
  /// (CVE-2025-52881, CVE-2019-16884).
  static func apply(_ parameters: [StringPair]) throws(RuntimeError) {
    if parameters.isEmpty { return }
    let procfs = try PrivateProcfs()
    for parameter in parameters {
      let place = "linux.sysctl (" + parameter.key + ")"
      let path = "sys/" + Self.path(parameter.key)
      try at(.sysctl, place) { () throws(Errno) in
        try procfs.write(path, parameter.value)
      }
    }
  }

  /// Refuses parameters that aren't of a namespace that the container has for itself.
  static func check(_ parameters: [StringPair], isolated: Int32, hostname: Bool) throws(RuntimeError) {
    for parameter in parameters {
      let name = parameter.key.utf8.map { $0 == 0x2f ? 0x2e : $0 }
      guard let kind = namespace(of: name) else {
        throw RuntimeError(
          .sysctl, "linux.sysctl (" + parameter.key + "): not in a separate kernel namespace")
      }
      guard isolated & kind != 0 else {
        throw RuntimeError(
          .sysctl,
          "linux.sysctl (" + parameter.key + "): not allowed in the host's "
            + Namespaces.name(kind) + " namespace",
          hint: "give the container a " + Namespaces.name(kind) + " namespace")
      }
      if hostname && name.elementsEqual("kernel.hostname".utf8) {
        throw RuntimeError(
          .sysctl, "linux.sysctl (kernel.hostname): conflicts with hostname", hint: "set one of them")
      }
    }
  }

  private static func namespace(of name: [UInt8]) -> Int32? {
    let ipc: [StaticString] = [
      "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
      "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ]
    if ipc.contains(where: { $0.description.utf8.elementsEqual(name) }) { return CLONE_NEWIPC }
    if name.starts(with: "fs.mqueue.".utf8) { return CLONE_NEWIPC }
    if name.starts(with: "net.".utf8) { return CLONE_NEWNET }
    if name.elementsEqual("kernel.domainname".utf8) || name.elementsEqual("kernel.hostname".utf8) {
      return CLONE_NEWUTS
    }
    return nil
  }

  /// `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.1/…`: when the first separator is a slash, dots are part
  /// of names (sysctl(8)).
  static func path(_ name: String) -> String {
    let bytes = Array(name.utf8)
    guard let first = bytes.first(where: { $0 == 0x2e || $0 == 0x2f }), first == 0x2e else {
      return name
    }
    let swapped = bytes.map { $0 == 0x2e ? 0x2f : ($0 == 0x2f ? 0x2e : $0) }
    return String(decoding: swapped, as: UTF8.self)
  }
}

/// A procfs that only this process can reach: mounted nowhere, so nothing lies over it.
struct PrivateProcfs: ~Copyable {
  private let root: Descriptor

  init() throws(RuntimeError) {
    root = try at(.sysctl, "opening a private procfs") { () throws(Errno) in
      do throws(Errno) {
        return try FileSystemContext(type: "proc").mount(
          attributes: UInt32(RC_ATTR_NOSUID | RC_ATTR_NODEV | RC_ATTR_NOEXEC))
      } catch  where error == .notPermitted || error == .notImplemented {
        // In a user namespace that doesn't own this pid namespace: the one in sight, if it is a procfs.
        let present = try open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW)
        guard try fileSystem(of: present.raw).magic == UInt32(RC_PROC_SUPER_MAGIC) else {
          throw .noDevice
        }
        return present
      }
    }
  }

  /// Writes to a file of it; nothing mounted on the way is crossed.
  borrowing func write(_ path: String, _ text: String) throws(Errno) {
    let file = try open(
      path, at: root.raw, O_WRONLY, resolve: [.beneath, .noMagicLinks, .noMountCrossing])
    guard try fileSystem(of: file.raw).magic == UInt32(RC_PROC_SUPER_MAGIC) else { throw .noDevice }
    try writeAll(file.raw, text)
  }
}
