// What the arguments of calls are. The marshaller does what is written here and nothing else.

/// One argument of a call: its kind in the lower 4 bits, sizes above.
struct Argument {
  let bits: UInt16
  private init(_ kind: Kind, _ value: UInt16 = 0) { bits = kind.rawValue | value << 4 }

  enum Kind: UInt16 {
    case none, scalar, path, input, output, both, fixedIn, fixedOut, fixedBoth, sized, set
  }

  var kind: Kind { Kind(rawValue: bits & 15) ?? .none }
  /// Bytes of a fixed structure.
  var size: UInt64 { UInt64(bits >> 4) }
  /// Which argument has the count of a buffer.
  var counter: Int { Int(bits >> 4 & 7) }
  /// Bytes of what is counted.
  var unit: UInt64 { UInt64(bits >> 7) }

  /// What a call does not have. The register holds something of the program's own, which is not the host's.
  static let none = Argument(.none)
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

/// What a result may be, besides an error. Whatever else the host says becomes EIO.
enum ResultKind {
  /// 0, and nothing else.
  case zero
  /// A small number: flags, a signal, a priority.
  case number
  /// A user or group, which has 32 bits.
  case identifier
  /// Anything: an offset into a file, clock ticks.
  case any
  /// A descriptor: 0 to 2³¹-1.
  case descriptor
  /// A process or a group of them.
  case process
  /// A process, or 0 where there is none, and then nothing is written for the program (wait4).
  case child
  /// 0; what is left is written on EINTR (nanosleep).
  case remainder
  /// At most what an argument says.
  case upTo(Int)
  /// The same; an argument of 0 asks how long it would be.
  case length(Int)

  /// Whether a result that is no error can be one of this call with these arguments.
  @inline(__always)
  func allows(_ result: Int64, _ arguments: borrowing InlineArray<6, UInt64>) -> Bool {
    if result <= 0 { return true }
    switch self {
    case .zero, .remainder: return false
    case .number, .descriptor, .process, .child: return result <= Int64(Int32.max)
    case .identifier: return result <= Int64(UInt32.max)
    case .any: return true
    case .upTo(let index): return UInt64(result) <= arguments[index]
    case .length(let index): return UInt64(result) <= (arguments[index] == 0 ? 65536 : arguments[index])
    }
  }
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
  /// How many numbers the call has, if it has nothing else; -1 if it has.
  let scalarCount: Int8

