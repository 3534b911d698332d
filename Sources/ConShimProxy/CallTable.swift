/// A system call of arm64 that a con-shim may have made, and what its arguments are.
struct Call: Sendable {
  let name: StaticString
  let number: UInt16
  /// Bit n: argument n is a pointer, or null.
  let pointers: UInt8
  /// Bit n: argument n is a descriptor.
  let descriptors: UInt8

  init(_ name: StaticString, _ number: UInt16, _ pointers: UInt8 = 0, fd: UInt8 = 0) {
    self.name = name
    self.number = number
    self.pointers = pointers
    descriptors = fd
  }
}

/// What is forwarded. What is not here would change the proxy itself (memory, threads, its program), is answered by
/// the mini-OS, or has no place in a container: it is refused.
enum CallTable {
  // A list, because one large array literal takes the compiler long and is built at start-up all the same.
  static func call(_ number: UInt64) -> Call? {
    guard number < 512 else { return nil }
    let table = number < 100 ? low : number < 200 ? middle : high
    var first = 0
    var last = table.count
    // Sorted by number.
    while first < last {
      let middle = (first + last) / 2
      if UInt64(table[middle].number) == number { return table[middle] }
      if UInt64(table[middle].number) < number { first = middle + 1 } else { last = middle }
    }
    return nil
  }

  static var all: [Call] { low + middle + high }

  private static let low: [Call] = [
    Call("setxattr", 5, 0b0_0111),
    Call("lsetxattr", 6, 0b0_0111),
    Call("fsetxattr", 7, 0b0_0110, fd: 0b1),
    Call("getxattr", 8, 0b0_0111),
    Call("lgetxattr", 9, 0b0_0111),
    Call("fgetxattr", 10, 0b0_0110, fd: 0b1),
    Call("listxattr", 11, 0b0_0011),
    Call("llistxattr", 12, 0b0_0011),
    Call("flistxattr", 13, 0b0_0010, fd: 0b1),
    Call("removexattr", 14, 0b0_0011),
    Call("lremovexattr", 15, 0b0_0011),
    Call("fremovexattr", 16, 0b0_0010, fd: 0b1),
    Call("getcwd", 17, 0b1),
    Call("eventfd2", 19),
    Call("epoll_create1", 20),
    Call("epoll_ctl", 21, 0b1000, fd: 0b101),
    Call("epoll_pwait", 22, 0b1_0010, fd: 0b1),
    Call("dup", 23, fd: 0b1),
    Call("dup3", 24, fd: 0b11),
    Call("fcntl", 25, fd: 0b1),
    Call("inotify_init1", 26),
    Call("inotify_add_watch", 27, 0b10, fd: 0b1),
    Call("inotify_rm_watch", 28, fd: 0b1),
    Call("ioctl", 29, fd: 0b1),
    Call("ioprio_set", 30),
    Call("ioprio_get", 31),
    Call("flock", 32, fd: 0b1),
    Call("mknodat", 33, 0b10, fd: 0b1),
    Call("mkdirat", 34, 0b10, fd: 0b1),
    Call("unlinkat", 35, 0b10, fd: 0b1),
    Call("symlinkat", 36, 0b101, fd: 0b10),
    Call("linkat", 37, 0b1010, fd: 0b101),
    Call("renameat", 38, 0b1010, fd: 0b101),
    Call("umount2", 39, 0b1),
    Call("mount", 40, 0b1_0111),
    Call("pivot_root", 41, 0b11),
    Call("statfs", 43, 0b11),
    Call("fstatfs", 44, 0b10, fd: 0b1),
    Call("truncate", 45, 0b1),
    Call("ftruncate", 46, fd: 0b1),
    Call("fallocate", 47, fd: 0b1),
    Call("faccessat", 48, 0b10, fd: 0b1),
    Call("chdir", 49, 0b1),
    Call("fchdir", 50, fd: 0b1),
    Call("chroot", 51, 0b1),
    Call("fchmod", 52, fd: 0b1),
    Call("fchmodat", 53, 0b10, fd: 0b1),
    Call("fchownat", 54, 0b10, fd: 0b1),
    Call("fchown", 55, fd: 0b1),
    Call("openat", 56, 0b10, fd: 0b1),
    Call("close", 57, fd: 0b1),
    Call("pipe2", 59, 0b1),
    Call("getdents64", 61, 0b10, fd: 0b1),
    Call("lseek", 62, fd: 0b1),
    Call("read", 63, 0b10, fd: 0b1),
    Call("write", 64, 0b10, fd: 0b1),
    Call("readv", 65, 0b10, fd: 0b1),
    Call("writev", 66, 0b10, fd: 0b1),
    Call("pread64", 67, 0b10, fd: 0b1),
    Call("pwrite64", 68, 0b10, fd: 0b1),
    Call("preadv", 69, 0b10, fd: 0b1),
    Call("pwritev", 70, 0b10, fd: 0b1),
    Call("sendfile", 71, 0b100, fd: 0b11),
    Call("pselect6", 72, 0b11_1110),
    Call("ppoll", 73, 0b1101),
    Call("signalfd4", 74, 0b10, fd: 0b1),
    Call("splice", 76, 0b1010, fd: 0b101),
    Call("tee", 77, fd: 0b11),
    Call("readlinkat", 78, 0b110, fd: 0b1),
    Call("newfstatat", 79, 0b110, fd: 0b1),
    Call("fstat", 80, 0b10, fd: 0b1),
    Call("sync", 81),
    Call("fsync", 82, fd: 0b1),
    Call("fdatasync", 83, fd: 0b1),
    Call("sync_file_range", 84, fd: 0b1),
    Call("timerfd_create", 85),
    Call("timerfd_settime", 86, 0b1100, fd: 0b1),
    Call("timerfd_gettime", 87, 0b10, fd: 0b1),
    Call("utimensat", 88, 0b110, fd: 0b1),
    Call("acct", 89, 0b1),
    Call("capget", 90, 0b11),
    Call("capset", 91, 0b11),
    Call("exit", 93),
    Call("exit_group", 94),
    Call("waitid", 95, 0b1_0100),
    Call("unshare", 97),
  ]

