// What the host, the Monitor and the mini-OS agree on. docs/cca.md explains it; Driver/conshim_abi.h says the
// same in C and is compared with this file by a test.

/// The version of everything in this module.
public enum ShimABI {
  /// Major version in the upper 16 bits: differing ones don't work together.
  public static let version: UInt64 = 1 << 16 | 0
  /// "RCONSHIM", what tells our Monitor from other firmware.
  public static let magic: UInt64 = 0x4d49_4853_4e4f_4352
  /// Bytes of a granule, the unit of physical memory with one owner.
  public static let granuleSize: UInt64 = 4096
  /// Granules of a boot block: 2 MiB, aligned to its size, physically contiguous.
  public static let bootBlockGranules: UInt64 = 512
  /// The most granules that one call takes, so that every call ends soon.
  public static let rangeLimit: UInt64 = 512
  /// Con-shims that can exist at once.
  public static let shimLimit: UInt64 = 24
  /// Threads of all con-shims together.
  public static let threadLimit: UInt64 = 512
}

/// The calls, in x0 of an SMC with immediate 0 (SMC Calling Convention, 64-bit fast calls of the OEM range).
/// Arguments are in x1 to x6. The answer has a ``ShimError`` in x0 and values in x1 to x5; x4 and x5 stay what they were
/// where a call has no value for them, as all other registers do.
public enum ShimCall: UInt64, CaseIterable, Sendable {
  // From the host at EL1.

  /// x1: ``ShimABI/version``, x2: ``ShimABI/magic``.
  case version = 0xc300_0000
  /// x1: con-shims, x2: threads, x3: granules that the host does not own, x4: con-shims ever created,
  /// x5: con-shims killed.
  case info = 0xc300_0001
  /// A con-shim in a boot block (x1: its address) that becomes the con-shim's: the Monitor copies the mini-OS
  /// into it. Answers x1: the con-shim's handle; its thread 0 exists.
  case shimCreate = 0xc300_0002
  /// The con-shim (x1) stops to exist, if it owns no granule and no exchange buffer.
  case shimDestroy = 0xc300_0003
  /// Granules of the host (x2: address, x3: count) become those of the con-shim (x1), unclaimed.
  case delegate = 0xc300_0004
  /// Granules (x2, x3) of the con-shim (x1) are scrubbed and the host's again: those that it released, did
  /// not claim, or any of a con-shim that was ended by ``shimEnd``.
  case undelegate = 0xc300_0005
  /// Granules of the host (x3: address, x4: count), physically contiguous, become the exchange buffer of a
  /// thread (x2) of the con-shim (x1): both sides reach them.
  case exchangeMap = 0xc300_0006
  /// The exchange buffer of the thread (x2) of the con-shim (x1) is the host's alone again.
  case exchangeUnmap = 0xc300_0007
  /// Continues a thread (x2) of the con-shim (x1) on this CPU. Answers x1: ``ExitReason``, x2, x3: its details.
  case run = 0xc300_0008
  /// x1: the con-shim. Answers x1…x4: the SHA-256 of the mini-OS and of what it measured (big endian words).
  case measure = 0xc300_0009
  /// The con-shim (x1) runs no more; its memory can be undelegated.
  case shimEnd = 0xc300_000a

  // From a con-shim at EL1.

  /// Leaves to the host; x1: ``ExitReason`` (`forward`, `memory`, `ended`), x2, x3: details. Returns when the
  /// host continues the thread.
  case exit = 0xc300_0100
  /// The granules (x1: address, x2: count) were given to this con-shim and not claimed before: now they are.
  case claim = 0xc300_0101
  /// The granules (x1, x2) are needed no more.
  case release = 0xc300_0102
  /// A new thread of this con-shim, which will start at EL1 at x1 with x0 = x2 and the translation registers
  /// of the caller, once it has an exchange buffer (its address in its x1). Answers x1: its number.
  case threadCreate = 0xc300_0103
  /// 32 bytes of entropy in x1…x4.
  case entropy = 0xc300_0104
  /// Extends the measurement by the digest in x1…x4.
  case extend = 0xc300_0105
  /// The thread (x1) of this con-shim has no exchange buffer, so that it will not be continued, and exists no more;
  /// busy: it has one, or runs.
  case threadReap = 0xc300_0106
}

/// How a call went; the raw value is in x0.
public enum ShimError: UInt64, Error, CaseIterable, Sendable {
  case none = 0
  /// No such call from where it came.
  case unknownCall = 1
  /// An address, count or number out of range or not aligned.
  case invalid = 2
  /// No such con-shim or thread.
  case noSuchShim = 3
  /// A granule is not in the state that the call needs.
  case granuleState = 4
  /// The thread is running on another CPU, or the con-shim has a running thread.
  case busy = 5
  /// No con-shim or thread is free.
  case exhausted = 6
  /// The con-shim was ended, by the host or because it broke a rule.
  case ended = 7
  /// The thread has no exchange buffer.
  case noExchange = 8
  /// The con-shim still owns granules.
  case ownsGranules = 9
}

