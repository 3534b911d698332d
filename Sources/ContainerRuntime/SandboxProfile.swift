import OCISpec
import SyscallCatalogue

/// The seccomp profile of `do`: every call that the catalogue knows, but for those that programs in a
/// sandbox have no business with. What is newer than the catalogue does not exist (ENOSYS).
enum SandboxProfile {
  /// Calls that change the host, look into other processes, make namespaces, or have been the way into the
  /// kernel again and again.
  static let denied: [StaticString] = [
    // Mounts and namespaces
    "mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen", "fsconfig",
    "fsmount", "fspick", "open_tree", "open_tree_attr", "move_mount", "mount_setattr", "statmount",
    "listmount", "quotactl", "quotactl_fd", "open_by_handle_at", "name_to_handle_at",
    // Kernel
    "init_module", "finit_module", "delete_module", "create_module", "query_module",
    "get_kernel_syms", "kexec_load", "kexec_file_load", "reboot", "bpf", "perf_event_open",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog", "acct",
    "swapon", "swapoff", "nfsservctl", "lookup_dcookie", "uselib", "ustat", "sysfs", "_sysctl",
    "vm86", "vm86old", "modify_ldt", "iopl", "ioperm", "vserver", "fanotify_init", "vmsplice",
    "bdflush", "vhangup",
    // Keys
    "add_key", "request_key", "keyctl",
    // Other processes and memory policy
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    "move_pages", "migrate_pages", "mbind", "set_mempolicy", "set_mempolicy_home_node",
    // Clocks
    "settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64",
    "adjtimex", "stime",
    // Security modules
    "lsm_set_self_attr",
  ]

  /// As a section of a configuration.
  static var section: OCISpec.Seccomp {
    var section = OCISpec.Seccomp()
    section.defaultAction = "SCMP_ACT_ERRNO"
    section.defaultErrnoRet = 1
    section.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
    let denied = denied.map { $0.description }
    let special = ["clone", "clone3", "personality"]
    var allowed: [String] = []
    allowed.reserveCapacity(SyscallCatalogue.count)
    for index in 0..<SyscallCatalogue.count {
      let name = SyscallCatalogue.name(at: index)
      if !denied.contains(name) && !special.contains(name) { allowed.append(name) }
    }
    section.syscalls = [
      // libc falls back to clone, whose flags a filter can see.
      rule(["clone3"], "SCMP_ACT_ERRNO", errno: 38),
      // None of CLONE_NEW*.
      rule(["clone"], "SCMP_ACT_ALLOW", masked(0, 0x7e02_0000, 0)),
      // AF_ALG, AF_VSOCK and AF_PACKET are not supported here.
      rule(["socket"], "SCMP_ACT_ERRNO", errno: 97, masked(0, 0xffff_ffff, 38)),
      rule(["socket"], "SCMP_ACT_ERRNO", errno: 97, masked(0, 0xffff_ffff, 40)),
      rule(["socket"], "SCMP_ACT_ERRNO", errno: 97, masked(0, 0xffff_ffff, 17)),
      // TIOCSTI and TIOCLINUX put words into a terminal's mouth.
      rule(["ioctl"], "SCMP_ACT_ERRNO", errno: 1, masked(1, 0xffff_ffff, 0x5412)),
      rule(["ioctl"], "SCMP_ACT_ERRNO", errno: 1, masked(1, 0xffff_ffff, 0x541c)),
      rule(allowed, "SCMP_ACT_ALLOW"),
    ]
    // Linux and its 32-bit flavour, with or without the uname of 2.6, and the question which it is.
    for persona: UInt64 in [0, 8, 0x20000, 0x20008, 0xffff_ffff] {
      section.syscalls.append(
        rule(["personality"], "SCMP_ACT_ALLOW", masked(0, 0xffff_ffff, persona)))
    }
    return section
  }

  private static func rule(
    _ names: [String], _ action: String, errno: UInt32? = nil,
    _ argument: OCISpec.SeccompArgument? = nil
  ) -> OCISpec.SeccompRule {
    var rule = OCISpec.SeccompRule()
    rule.names = names
    rule.action = action
    rule.errnoRet = errno
    if let argument { rule.args = [argument] }
    return rule
  }

  private static func masked(_ index: UInt32, _ mask: UInt64, _ value: UInt64)
    -> OCISpec.SeccompArgument
  {
    var argument = OCISpec.SeccompArgument()
    argument.index = index
    argument.value = mask
    argument.valueTwo = value
    argument.op = "SCMP_CMP_MASKED_EQ"
    return argument
  }
}