  private static let middle: [Call] = [
    Call("nanosleep", 101, 0b11),
    Call("getitimer", 102, 0b10),
    Call("setitimer", 103, 0b110),
    Call("timer_create", 107, 0b110),
    Call("timer_gettime", 108, 0b10),
    Call("timer_getoverrun", 109),
    Call("timer_settime", 110, 0b1100),
    Call("timer_delete", 111),
    Call("clock_settime", 112, 0b10),
    Call("clock_gettime", 113, 0b10),
    Call("clock_getres", 114, 0b10),
    Call("clock_nanosleep", 115, 0b1100),
    Call("syslog", 116, 0b10),
    Call("sched_setparam", 118, 0b10),
    Call("sched_setscheduler", 119, 0b100),
    Call("sched_getscheduler", 120),
    Call("sched_getparam", 121, 0b10),
    Call("sched_setaffinity", 122, 0b100),
    Call("sched_getaffinity", 123, 0b100),
    Call("sched_yield", 124),
    Call("sched_get_priority_max", 125),
    Call("sched_get_priority_min", 126),
    Call("sched_rr_get_interval", 127, 0b10),
    Call("kill", 129),
    Call("tkill", 130),
    Call("tgkill", 131),
    Call("rt_sigsuspend", 133, 0b1),
    Call("rt_sigaction", 134, 0b110),
    Call("rt_sigprocmask", 135, 0b110),
    Call("rt_sigpending", 136, 0b1),
    Call("rt_sigtimedwait", 137, 0b111),
    Call("rt_sigqueueinfo", 138, 0b100),
    Call("setpriority", 140),
    Call("getpriority", 141),
    Call("setregid", 143),
    Call("setgid", 144),
    Call("setreuid", 145),
    Call("setuid", 146),
    Call("setresuid", 147),
    Call("getresuid", 148, 0b111),
    Call("setresgid", 149),
    Call("getresgid", 150, 0b111),
    Call("setfsuid", 151),
    Call("setfsgid", 152),
    Call("times", 153, 0b1),
    Call("setpgid", 154),
    Call("getpgid", 155),
    Call("getsid", 156),
    Call("setsid", 157),
    Call("getgroups", 158, 0b10),
    Call("setgroups", 159, 0b10),
    Call("uname", 160, 0b1),
    Call("sethostname", 161, 0b1),
    Call("setdomainname", 162, 0b1),
    Call("getrlimit", 163, 0b10),
    Call("setrlimit", 164, 0b10),
    Call("getrusage", 165, 0b10),
    Call("umask", 166),
    Call("prctl", 167),
    Call("getcpu", 168, 0b111),
    Call("gettimeofday", 169, 0b11),
    Call("settimeofday", 170, 0b11),
    Call("adjtimex", 171, 0b1),
    Call("getpid", 172),
    Call("getppid", 173),
    Call("getuid", 174),
    Call("geteuid", 175),
    Call("getgid", 176),
    Call("getegid", 177),
    Call("gettid", 178),
    Call("sysinfo", 179, 0b1),
    Call("mq_open", 180, 0b1001),
    Call("mq_unlink", 181, 0b1),
    Call("mq_timedsend", 182, 0b1_0010, fd: 0b1),
    Call("mq_timedreceive", 183, 0b1_1010, fd: 0b1),
    Call("mq_getsetattr", 185, 0b110, fd: 0b1),
    Call("msgget", 186),
    Call("msgrcv", 188, 0b10),
    Call("msgsnd", 189, 0b10),
    Call("semget", 190),
    Call("semtimedop", 192, 0b1010),
    Call("semop", 193, 0b10),
    Call("shmget", 194),
    Call("socket", 198),
    Call("socketpair", 199, 0b1000),
  ]

