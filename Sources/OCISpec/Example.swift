extension Spec {
  /// A configuration to start from, as `spec` writes it: a shell on a terminal, with the rights that are
  /// usual.
  /// - Parameter rootless: for an ordinary user with these ids, who maps only itself.
  public static func example(rootless: (uid: UInt32, gid: UInt32)? = nil) -> Spec {
    var spec = Spec()
    spec.ociVersion = State.version
    spec.process = exampleProcess()
    spec.root = Root()
    spec.root?.path = "rootfs"
    spec.root?.readonly = true
    spec.hostname = "rcontainer"
    spec.mounts = exampleMounts(rootless: rootless != nil)
    var linux = Linux()
    linux.namespaces = [.pid, .network, .ipc, .uts, .mount, .cgroup].map { LinuxNamespace($0) }
    linux.maskedPaths = maskedPaths
    linux.readonlyPaths = readonlyPaths
    if let rootless {
      linux.namespaces = [.pid, .ipc, .uts, .mount, .cgroup, .user].map { LinuxNamespace($0) }
      linux.uidMappings = [IDMapping(0, host: rootless.uid, 1)]
      linux.gidMappings = [IDMapping(0, host: rootless.gid, 1)]
    } else {
      var resources = Resources()
      var rule = DeviceRule()
      rule.allow = false
      rule.access = "rwm"
      resources.devices = [rule]
      linux.resources = resources
    }
    spec.linux = linux
    return spec
  }

  /// Files of /proc and /sys that tell of the host, or change it.
  public static let maskedPaths = [
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
  ]

  /// Parts of /proc that must not be written to.
  public static let readonlyPaths = [
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
  ]

  private static func exampleProcess() -> Process {
    var process = Process()
    process.terminal = true
    process.args = ["sh"]
    process.env = [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
    ]
    process.cwd = "/"
    process.noNewPrivileges = true
    let names = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    var capabilities = Capabilities()
    capabilities.bounding = names
    capabilities.effective = names
    capabilities.permitted = names
    process.capabilities = capabilities
    var limit = POSIXRlimit()
    limit.type = "RLIMIT_NOFILE"
    limit.hard = 1024
    limit.soft = 1024
    process.rlimits = [limit]
    return process
  }

  private static func exampleMounts(rootless: Bool) -> [Mount] {
    var mounts = [
      Mount("/proc", "proc", "proc", []),
      Mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      Mount(
        "/dev/pts", "devpts", "devpts",
        ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
          + (rootless ? [] : ["gid=5"])),
      Mount(
        "/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
      Mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ]
    if rootless {
      // sysfs belongs to the network namespace, which stays the host's.
      mounts.append(Mount("/sys", "none", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"]))
    } else {
      mounts.append(Mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]))
      mounts.append(
        Mount(
          "/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]))
    }
    return mounts
  }
}

extension Mount {
  public init(_ destination: String, _ type: String, _ source: String, _ options: [String]) {
    self.destination = destination
    self.type = type
    self.source = source
    self.options = options
  }
}

extension IDMapping {
  public init(_ containerID: UInt32, host hostID: UInt32, _ size: UInt32) {
    self.containerID = containerID
    self.hostID = hostID
    self.size = size
  }
}
