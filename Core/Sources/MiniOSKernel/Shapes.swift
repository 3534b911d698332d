// What the arguments of calls are. The marshaller does what is written here and nothing else.

/// One argument of a call: its kind in the lower 4 bits, sizes above.
struct Argument {
  let bits: UInt16
  private init(_ kind: Kind, _ value: UInt16 = 0) { bits = kind.rawValue | value << 4 }

  enum Kind: UInt16 {
    case scalar, path, input, output, wholeOutput, both, fixedIn, fixedOut, fixedBoth, sized, set
  }

  var kind: Kind { Kind(rawValue: bits & 15) ?? .scalar }
  /// Bytes of a fixed structure.
  var size: UInt64 { UInt64(bits >> 4) }
  /// Which argument has the count of a buffer.
  var counter: Int { Int(bits >> 4 & 7) }
  /// Bytes of what is counted.
  var unit: UInt64 { UInt64(bits >> 7) }

  /// A number, passed as it is.
  static let scalar = Argument(.scalar)
  /// A string that ends with NUL, at most 4096 bytes.
  static let path = Argument(.path)
  /// A buffer for the host, as long as an argument says.
  static func input(_ counter: UInt16, _ unit: UInt16 = 1) -> Argument { Argument(.input, counter | unit << 3) }
  /// A buffer for the program, at most as long as an argument says, and as full as the result says.
  static func output(_ counter: UInt16, _ unit: UInt16 = 1) -> Argument { Argument(.output, counter | unit << 3) }
  /// A buffer that goes there and comes back as a whole.
  static func both(_ counter: UInt16, _ unit: UInt16 = 1) -> Argument { Argument(.both, counter | unit << 3) }
  static func fixedIn(_ size: UInt16) -> Argument { Argument(.fixedIn, size) }
  static func fixedOut(_ size: UInt16) -> Argument { Argument(.fixedOut, size) }
  static func fixedBoth(_ size: UInt16) -> Argument { Argument(.fixedBoth, size) }
  /// A buffer for the program; the next argument points to its length (32 bits), which the call changes.
  static let sized = Argument(.sized)
  /// A set of descriptors, as many bits as argument 0 says, rounded up to 64.
  static let set = Argument(.set)
}

/// What a result may be.
enum ResultKind {
  case number
  /// A descriptor: 0 to 2³¹-1.
  case descriptor
  /// Nothing is written for the program unless the result is positive (wait4).
  case positive
  /// What is left is written on EINTR (nanosleep).
  case remainder
}

/// The arguments of one call.
struct Shape {
  let a: Argument
  let b: Argument
  let c: Argument
  let d: Argument
  let e: Argument
  let f: Argument
  let result: ResultKind

  init(
    _ a: Argument = .scalar, _ b: Argument = .scalar, _ c: Argument = .scalar, _ d: Argument = .scalar,
    _ e: Argument = .scalar, _ f: Argument = .scalar, result: ResultKind = .number
  ) {
    self.a = a
    self.b = b
    self.c = c
    self.d = d
    self.e = e
    self.f = f
    self.result = result
  }

  subscript(index: Int) -> Argument {
    switch index {
    case 0: a
    case 1: b
    case 2: c
    case 3: d
    case 4: e
    default: f
    }
  }