  private static let high: [Call] = [
    Call("bind", 200, 0b10, fd: 0b1),
    Call("listen", 201, fd: 0b1),
    Call("accept", 202, 0b110, fd: 0b1),
    Call("connect", 203, 0b10, fd: 0b1),
    Call("getsockname", 204, 0b110, fd: 0b1),
    Call("getpeername", 205, 0b110, fd: 0b1),
    Call("sendto", 206, 0b1_0010, fd: 0b1),
    Call("recvfrom", 207, 0b11_0010, fd: 0b1),
    Call("setsockopt", 208, 0b1000, fd: 0b1),
    Call("getsockopt", 209, 0b1_1000, fd: 0b1),
    Call("shutdown", 210, fd: 0b1),
    Call("sendmsg", 211, 0b10, fd: 0b1),
    Call("recvmsg", 212, 0b10, fd: 0b1),
    Call("readahead", 213, fd: 0b1),
    Call("fadvise64", 223, fd: 0b1),
    Call("rt_tgsigqueueinfo", 240, 0b1000),
    Call("accept4", 242, 0b110, fd: 0b1),
    Call("wait4", 260, 0b1010),
    Call("prlimit64", 261, 0b1100),
    Call("clock_adjtime", 266, 0b10),
    Call("syncfs", 267, fd: 0b1),
    Call("setns", 268, fd: 0b1),
    Call("sched_setattr", 274, 0b10),
    Call("sched_getattr", 275, 0b10),
    Call("renameat2", 276, 0b1010, fd: 0b101),
    Call("getrandom", 278, 0b1),
    Call("memfd_create", 279, 0b1),
    Call("copy_file_range", 285, 0b1010, fd: 0b101),
    Call("preadv2", 286, 0b10, fd: 0b1),
    Call("pwritev2", 287, 0b10, fd: 0b1),
    Call("statx", 291, 0b1_0010, fd: 0b1),
    Call("pidfd_send_signal", 424, 0b100, fd: 0b1),
    Call("pidfd_open", 434),
    Call("close_range", 436),
    Call("openat2", 437, 0b110, fd: 0b1),
    Call("faccessat2", 439, 0b10, fd: 0b1),
    Call("epoll_pwait2", 441, 0b1_1010, fd: 0b1),
    Call("landlock_create_ruleset", 444, 0b1),
    Call("landlock_add_rule", 445, 0b100, fd: 0b1),
    Call("landlock_restrict_self", 446, fd: 0b1),
    Call("cachestat", 451, 0b110, fd: 0b1),
    Call("fchmodat2", 452, 0b10, fd: 0b1),
  ]

  // MARK: calls of which the second argument says what the third is

  static let fcntl: UInt64 = 25
  static let ioctl: UInt64 = 29
  static let prctl: UInt64 = 167

  /// Whether the last argument of fcntl(2) is a pointer.
  static func fcntlTakesPointer(_ command: UInt64) -> Bool {
    switch UInt32(truncatingIfNeeded: command) {
    case 5...7, 36...38: true  // locks
    case 15...17: true  // F_SETOWN_EX, F_GETOWN_EX, F_GETOWNER_UIDS
    case 1035...1038: true  // F_GET_RW_HINT and its like
    default: false
    }
  }

  /// Whether the argument of ioctl(2) is a number. Else it is a pointer or null: a driver that we don't know would
  /// write to any address of the proxy.
  static func ioctlTakesNumber(_ request: UInt64) -> Bool {
    switch UInt32(truncatingIfNeeded: request) {
    case 0x5409...0x540e: true  // TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSCTTY
    case 0x5422, 0x5425, 0x5450, 0x5451: true  // TIOCNOTTY, TCSBRKP, FIONCLEX, FIOCLEX
    default: false
    }
  }

  /// Which arguments of prctl(2) are pointers; nil if the option is not forwarded.
  static func prctlPointers(_ option: UInt64) -> UInt8? {
    switch UInt32(truncatingIfNeeded: option) {
    case 2, 15, 16, 37: 0b10  // PR_GET_PDEATHSIG, PR_SET_NAME, PR_GET_NAME, PR_GET_CHILD_SUBREAPER
    // PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, PR_CAPBSET_READ,
    // PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
    // PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT
    case 1, 3, 4, 7, 8, 23, 24, 27, 28, 29, 30, 36, 38, 39, 47: 0
    default: nil
    }
  }
}
