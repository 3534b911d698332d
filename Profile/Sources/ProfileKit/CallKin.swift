/// Kin of a system call: what the same code calls when a file, an amount, a moment, the kernel or the policy is another
/// one than when it was watched.
///
/// Not kin are calls that a program has to be written differently for: poll(2) of select(2), mkdirat(2) of mkdir(2),
/// readv(2) of read(2). Nor are variants for kernels before 5.0, as accept(2) is of accept4(2).
public enum CallKin {
  /// Calls that are alike, and why one may come instead of another. Each is kin of all others.
  struct Family {
    let calls: [String]
    let why: String

    init(_ calls: String, _ why: String) {
      self.calls = calls.split(separator: " ").map(String.init)
      self.why = why
    }
  }

  /// What may come after some calls, or in their place. It goes one way.
  struct Consequence {
    let of: [String]
    let calls: [String]
    let why: String

    init(_ of: String, _ calls: String, _ why: String) {
      self.of = of.split(separator: " ").map(String.init)
      self.calls = calls.split(separator: " ").map(String.init)
      self.why = why
    }
  }

  static let families = [
    Family("open openat openat2", "C libraries open files with either"),
    Family("stat lstat fstat newfstatat statx", "C libraries ask with either, by what names the file"),
    Family("pwrite64 pwritev pwritev2", "one piece is written, or several that piled up"),
    Family("sendto sendmsg sendmmsg", "one piece is sent, or several that piled up"),
    Family("recvfrom recvmsg recvmmsg", "getaddrinfo(3) asks for interfaces if a name has several addresses"),
    Family("unlink unlinkat rmdir", "a file is removed, or a directory, as remove(3) does"),
    Family("chown lchown fchownat", "a file is copied, or a link"),
    Family("fsync fdatasync", "the size of a file has changed, or has not"),
    Family("dup dup2", "a descriptor is at the right number, or has to be moved"),
    Family("fork vfork clone clone3", "C libraries make processes with either"),
    Family("epoll_wait epoll_pwait epoll_pwait2", "with a mask of signals, or without"),
    Family("getpid getppid gettid", "who the process is"),
    Family("getuid geteuid getgid getegid", "who the process is"),
  ]

  static let consequences = [
    // A call fails: it ends early, or somebody is in the way.
    Consequence("wait4 waitid", "kill", "a child that takes too long is ended"),
    Consequence("connect", "getsockopt", "a connection is not made at once"),
    Consequence("accept accept4", "getsockopt shutdown", "a peer goes on while its connection is closed"),
    Consequence("read pread64", "lseek", "C libraries step back in what they read ahead"),
    Consequence("connect accept accept4 recvfrom recvmsg", "poll", "a peer has not sent yet"),
    Consequence("sendfile", "read write", "the file has no pages"),
    Consequence("fallocate", "ftruncate pwrite64", "the file system has no fallocate(2)"),
    // Vectors of one piece.
    Consequence("readv", "read", "there is one piece"),
    Consequence("preadv", "pread64", "there is one piece"),
    // The policy "default" denies what "compat" allowed while it was watched, or a kernel lacks it.
    Consequence("faccessat2", "faccessat access", "faccessat2(2) is refused"),
    Consequence("fchmodat2", "fchmodat chmod", "fchmodat2(2) is refused"),
    Consequence("renameat2", "renameat rename", "renameat2(2) is refused"),
    Consequence("preadv2", "preadv pread64 readv read", "preadv2(2) is refused"),
    Consequence("pwritev2", "pwrite64 writev", "pwritev2(2) is refused"),
    Consequence("copy_file_range splice", "sendfile read write", "copies within the kernel are refused"),
    Consequence("close_range", "getdents64 prlimit64", "close_range(2) is refused"),
    Consequence("eventfd", "eventfd2", "eventfd(2) is refused"),
    Consequence("signalfd", "signalfd4", "signalfd(2) is refused"),
    Consequence("inotify_init", "inotify_init1", "inotify_init(2) is refused"),
    Consequence("getdents", "getdents64", "getdents(2) is refused"),
    Consequence("setrlimit", "prlimit64", "setrlimit(2) is refused"),
    Consequence("getitimer", "setitimer", "getitimer(2) is refused"),
    Consequence("utime utimes futimesat", "utimensat", "older calls for times are refused"),
    Consequence("pidfd_send_signal", "kill", "pidfd_send_signal(2) is refused"),
    Consequence("mlock2", "mlock", "mlock2(2) is refused"),
    Consequence("sched_getattr", "sched_getscheduler sched_getparam", "sched_getattr(2) is refused"),
    Consequence("io_submit", "pread64 preadv pwrite64 pwritev fsync fdatasync", "io_submit(2) is refused"),
  ]

  /// What every program may need, whatever was watched.
  static let always = [
    Family("execve exit exit_group rt_sigreturn restart_syscall", "every program starts, ends and is signalled"),
    Family(
      "rt_sigaction rt_sigprocmask getpid gettid tgkill tkill write writev", "programs say what failed, and abort(3)"),
    Family("brk mmap munmap mremap mprotect madvise", "how memory is got depends on how much"),
    Family("futex sched_yield nanosleep clock_nanosleep", "a lock is held by another thread, or process"),
    Family("clock_gettime gettimeofday", "the clock of some machines can't be read without a call (vdso(7))"),
    Family("close", "what was opened"),
  ]

  /// Kin of calls, each with the reason; without the calls themselves.
  public static func kin(of watched: Set<String>) -> [String: String] {
    var found: [String: String] = [:]
    func add(_ calls: [String], _ why: String) {
      for call in calls where !watched.contains(call) && found[call] == nil { found[call] = why }
    }
    for family in families {
      if let call = family.calls.first(where: watched.contains) { add(family.calls, "kin of \(call): \(family.why)") }
    }
    for consequence in consequences {
      if let call = consequence.of.first(where: watched.contains) {
        add(consequence.calls, "kin of \(call): \(consequence.why)")
      }
    }
    for family in always { add(family.calls, family.why) }
    return found
  }

  /// Whether a call tells nothing of a program, because any may make it.
  static func isCommon(_ call: String) -> Bool {
    always.contains { $0.calls.contains(call) } || DerivedPolicy.base.contains(call)
  }
}
