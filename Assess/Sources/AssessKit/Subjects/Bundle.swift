import Foundation

/// A bundle of the runtime-spec in the workspace: `config.json` and a root file system that holds the payload and little else.
public struct Bundle: Sendable {
  public let path: String
  public var root: String { path + "/rootfs" }

  /// - Parameters:
  ///   - payload: the static program that becomes `/probe`.
  ///   - name: of the bundle and its control group.
  ///   - patches: changes of the configuration that docker writes, in this order.
  /// - Throws: `AssessError`.
  public init(
    _ workspace: Workspace, name: String, payload: String, patches: [JSON], arguments: [String]
  ) throws {
    path = workspace.path + "/bundles/" + name
    try? FileManager.default.removeItem(atPath: path)
    try workspace.makeDirectory(path, mode: 0o711)
    for folder in ["", "/proc", "/sys", "/dev", "/etc", "/root", "/mnt", "/home", "/bin"] {
      try workspace.makeDirectory(path + "/rootfs" + folder)
    }
    try workspace.makeDirectory(path + "/rootfs/tmp", mode: 0o1777)
    let files = path + "/rootfs/etc"
    try Self.put(payload, in: path + "/rootfs")
    do {
      try System.write(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n", to: files + "/passwd")
      try System.write("root:x:0:\nnogroup:x:65534:\n", to: files + "/group")
    } catch { throw AssessError("the bundle \(path) cannot be made: \(error)") }
    var config = try Configuration.base()
    config["process"]["args"] = .array((["/probe"] + arguments).map(JSON.string))
    config["linux"]["cgroupsPath"] = .string("/" + name)
    for patch in patches { config = config.merged(patch) }
    Self.place(&config)
    Self.capabilities(&config)
    Self.deny(&config)
    if geteuid() != 0 {
      config = Configuration.rootless(config)
    } else if !config["linux"]["uidMappings"].elements.isEmpty {
      Self.give(path + "/rootfs", to: uid_t(Configuration.firstID))
      // What a user namespace has no rights to mount anew is not needed for what is tried.
      config["linux"]["sysctl"] = .null
    }
    try write(config)
  }

  /// Makes the payload a root file system's `/probe`, anew if it is there. A copy, not a link: a probe that overwrites it harms no other.
  static func put(_ payload: String, in root: String) throws {
    let program = root + "/probe"
    System.unlink(program)
    do { try FileManager.default.copyItem(atPath: payload, toPath: program) } catch {
      throw AssessError("\(program) cannot be made: \(error)")
    }
    System.mode(program, 0o755)
  }

  public func write(_ config: JSON) throws {
    do { try System.write(String(decoding: config.data, as: UTF8.self), to: path + "/config.json") } catch {
      throw AssessError("\(path)/config.json cannot be written: \(error)")
    }
  }

  /// A member `place` names the network namespace that the container joins.
  private static func place(_ config: inout JSON) {
    guard let path = config["place"].string else { return }
    config["place"] = .null
    // A patch that gives the container the host's network has taken the namespace out.
    config["linux"]["namespaces"].elements = config["linux"]["namespaces"].elements.map { namespace in
      guard namespace["type"].string == "network" else { return namespace }
      return ["type": "network", "path": .string(path)]
    }
  }

  /// A member `capabilities` with the value `all` stands for every one that this host's root has.
  private static func capabilities(_ config: inout JSON) {
    guard config["capabilities"].string == "all" else { return }
    config["capabilities"] = .null
    let status = System.text("/proc/self/status")
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
    let mask = UInt64(line.dropFirst("CapEff:".count).trimmingCharacters(in: .whitespaces), radix: 16) ?? 0
    // capabilities(7), in the order of their numbers.
    let names = """
      CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE \
      NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN \
      SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE \
      MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
      """
    let all = names.split(separator: " ").enumerated().filter { mask >> UInt64($0.offset) & 1 == 1 }
      .map { JSON.string("CAP_" + $0.element) }
    for set in ["bounding", "effective", "permitted"] { config["process"]["capabilities"][set] = .array(all) }
  }

  /// A member `deny` lists system calls that answer EPERM.
  private static func deny(_ config: inout JSON) {
    let denied = config["deny"].elements.compactMap(\.string)
    config["deny"] = .null
    guard !denied.isEmpty else { return }
    if config["linux"]["seccomp"] == .null {
      config["linux"]["seccomp"] = ["defaultAction": "SCMP_ACT_ALLOW", "syscalls": []]
    } else {
      config["linux"]["seccomp"]["syscalls"].elements = config["linux"]["seccomp"]["syscalls"].elements.compactMap {
        rule in
        var rule = rule
        rule["names"].elements = rule["names"].elements.filter { !denied.contains($0.string ?? "") }
        return rule["names"].elements.isEmpty ? nil : rule
      }
    }
    if config["linux"]["seccomp"]["defaultAction"].string == "SCMP_ACT_ALLOW" {
      config["linux"]["seccomp"]["syscalls"].elements.append(
        ["names": .array(denied.map(JSON.string)), "action": "SCMP_ACT_ERRNO", "errnoRet": 1])
    }
  }

  private static func give(_ folder: String, to owner: uid_t) {
    System.owner(folder, owner)
    let below = FileManager.default.enumerator(atPath: folder)
    while let entry = below?.nextObject() as? String { System.owner(folder + "/" + entry, owner) }
  }
}
