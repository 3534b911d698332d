/// Names and bits of capabilities(7).
enum CapabilityNames {
  /// In the order of their numbers in `linux/capability.h`.
  private static let ordered: [StaticString] = [
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
  ]

  /// All names, with `CAP_`.
  static var all: [String] { ordered.map { "CAP_" + $0.description } }

  static let setPCap = 8
  static let sysAdmin = 21

  /// The number of the last capability we know.
  static var last: Int { ordered.count - 1 }

  /// The mask of `names`, and the names that nobody knows. Upper and lower case are the same, `CAP_` may
  /// be left out, as for the peers.
  static func mask(_ names: [String]) -> (mask: UInt64, unknown: [String]) {
    var mask: UInt64 = 0
    var unknown: [String] = []
    for name in names {
      if let number = number(name) { mask |= 1 << UInt64(number) } else { unknown.append(name) }
    }
    return (mask, unknown)
  }

  private static func number(_ name: String) -> Int? {
    var upper = name.utf8.map { $0 >= 0x61 && $0 <= 0x7a ? $0 - 0x20 : $0 }
    if upper.starts(with: [0x43, 0x41, 0x50, 0x5f]) { upper.removeFirst(4) }
    return ordered.firstIndex { known in
      known.utf8CodeUnitCount == upper.count && known.description.utf8.elementsEqual(upper)
    }
  }
}
