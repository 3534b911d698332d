import CLinux
import LinuxSystem
import SeccompFilter

/// What the processes of ours beside a container keep of their rights.
enum Confinement {
  /// Who gives them up.
  struct Role {
    /// Reads memory of the container's processes.
    var readsMemory = false
    /// Stops them when they have loaded a program, and opens files to judge them.
    var judgesPrograms = false
    /// Makes calls in their stead, by children that enter their namespaces.
    var makesCalls = false
    /// Answers calls with what the container's cgroup says.
    var tellsOfMachine = false

    static let guardian = Role()
  }

  private static let always = [
    "read", "write", "close", "poll", "ppoll", "ioctl", "fcntl", "wait4", "pidfd_send_signal", "recvmsg", "accept4",
    "epoll_create1", "epoll_ctl",
    "munmap", "mremap", "madvise", "brk", "clock_gettime", "nanosleep", "clock_nanosleep", "exit", "exit_group",
    "restart_syscall", "rt_sigreturn",
  ]
  private static let judging = [
    "ptrace", "openat", "openat2", "newfstatat", "fstat", "fstatfs", "readlinkat", "lseek", "kill",
  ]

  /// What ``Worker`` does besides; it has the filter of its parent.
  private static let making = [
    "clone3", "pipe2", "prctl", "getpid", "close_range", "openat", "openat2", "readlinkat", "newfstatat", "fstat",
    "statx", "fstatfs", "lseek", "fchdir", "setns", "setresuid", "setresgid", "setgroups", "capget", "capset", "umask",
    "faccessat2", "fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr", "umount2", "mknodat",
    "unlinkat",
    "setxattr", "removexattr",
  ]
  /// Without a user namespace of the container's own, what its root has of these is what this process keeps; with one, its
  /// children have them over that namespace only.
  private static let makingCapabilities = [
    RC_CAP_CHOWN, RC_CAP_DAC_OVERRIDE, RC_CAP_DAC_READ_SEARCH, RC_CAP_FOWNER, RC_CAP_FSETID, RC_CAP_SETGID,
    RC_CAP_SETUID, RC_CAP_SYS_CHROOT, RC_CAP_SYS_ADMIN, RC_CAP_MKNOD,
  ]
  private static let telling = ["ptrace", "process_vm_writev", "sched_getaffinity", "newfstatat", "fstat", "lseek"]

  static func enter(_ role: Role) throws(Errno) {
    let all = permittedCapabilities()
    var kept = [RC_CAP_KILL]
    if role.readsMemory || role.judgesPrograms { kept.append(RC_CAP_SYS_PTRACE) }
    // To take digests of programs that others may execute and not read, and to look below directories of any user.
    if role.judgesPrograms { kept.append(RC_CAP_DAC_READ_SEARCH) }
    if role.makesCalls { kept += makingCapabilities }
    let mask = kept.reduce(0) { $0 | 1 << UInt64($1) } & all
    try setCapabilities(effective: mask, permitted: mask, inheritable: 0)
    // Where Landlock is, its processes may not look into others (landlock(7), "Ptrace restrictions"): only for who need not.
    if !role.readsMemory, !role.judgesPrograms { try? giveUpFiles() }
    // What the C library reads once to tell the time of day.
    _ = timestamp()
    try setSystemCallFilter(try filter(role).encoded, flags: 0)
  }

  /// What is not listed ends the process, and with it the container.
  static func filter(_ role: Role) throws(Errno) -> CompiledFilter {
    var names = always
    if role.readsMemory { names.append("process_vm_readv") }
    if role.judgesPrograms { names += judging }
    if role.makesCalls { names += making.filter { !names.contains($0) } }
    if role.tellsOfMachine { names += telling }
    var policy = SeccompPolicy(defaultAction: .killProcess)
    policy.rules = [
      SeccompPolicy.Rule(names, .allow),
      // Memory, but none that could be executed (PROT_EXEC).
      SeccompPolicy.Rule(["mmap"], .allow, [SeccompPolicy.Condition(argument: 2, .maskedEqual, 4, 0)]),
    ]
    if role.tellsOfMachine, !role.judgesPrograms, !role.makesCalls {
      // To read only (O_ACCMODE, O_CREAT, O_TRUNC).
      policy.rules.append(
        SeccompPolicy.Rule(["openat"], .allow, [SeccompPolicy.Condition(argument: 2, .maskedEqual, 0o1103, 0)]))
    }
    do throws(SeccompError) { return try FilterCompiler.compile(policy) } catch { throw .invalid }
  }
}