  init(
    _ a: Argument = .none, _ b: Argument = .none, _ c: Argument = .none, _ d: Argument = .none,
    _ e: Argument = .none, _ f: Argument = .none, result: ResultKind = .zero
  ) {
    self.a = a
    self.b = b
    self.c = c
    self.d = d
    self.e = e
    self.f = f
    self.result = result
    scalarCount = -1
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

  /// A call with nothing but numbers.
  init(scalars: Int8, result: ResultKind = .zero) {
    a = .none
    b = .none
    c = .none
    d = .none
    e = .none
    f = .none
    self.result = result
    scalarCount = scalars
  }

  /// The shape of a call that is forwarded as it is; nil for all others. Numbers are those of
  /// `asm-generic/unistd.h`; a test compares the names with the catalogue.
  static func of(_ call: UInt64) -> Shape? {
    switch call {
    case 5, 6: Shape(.path, .path, .input(3), .scalar, .scalar)  // setxattr lsetxattr
    case 7: Shape(.scalar, .path, .input(3), .scalar, .scalar)  // fsetxattr
    case 8, 9: Shape(.path, .path, .output(3), .scalar, result: .length(3))  // getxattr lgetxattr
    case 10: Shape(.scalar, .path, .output(3), .scalar, result: .length(3))  // fgetxattr
    case 11, 12: Shape(.path, .output(2), .scalar, result: .length(2))  // listxattr llistxattr
    case 13: Shape(.scalar, .output(2), .scalar, result: .length(2))  // flistxattr
    case 14, 15: Shape(.path, .path)  // removexattr lremovexattr
    case 16: Shape(.scalar, .path)  // fremovexattr
    case 17: Shape(.output(1), .scalar, result: .upTo(1))  // getcwd
    case 19: Shape(scalars: 2, result: .descriptor)  // eventfd2
    case 20: Shape(scalars: 1, result: .descriptor)  // epoll_create1
    case 21: Shape(.scalar, .scalar, .scalar, .fixedIn(16))  // epoll_ctl
    case 22: Shape(.scalar, .output(2, 16), .scalar, .scalar, .fixedIn(8), .scalar, result: .upTo(2))  // epoll_pwait
    case 23: Shape(scalars: 1, result: .descriptor)  // dup
    case 24: Shape(scalars: 3, result: .descriptor)  // dup3
    case 26: Shape(scalars: 1, result: .descriptor)  // inotify_init1
    case 27: Shape(.scalar, .path, .scalar, result: .descriptor)  // inotify_add_watch
    case 28, 32: Shape(scalars: 2)  // inotify_rm_watch flock
    case 31: Shape(scalars: 2, result: .number)  // ioprio_get
    case 30: Shape(scalars: 3)  // ioprio_set
    case 33: Shape(.scalar, .path, .scalar, .scalar)  // mknodat
    case 34, 35: Shape(.scalar, .path, .scalar)  // mkdirat unlinkat
    case 36: Shape(.path, .scalar, .path)  // symlinkat
    case 37: Shape(.scalar, .path, .scalar, .path, .scalar)  // linkat
    case 38: Shape(.scalar, .path, .scalar, .path)  // renameat
    case 39: Shape(.path, .scalar)  // umount2
    case 40: Shape(.path, .path, .path, .scalar, .path)  // mount
    case 41: Shape(.path, .path)  // pivot_root
    case 43: Shape(.path, .fixedOut(120))  // statfs
    case 44: Shape(.scalar, .fixedOut(120))  // fstatfs
    case 45: Shape(.path, .scalar)  // truncate
    case 46: Shape(scalars: 2)  // ftruncate
    case 47: Shape(scalars: 4)  // fallocate
    case 48: Shape(.scalar, .path, .scalar)  // faccessat
    case 49, 51: Shape(.path)  // chdir chroot
    case 50: Shape(scalars: 1)  // fchdir
    case 52: Shape(scalars: 2)  // fchmod
    case 53: Shape(.scalar, .path, .scalar)  // fchmodat
    case 54: Shape(.scalar, .path, .scalar, .scalar, .scalar)  // fchownat
    case 55: Shape(scalars: 3)  // fchown
    case 57: Shape(scalars: 1)  // close
    case 59: Shape(.fixedOut(8), .scalar)  // pipe2
    case 61: Shape(.scalar, .output(2), .scalar, result: .upTo(1))  // getdents64
    case 62: Shape(scalars: 3, result: .any)  // lseek
    case 71: Shape(.scalar, .scalar, .fixedBoth(8), .scalar, result: .upTo(3))  // sendfile
    case 73: Shape(.both(1, 8), .scalar, .fixedBoth(16), .fixedIn(8), .scalar, result: .upTo(1))  // ppoll
    case 74: Shape(.scalar, .fixedIn(8), .scalar, .scalar, result: .descriptor)  // signalfd4
    case 76: Shape(.scalar, .fixedBoth(8), .scalar, .fixedBoth(8), .scalar, .scalar, result: .upTo(4))  // splice
    case 77: Shape(scalars: 4, result: .upTo(2))  // tee
    case 84: Shape(scalars: 4)  // sync_file_range
    case 79: Shape(.scalar, .path, .fixedOut(128), .scalar)  // newfstatat
    case 80: Shape(.scalar, .fixedOut(128))  // fstat
    case 81: Shape(scalars: 0)  // sync
    case 82, 83: Shape(scalars: 1)  // fsync fdatasync
    case 85: Shape(scalars: 2, result: .descriptor)  // timerfd_create
    case 86: Shape(.scalar, .scalar, .fixedIn(32), .fixedOut(32))  // timerfd_settime
    case 87: Shape(.scalar, .fixedOut(32))  // timerfd_gettime
    case 88: Shape(.scalar, .path, .fixedIn(32), .scalar)  // utimensat
    case 90: Shape(.fixedBoth(8), .fixedOut(24))  // capget
    case 91: Shape(.fixedIn(8), .fixedIn(24))  // capset
    case 95: Shape(.scalar, .scalar, .fixedOut(128), .scalar, .fixedOut(144))  // waitid
    case 97: Shape(scalars: 1)  // unshare
    case 101: Shape(.fixedIn(16), .fixedOut(16), result: .remainder)  // nanosleep
    case 102: Shape(.scalar, .fixedOut(32))  // getitimer
    case 103: Shape(.scalar, .fixedIn(32), .fixedOut(32))  // setitimer
    case 112: Shape(.scalar, .fixedIn(16))  // clock_settime
    case 114: Shape(.scalar, .fixedOut(16))  // clock_getres
    case 115: Shape(.scalar, .scalar, .fixedIn(16), .fixedOut(16), result: .remainder)  // clock_nanosleep
    case 118: Shape(.scalar, .fixedIn(4))  // sched_setparam
    case 119: Shape(.scalar, .scalar, .fixedIn(4))  // sched_setscheduler
    // sched_getscheduler sched_get_priority_max sched_get_priority_min
    case 120, 125, 126: Shape(scalars: 1, result: .number)
    case 121: Shape(.scalar, .fixedOut(4))  // sched_getparam
    case 122: Shape(.scalar, .scalar, .input(1))  // sched_setaffinity
    case 123: Shape(.scalar, .scalar, .output(1), result: .upTo(1))  // sched_getaffinity
    case 127: Shape(.scalar, .fixedOut(16))  // sched_rr_get_interval
    case 129, 130: Shape(scalars: 2)  // kill tkill
    case 131: Shape(scalars: 3)  // tgkill
    case 137: Shape(.fixedIn(8), .fixedOut(128), .fixedIn(16), .scalar, result: .number)  // rt_sigtimedwait
    case 138: Shape(.scalar, .scalar, .fixedIn(128))  // rt_sigqueueinfo
    case 140: Shape(scalars: 3)  // setpriority
    case 141: Shape(scalars: 2, result: .number)  // getpriority
    case 143, 145: Shape(scalars: 2)  // setregid setreuid
    case 144, 146: Shape(scalars: 1)  // setgid setuid
    case 151, 152: Shape(scalars: 1, result: .identifier)  // setfsuid setfsgid
    case 147, 149: Shape(scalars: 3)  // setresuid setresgid
    case 148, 150: Shape(.fixedOut(4), .fixedOut(4), .fixedOut(4))  // getresuid getresgid
    case 153: Shape(.fixedOut(32), result: .any)  // times
    case 154: Shape(scalars: 2)  // setpgid
    case 155, 156: Shape(scalars: 1, result: .process)  // getpgid getsid
    case 157: Shape(scalars: 0, result: .process)  // setsid
    case 158: Shape(.scalar, .output(0, 4), result: .length(0))  // getgroups
    case 159: Shape(.scalar, .input(0, 4))  // setgroups
    case 161, 162: Shape(.input(1), .scalar)  // sethostname setdomainname
    case 163: Shape(.scalar, .fixedOut(16))  // getrlimit
    case 164: Shape(.scalar, .fixedIn(16))  // setrlimit
    case 165: Shape(.scalar, .fixedOut(144))  // getrusage
    case 166: Shape(scalars: 1, result: .number)  // umask
    case 168: Shape(.fixedOut(4), .fixedOut(4))  // getcpu
    case 173: Shape(scalars: 0, result: .process)  // getppid
    case 174, 175, 176, 177: Shape(scalars: 0, result: .identifier)  // getuid geteuid getgid getegid
    case 179: Shape(.fixedOut(112))  // sysinfo
    case 198: Shape(scalars: 3, result: .descriptor)  // socket
    case 199: Shape(.scalar, .scalar, .scalar, .fixedOut(8))  // socketpair
    case 200, 203: Shape(.scalar, .input(2), .scalar)  // bind connect
    case 201: Shape(scalars: 2)  // listen
    case 202: Shape(.scalar, .sized, .scalar, result: .descriptor)  // accept
    case 242: Shape(.scalar, .sized, .scalar, .scalar, result: .descriptor)  // accept4
    case 204, 205: Shape(.scalar, .sized, .scalar)  // getsockname getpeername
    case 208: Shape(.scalar, .scalar, .scalar, .input(4), .scalar)  // setsockopt
    case 209: Shape(.scalar, .scalar, .scalar, .sized, .scalar)  // getsockopt
    case 210: Shape(scalars: 2)  // shutdown
    case 213: Shape(scalars: 3)  // readahead
    case 223: Shape(scalars: 4)  // fadvise64
    case 260: Shape(.scalar, .fixedOut(4), .scalar, .fixedOut(144), result: .child)  // wait4
    case 261: Shape(.scalar, .scalar, .fixedIn(16), .fixedOut(16))  // prlimit64
    case 267: Shape(scalars: 1)  // syncfs
    case 268: Shape(scalars: 2)  // setns
    case 276: Shape(.scalar, .path, .scalar, .path, .scalar)  // renameat2
    case 279: Shape(.path, .scalar, result: .descriptor)  // memfd_create
    // copy_file_range
    case 285: Shape(.scalar, .fixedBoth(8), .scalar, .fixedBoth(8), .scalar, .scalar, result: .upTo(4))
    case 291: Shape(.scalar, .path, .scalar, .scalar, .fixedOut(256))  // statx
    case 424: Shape(.scalar, .scalar, .fixedIn(128), .scalar)  // pidfd_send_signal
    case 434: Shape(scalars: 2, result: .descriptor)  // pidfd_open
    case 436: Shape(scalars: 3)  // close_range
    case 439, 452: Shape(.scalar, .path, .scalar, .scalar)  // faccessat2 fchmodat2
    default: nil
    }
  }
}
