import CLinux
import LinuxSystem
import OCISpec

/// The NUMA policy of the container's processes (set_mempolicy(2)), which execve keeps.
enum MemoryPolicyStage {
  /// In the order of their numbers; MPOL_LOCAL is 4.
  static let modes = [
    "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL",
    "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE",
  ]

  /// In the order of their bits, from bit 13.
  static let flags = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]

  /// Mode with flags, and nodes as a bit mask of 64 a word.
  static func decode(_ policy: OCISpec.MemoryPolicy) throws(RuntimeError) -> (mode: Int32, nodes: [UInt64]) {
    guard let mode = modes.firstIndex(of: policy.mode) else {
      throw RuntimeError(
        .configuration, "linux.memoryPolicy.mode: \"" + policy.mode + "\" is unknown",
        hint: "`rcontainer features` lists those that are known")
    }
    var bits = Int32(mode)
    for flag in policy.flags {
      guard let bit = flags.firstIndex(of: flag) else {
        throw RuntimeError(.configuration, "linux.memoryPolicy.flags: \"" + flag + "\" is unknown")
      }
      bits |= 1 << Int32(13 + bit)
    }
    guard let list = policy.nodes, !list.isEmpty else { return (bits, []) }
    guard let nodes = CPUList.mask(list) else {
      throw RuntimeError(
        .configuration, "linux.memoryPolicy.nodes: \"" + list + "\" is not a list of nodes",
        hint: "such as 0-1,3")
    }
    return (bits, nodes)
  }

  static func apply(_ policy: OCISpec.MemoryPolicy) throws(RuntimeError) {
    let (mode, nodes) = try decode(policy)
    try at(
      .process, "linux.memoryPolicy (" + policy.mode + ")",
      hint: "does this machine have the nodes, and may the mode have any?"
    ) { () throws(Errno) in try setMemoryPolicy(mode, nodes: nodes) }
  }
}