/// Why a thread of a con-shim left.
public enum ExitReason: UInt64, CaseIterable, Sendable {
  /// An interrupt for the host.
  case interrupt = 0
  /// A system call is to be carried out; it is in the exchange buffer.
  case forward = 1
  /// The mini-OS needs memory: details are the count of granules. They are told by ``Exchange/grantCount``.
  /// With a count of 0 the mini-OS tells there what it released, so that the host takes it back.
  case memory = 2
  /// The thread exists no more.
  case ended = 3
  /// The con-shim broke a rule and was ended; details: syndrome and address (ESR_EL3 and FAR_EL3).
  case killed = 4
  /// The thread waits for ``wake``, for a signal, or as many nanoseconds as the first detail says. It comes back at
  /// once if it was woken since it waited last, and may come back without any reason.
  case block = 5
  /// Threads that wait, or will wait next, go on. The first detail is their count, at most ``Exchange/wakeLimit``;
  /// their numbers are at ``Exchange/grants``. In the place of each comes 1, or 0 if there is no such thread.
  case wake = 6
}

/// The layout of a thread's exchange buffer: one page of header, then data. Offsets in bytes, all fields 64-bit
/// little endian. The other side may change any of it at any time: each field is read once.
public enum Exchange {
  /// Granules of an exchange buffer: 128 KiB, physically contiguous.
  public static let granules: UInt64 = 32
  /// ``ShimABI/version``, written by the host.
  public static let version: Int = 0
  /// The number of the forwarded call: arm64's, or a ``ProxyCall``.
  public static let call: Int = 8
  /// What it returned; -errno for errors, or ``notMade``.
  public static let result: Int = 16
  /// A result: the call was not made, since a signal came before it. The mini-OS lets the program handle the
  /// signal and makes the call again, as if the signal had come before the program asked (-ERESTARTNOINTR).
  public static let notMade: Int = -513
  /// Six arguments. Those that are pointers for the call are offsets into the buffer, as ``pointerMask`` says.
  public static let arguments: Int = 24
  /// Bit n: argument n is an offset from the start of this buffer, and never less than ``data``; 0 is null.
  /// So are the pointers in what it points to: of iovec, msghdr and the last argument of pselect6.
  public static let pointerMask: Int = 72
  /// Bit n-1: signal n came for this thread and was not delivered yet. Set by the host, cleared by the mini-OS. That of
  /// SIGKILL, which nobody can handle, says that the process ends and the thread has to leave.
  public static let signals: Int = 80
  /// Host → mini-OS after an exit for memory, or with it the other way: how many grants follow, then pairs of address
  /// and count.
  public static let grantCount: Int = 88
  public static let grants: Int = 96
  public static let grantLimit: Int = 32
  /// How many threads one exit wakes.
  public static let wakeLimit: Int = 64
  /// The number of the thread (as by ``ShimCall/threadCreate``) that a forwarded clone is for.
  public static let newThread: Int = 640
  /// Per signal 16 bytes, from ``Exchange/signals``' lowest bit on: code, process, user and value of its siginfo.
  public static let signalInfo: Int = 1024
  /// The rest of the first page is kept for a submission and completion ring.
  public static let ring: Int = 2048
  /// Copied arguments and results.
  public static let data: Int = 4096
  public static let size: Int = 131_072
}

/// Forwarded requests that are no system call of Linux; in ``Exchange/call``.
public enum ProxyCall: UInt64, CaseIterable, Sendable {
  /// The first of thread 0: the proxy writes what to execute at ``Exchange/data``: argument count, environment
  /// count, total bytes, ignored signals, blocked signals (64-bit each; bit n-1 for signal n), then NUL-terminated
  /// strings: path, arguments, environment. Result: 0.
  case start = 0x10000
  /// The process becomes another program: descriptors with close-on-exec are closed, signal handlers reset.
  /// Argument 0: offset of the program's name (comm).
  case executed = 0x10001
  /// fork: argument 0: flags of clone, ``Exchange/newThread``: the thread that the child proxy runs. Result: the
  /// pid of the child.
  case fork = 0x10002
  /// A fault that is not handled: the process ends by the signal in argument 0.
  case die = 0x10003
  /// A line of the mini-OS for the log of the proxy: argument 0: offset, argument 1: length.
  case log = 0x10004
  /// The first program does not start. Argument 0: the error's number, 1: offset of the path of the file that it is
  /// about (with NUL): the program's, or that of the interpreter which it needs.
  case notStarted = 0x10005
  /// A thread of the same process: argument 0: flags of clone, ``Exchange/newThread``: the thread that it runs. Result:
  /// its number (tid).
  case thread = 0x10006
  /// execve of a process with several threads: all others have to leave. Result: 0, when they have.
  case alone = 0x10007
}
