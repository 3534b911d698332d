import CLinux

// Programs on cgroups and the maps that they read (bpf(2)).

/// Where a program is attached to a cgroup v2 directory (`enum bpf_attach_type`), and of which type it has to be.
public enum CgroupHook: Sendable, CaseIterable {
  /// Every packet that leaves a socket.
  case packets
  /// socket(2) for AF_INET and AF_INET6.
  case socket
  /// connect(2), by the family of the address.
  case connect4, connect6
  /// A datagram whose address is in the call.
  case send4, send6

  fileprivate var attachType: UInt32 {
    switch self {
    case .packets: 1
    case .socket: 2
    case .connect4: 10
    case .connect6: 11
    case .send4: 14
    case .send6: 15
    }
  }

  fileprivate var programType: UInt32 {
    switch self {
    case .packets: 8  // BPF_PROG_TYPE_CGROUP_SKB
    case .socket: 9  // BPF_PROG_TYPE_CGROUP_SOCK
    case .connect4, .connect6, .send4, .send6: 18  // BPF_PROG_TYPE_CGROUP_SOCK_ADDR
    }
  }
}

/// Loads a program: 8 bytes per instruction in the layout of `struct bpf_insn`.
public func loadProgram(_ program: [UInt64], for hook: CgroupHook) throws(Errno) -> Descriptor {
  try load(program, type: hook.programType, attachType: hook.attachType)
}

/// Attaches a program beside those that there are; all of them have to allow what happens, here and above.
public func attachProgram(_ program: Int32, to cgroup: Int32, _ hook: CgroupHook) throws(Errno) {
  try check(rc_bpf_attach(cgroup, program, hook.attachType))
}

/// Loads a program that is asked before a device is opened or made (BPF_PROG_TYPE_CGROUP_DEVICE).
public func loadDeviceProgram(_ program: [UInt64]) throws(Errno) -> Descriptor {
  try load(program, type: 15, attachType: 0)
}

/// Attaches a device program to a cgroup v2 directory, beside those that there are (BPF_CGROUP_DEVICE).
public func attachDeviceProgram(_ program: Int32, to cgroup: Int32) throws(Errno) {
  try check(rc_bpf_attach(cgroup, program, 6))
}

private func load(_ program: [UInt64], type: UInt32, attachType: UInt32) throws(Errno) -> Descriptor {
  // SAFETY: the kernel copies `count` instructions of 8 bytes from the array.
  let result = unsafe program.withUnsafeBytes {
    unsafe rc_bpf_load(type, attachType, $0.baseAddress, UInt32(program.count))
  }
  return Descriptor(owning: Int32(try check(result)))
}

/// A map from keys to values of 8 bytes, which programs look things up in (BPF_MAP_TYPE_HASH).
public enum ProgramMap {
  /// - Parameters:
  ///   - keySize: bytes.
  ///   - limit: entries.
  public static func make(keySize: UInt32, limit: UInt32) throws(Errno) -> Descriptor {
    Descriptor(owning: Int32(try check(rc_bpf_make_map(keySize, 8, limit))))
  }

  /// Since Linux 5.19 whoever has the descriptor may; before, who has CAP_BPF.
  public static func set(_ map: Int32, _ key: [UInt8], _ value: UInt64) throws(Errno) {
    var value = value
    // SAFETY: the kernel reads the key, which has the size of the map's keys, and 8 bytes.
    try check(unsafe key.withUnsafeBytes { unsafe rc_bpf_map_set(map, $0.baseAddress, &value) })
  }

  public static func remove(_ map: Int32, _ key: [UInt8]) throws(Errno) {
    // SAFETY: the kernel reads the key, which has the size of the map's keys.
    try check(unsafe key.withUnsafeBytes { unsafe rc_bpf_map_remove(map, $0.baseAddress) })
  }
}
