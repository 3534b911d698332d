import SyscallCatalogue

/// A policy file of what was derived.
public struct DerivedPolicy {
  /// What the kernel makes of itself, or what starts and ends every program. rcontainer starts it with execve.
  public static let always = ["execve", "exit", "exit_group", "restart_syscall", "rt_sigreturn"]

  /// What stands in for system calls whose numbers are not known: open files, memory, threads, signals and time.
  public static let base = [
    "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "dup", "dup2", "dup3", "epoll_create1",
    "epoll_ctl",
    "epoll_pwait", "epoll_wait", "eventfd2", "exit", "exit_group", "faccessat", "fcntl", "fdatasync", "fstat", "fsync",
    "ftruncate", "futex", "getcwd", "getdents64", "getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom",
    "gettid", "gettimeofday", "getuid", "ioctl", "lseek", "lstat", "madvise", "membarrier", "mmap", "mprotect",
    "mremap",
    "munmap", "nanosleep", "newfstatat", "open", "openat", "pipe", "pipe2", "poll", "ppoll", "pread64", "preadv",
    "prlimit64", "pselect6", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "restart_syscall",
    "rseq",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity",
    "sched_yield", "select", "set_robust_list", "set_tid_address", "sigaltstack", "stat", "statx", "tgkill", "uname",
    "wait4", "waitid", "write", "writev",
  ]

  public let name: String
  /// Names of calls that the policy lets pass, sorted.
  public let calls: [String]
  /// Calls of the policy "default" that the code can make and the policy denies, sorted.
  public let withheld: [String]
  /// Calls of the policy "default" that the code cannot make, sorted.
  public let unused: [String]
  /// Calls that were found and that the policy "default" denies, sorted.
  public let denied: [String]

  /// - Parameters:
  ///   - calls: what the policy lets pass, as far as "default" does.
  ///   - withheld: what the code can make besides.
  ///   - architecture: the machine that the code is for. What only other machines have is left as it is.
  public init(name: String, calls: Set<String>, withheld: Set<String> = [], architecture: Architecture) {
    self.name = name
    let all = calls.union(Self.always)
    let others = (0..<SyscallCatalogue.count).compactMap { (index: Int) -> String? in
      let name = SyscallCatalogue.name(at: index)
      guard SyscallCatalogue.number(at: index, on: architecture) != nil, Self.reaches(name) else { return nil }
      return all.contains(name) ? nil : name
    }.sorted()
    self.withheld = others.filter(withheld.contains)
    unused = others.filter { !withheld.contains($0) }
    self.calls = all.filter { Self.reaches($0) && SyscallCatalogue.number($0, on: architecture) != nil }.sorted()
    denied = all.filter { !Self.reaches($0) }.sorted()
  }

  /// Whether a call reaches the kernel under the policy "default".
  public static func reaches(_ name: String) -> Bool {
    guard let index = SyscallCatalogue.index(of: name) else { return false }
    switch SyscallCatalogue.callClass(at: index) {
    case .direct, .checked, .mediated(error: 0): return true
    case .mediated, .denied: return false
    }
  }

  /// How many calls of an architecture reach the kernel under the policy "default".
  public static func defaultCount(_ architecture: Architecture) -> Int {
    (0..<SyscallCatalogue.count).filter { index in
      SyscallCatalogue.number(at: index, on: architecture) != nil && reaches(SyscallCatalogue.name(at: index))
    }.count
  }

  /// How many the policy "compat" lets through, which is what docker's default profile allows.
  public static func compatCount(_ architecture: Architecture) -> Int { architecture == .aarch64 ? 264 : 305 }

  public func text(summary: String) -> String {
    var lines = ["{", "  \"name\": \(quoted(name)),", "  \"summary\": \(quoted(summary)),", "  \"base\": \"default\","]
    let rules = [withheld, unused].filter { !$0.isEmpty }.map(rule)
    lines += rules.isEmpty ? ["  \"rules\": []"] : ["  \"rules\": [", rules.joined(separator: ",\n"), "  ]"]
    return (lines + ["}", ""]).joined(separator: "\n")
  }

  private func rule(_ calls: [String]) -> String {
    var lines = ["    {", "      \"calls\": ["]
    var line = "       "
    for (index, call) in calls.enumerated() {
      let word = " " + quoted(call) + (index == calls.count - 1 ? "" : ",")
      if line.utf8.count + word.utf8.count > 120 {
        lines.append(line)
        line = "       "
      }
      line += word
    }
    return (lines + [line, "      ],", "      \"action\": \"deny\"", "    }"]).joined(separator: "\n")
  }

  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result += String(scalar)
      }
    }
    return result + "\""
  }
}