  /// The shape of a call that is forwarded as it is; nil for all others. Numbers are those of
  /// `asm-generic/unistd.h`; a test compares the names with the catalogue.
  static func of(_ call: UInt64) -> Shape? {
    switch call {
    case 5, 6: Shape(.path, .path, .input(3))  // setxattr lsetxattr
    case 7: Shape(.scalar, .path, .input(3))  // fsetxattr
    case 8, 9: Shape(.path, .path, .output(3))  // getxattr lgetxattr
    case 10: Shape(.scalar, .path, .output(3))  // fgetxattr
    case 11, 12: Shape(.path, .output(2))  // listxattr llistxattr
    case 13: Shape(.scalar, .output(2))  // flistxattr
    case 14, 15: Shape(.path, .path)  // removexattr lremovexattr
    case 16: Shape(.scalar, .path)  // fremovexattr
    case 17: Shape(.output(1))  // getcwd
    case 19: Shape(result: .descriptor)  // eventfd2
    case 20: Shape(result: .descriptor)  // epoll_create1
    case 21: Shape(.scalar, .scalar, .scalar, .fixedIn(16))  // epoll_ctl
    case 22: Shape(.scalar, .output(2, 16), .scalar, .scalar, .fixedIn(8))  // epoll_pwait
    case 23, 24: Shape(result: .descriptor)  // dup dup3
    case 26: Shape(result: .descriptor)  // inotify_init1
    case 27: Shape(.scalar, .path)  // inotify_add_watch
    case 28: Shape()  // inotify_rm_watch
    case 30, 31, 32: Shape()  // ioprio_set ioprio_get flock
    case 33, 34: Shape(.scalar, .path)  // mknodat mkdirat
    case 35: Shape(.scalar, .path)  // unlinkat
    case 36: Shape(.path, .scalar, .path)  // symlinkat
    case 37: Shape(.scalar, .path, .scalar, .path)  // linkat
    case 38: Shape(.scalar, .path, .scalar, .path)  // renameat
    case 39: Shape(.path)  // umount2
    case 40: Shape(.path, .path, .path, .scalar, .path)  // mount
    case 41: Shape(.path, .path)  // pivot_root
    case 43: Shape(.path, .fixedOut(120))  // statfs
    case 44: Shape(.scalar, .fixedOut(120))  // fstatfs
    case 45: Shape(.path)  // truncate
    case 46, 47: Shape()  // ftruncate fallocate
    case 48: Shape(.scalar, .path)  // faccessat
    case 49: Shape(.path)  // chdir
    case 50: Shape()  // fchdir
    case 51: Shape(.path)  // chroot
    case 52: Shape()  // fchmod
    case 53: Shape(.scalar, .path)  // fchmodat
    case 54: Shape(.scalar, .path)  // fchownat
    case 55: Shape()  // fchown
    case 57: Shape()  // close
    case 59: Shape(.fixedOut(8))  // pipe2
    case 61: Shape(.scalar, .output(2))  // getdents64
    case 62: Shape()  // lseek
    case 71: Shape(.scalar, .scalar, .fixedBoth(8))  // sendfile
    case 73: Shape(.both(1, 8), .scalar, .fixedBoth(16), .fixedIn(8))  // ppoll
    case 74: Shape(.scalar, .fixedIn(8), .scalar, .scalar, result: .descriptor)  // signalfd4
    case 79: Shape(.scalar, .path, .fixedOut(128))  // newfstatat
    case 80: Shape(.scalar, .fixedOut(128))  // fstat
    case 81, 82, 83: Shape()  // sync fsync fdatasync
    case 85: Shape(result: .descriptor)  // timerfd_create
    case 86: Shape(.scalar, .scalar, .fixedIn(32), .fixedOut(32))  // timerfd_settime
    case 87: Shape(.scalar, .fixedOut(32))  // timerfd_gettime
    case 88: Shape(.scalar, .path, .fixedIn(32))  // utimensat
    case 90: Shape(.fixedBoth(8), .fixedOut(24))  // capget
    case 91: Shape(.fixedIn(8), .fixedIn(24))  // capset
    case 92: Shape()  // personality
    case 95: Shape(.scalar, .scalar, .fixedOut(128), .scalar, .fixedOut(144))  // waitid
    case 101: Shape(.fixedIn(16), .fixedOut(16), result: .remainder)  // nanosleep
    case 102: Shape(.scalar, .fixedOut(32))  // getitimer
    case 103: Shape(.scalar, .fixedIn(32), .fixedOut(32))  // setitimer
    case 114: Shape(.scalar, .fixedOut(16))  // clock_getres
    case 115: Shape(.scalar, .scalar, .fixedIn(16), .fixedOut(16), result: .remainder)  // clock_nanosleep
    case 119, 120: Shape(.scalar, .scalar, .fixedIn(4))  // sched_setscheduler sched_getscheduler
    case 121: Shape(.scalar, .fixedOut(4))  // sched_getparam
    case 122: Shape(.scalar, .scalar, .input(1))  // sched_setaffinity
    case 123: Shape(.scalar, .scalar, .output(1))  // sched_getaffinity
    case 125, 126: Shape()  // sched_get_priority_max sched_get_priority_min
    case 129, 130, 131: Shape()  // kill tkill tgkill
    case 137: Shape(.fixedIn(8), .fixedOut(128), .fixedIn(16))  // rt_sigtimedwait
    case 138: Shape(.scalar, .scalar, .fixedIn(128))  // rt_sigqueueinfo
    case 140, 141: Shape()  // setpriority getpriority
    case 143, 144, 145, 146, 147, 149, 151, 152: Shape()  // setregid setgid setreuid setuid setresuid setresgid setfsuid setfsgid
    case 148: Shape(.fixedOut(4), .fixedOut(4), .fixedOut(4))  // getresuid
    case 150: Shape(.fixedOut(4), .fixedOut(4), .fixedOut(4))  // getresgid
    case 153: Shape(.fixedOut(32))  // times
    case 154, 155, 156, 157: Shape()  // setpgid getpgid getsid setsid
    case 158: Shape(.scalar, .output(0, 4))  // getgroups
    case 159: Shape(.scalar, .input(0, 4))  // setgroups
    case 161, 162: Shape(.input(1))  // sethostname setdomainname
    case 163: Shape(.scalar, .fixedOut(16))  // getrlimit
    case 164: Shape(.scalar, .fixedIn(16))  // setrlimit
    case 165: Shape(.scalar, .fixedOut(144))  // getrusage
    case 166: Shape()  // umask
    case 168: Shape(.fixedOut(4), .fixedOut(4))  // getcpu
    case 173, 174, 175, 176, 177: Shape()  // getppid getuid geteuid getgid getegid
    case 179: Shape(.fixedOut(112))  // sysinfo
    case 198: Shape(result: .descriptor)  // socket
    case 199: Shape(.scalar, .scalar, .scalar, .fixedOut(8))  // socketpair
    case 200, 203: Shape(.scalar, .input(2))  // bind connect
    case 201: Shape()  // listen
    case 202, 242: Shape(.scalar, .sized, result: .descriptor)  // accept accept4
    case 204, 205: Shape(.scalar, .sized)  // getsockname getpeername
    case 208: Shape(.scalar, .scalar, .scalar, .input(4))  // setsockopt
    case 209: Shape(.scalar, .scalar, .scalar, .sized)  // getsockopt
    case 210: Shape()  // shutdown
    case 213, 223: Shape()  // readahead fadvise64
    case 260: Shape(.scalar, .fixedOut(4), .scalar, .fixedOut(144), result: .positive)  // wait4
    case 261: Shape(.scalar, .scalar, .fixedIn(16), .fixedOut(16))  // prlimit64
    case 267: Shape()  // syncfs
    case 276: Shape(.scalar, .path, .scalar, .path)  // renameat2
    case 279: Shape(.path, result: .descriptor)  // memfd_create
    case 285: Shape(.scalar, .fixedBoth(8), .scalar, .fixedBoth(8))  // copy_file_range
    case 291: Shape(.scalar, .path, .scalar, .scalar, .fixedOut(256))  // statx
    case 434: Shape(result: .descriptor)  // pidfd_open
    case 436: Shape()  // close_range
    case 439: Shape(.scalar, .path)  // faccessat2
    case 452: Shape(.scalar, .path)  // fchmodat2
    default: nil
    }
  }
}
