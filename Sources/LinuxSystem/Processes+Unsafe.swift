import CLinux

// Processes, namespaces, credentials and limits.

/// The arguments this process was started with, the program's name first.
public func arguments() -> [String] {
  // SAFETY: the constructor kept pointers to NUL-terminated strings that live as long as the process.
  (0..<rc_argument_count()).map { unsafe String(cString: rc_argument($0)) }
}

/// The environment of this process, as `NAME=value`.
public func environment() -> [String] {
  // SAFETY: as in `arguments`.
  (0..<rc_environment_count()).map { unsafe String(cString: rc_environment($0)) }
}

/// The value of one variable of the environment.
public func environmentValue(_ name: String) -> String? {
  let prefix = Array((name + "=").utf8)
  for index in 0..<rc_environment_count() {
    // SAFETY: as in `arguments`.
    let entry = unsafe String(cString: rc_environment(index))
    if entry.utf8.starts(with: prefix) {
      return String(decoding: entry.utf8.dropFirst(prefix.count), as: UTF8.self)
    }
  }
  return nil
}

/// What went wrong in the constructor stage, if anything did.
public func earlyFailure() -> (error: Errno, stage: String)? {
  guard rc_early_error() != 0 else { return nil }
  // SAFETY: a literal of the constructor stage.
  return (Errno(-rc_early_error()), unsafe String(cString: rc_early_stage()))
}

/// What clone3(2) made: the caller is the child, or the parent of `pid`.
public enum CloneResult: ~Copyable {
  case child
  case parent(pid: Int32, pidfd: Descriptor)
}

/// Makes a child that goes on from here with a copy of this process (clone3(2)). The process must be
/// single-threaded. The parent gets a pidfd.
/// - Parameters:
///   - flags: `CLONE_NEW*`, `CLONE_PARENT`.
///   - cgroup: a cgroup v2 directory to be born in (CLONE_INTO_CGROUP).
public func clone(flags: UInt64, cgroup: Int32? = nil) throws(Errno) -> CloneResult {
  var all = flags
  if cgroup != nil { all |= 0x2_0000_0000 }  // CLONE_INTO_CGROUP
  // With CLONE_PARENT the exit signal is inherited and must not be given.
  let signal = flags & UInt64(CLONE_PARENT) != 0 ? 0 : SIGCHLD
  var pidfd: Int32 = -1
  // SAFETY: the kernel writes the pidfd into `pidfd` before the call returns.
  let pid = try check(unsafe rc_clone3(all, signal, cgroup ?? -1, &pidfd))
  if pid == 0 { return .child }
  return .parent(pid: Int32(pid), pidfd: Descriptor(owning: pidfd))
}

/// The corresponding C function is `unshare`.
public func unshare(_ flags: Int32) throws(Errno) { try check(rc_unshare(flags)) }

/// The corresponding C function is `setns`.
public func joinNamespace(_ descriptor: Int32, kinds: Int32) throws(Errno) {
  try check(rc_setns(descriptor, kinds))
}

/// How a process ended.
public enum ExitStatus: Equatable, Sendable {
  case exited(Int32)
  case signaled(Int32)

  /// The code a shell would report: the exit status, or 128 and the signal.
  public var shellCode: Int32 {
    switch self {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
  }
}

extension ExitStatus {
  /// From the word that wait4(2) writes.
  init(_ raw: Int32) {
    self = rc_exited(raw) != 0 ? .exited(rc_exit_status(raw)) : .signaled(rc_term_signal(raw))
  }
}

/// Waits for a child (wait4(2)); nil if `noHang` and it still runs. `pid` -1 is any child.
public func wait(
  _ pid: Int32, noHang: Bool = false
) throws(Errno) -> (pid: Int32, status: ExitStatus)? {
  var raw: Int32 = 0
  // SAFETY: the kernel writes the status into `raw`.
  let reaped = try retrying { unsafe rc_wait4(pid, &raw, (noHang ? WNOHANG : 0) | 0x4000_0000) }
  if reaped == 0 { return nil }
  return (Int32(reaped), ExitStatus(raw))
}

/// What a process and the children that it waited for used.
public struct ResourceUsage: Sendable {
  /// Time of a processor, in microseconds.
  public let user, system: Int64
  /// The largest memory of one of the processes, in bytes.
  public let memory: Int64

  public init(user: Int64, system: Int64, memory: Int64) {
    self.user = user
    self.system = system
    self.memory = memory
  }

  /// As the shims write it: memory in KiB.
  fileprivate init(_ numbers: [Int64]) {
    self.init(user: numbers[0], system: numbers[1], memory: numbers[2] * 1024)
  }
}

/// What all children used that were waited for, and theirs (getrusage(2), RUSAGE_CHILDREN).
public func usageOfChildren() -> ResourceUsage {
  var numbers: [Int64] = [0, 0, 0]
  // SAFETY: the shim writes three numbers into the array.
  unsafe numbers.withUnsafeMutableBufferPointer { unsafe rc_usage_of_children($0.baseAddress) }
  return ResourceUsage(numbers)
}

/// Waits for a child to end (wait4(2)), and tells what it used.
public func waitWithUsage(_ pid: Int32) throws(Errno) -> (status: ExitStatus, usage: ResourceUsage) {
  var raw: Int32 = 0
  var numbers: [Int64] = [0, 0, 0]
  // SAFETY: the shim writes the status into `raw` and three numbers into the array.
  _ = try retrying {
    unsafe numbers.withUnsafeMutableBufferPointer { unsafe rc_wait4_usage(pid, &raw, 0x4000_0000, $0.baseAddress) }
  }
  return (ExitStatus(raw), ResourceUsage(numbers))
}

/// The corresponding C function is `kill`.
public func sendSignal(_ signal: Int32, to pid: Int32) throws(Errno) { try check(rc_kill(pid, signal)) }

/// The corresponding system call is `pidfd_open`.
public func openProcess(_ pid: Int32) throws(Errno) -> Descriptor {
  Descriptor(owning: Int32(try check(rc_pidfd_open(pid, 0))))
}

/// The corresponding system call is `pidfd_send_signal`.
public func sendSignal(_ signal: Int32, toProcess pidfd: Int32) throws(Errno) {
  try check(rc_pidfd_send_signal(pidfd, signal))
}

public func currentProcess() -> Int32 { Int32(rc_getpid()) }
public func parentProcess() -> Int32 { Int32(rc_getppid()) }
public func effectiveUser() -> UInt32 { rc_geteuid() }
/// Whether this process lacks the rights of the machine's root: an ordinary user, or root of a user namespace,
/// as a rootless engine runs its runtime (user_namespaces(7)).
public func isRootless() -> Bool {
  if effectiveUser() != 0 { return true }
  guard let map = try? readFile("/proc/self/uid_map") else { return false }
  return !map.utf8.split(separator: 0x20).elementsEqual(["0", "0", "4294967295\n"]) {
    $0.elementsEqual($1.utf8)
  }
}

public func effectiveGroup() -> UInt32 { rc_getegid() }

/// Ends the process at once, without handlers. The corresponding C function is `_exit`.
public func exitNow(_ status: Int32) -> Never { rc_exit(status) }

/// Replaces this process (execve(2)); returns only by throwing. Strings hold no NUL (the reader of
/// configurations refuses it).
public func execute(_ path: String, arguments: [String], environment: [String]) throws(Errno) -> Never {
  // SAFETY: the copies are freed when the call failed, and gone with the old program when it did not.
  let argv = unsafe cStrings(arguments)
  let envp = unsafe cStrings(environment)
  let result = unsafe path.withCString { unsafe rc_execve($0, argv, envp) }
  // SAFETY: nobody else has these pointers.
  unsafe release(argv, arguments.count)
  unsafe release(envp, environment.count)
  throw Errno(Int32(truncatingIfNeeded: -result))
}

@unsafe private func cStrings(_ strings: [String])
  -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
{
  // SAFETY: one slot per string and one for the null pointer at the end; each slot is initialised.
  let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
    capacity: strings.count + 1)
  for (index, string) in strings.enumerated() {
    // SAFETY: `index` is below the capacity.
    unsafe (array + index).initialize(to: string.withCString { unsafe strdup($0) })
  }
  // SAFETY: the last slot.
  unsafe (array + strings.count).initialize(to: nil)
  return unsafe array
}

@unsafe private func release(
  _ array: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ count: Int
) {
  // SAFETY: `cStrings` made `count` copies with strdup, and the array.
  for index in 0..<count { unsafe free(array[index]) }
  unsafe array.deallocate()
}

/// Sets real, effective and saved user id. The corresponding C function is `setresuid`.
public func setUser(_ uid: UInt32) throws(Errno) { try check(rc_setresuid(uid)) }

/// Sets real, effective and saved group id. The corresponding C function is `setresgid`.
public func setGroup(_ gid: UInt32) throws(Errno) { try check(rc_setresgid(gid)) }

/// The corresponding C function is `setgroups`.
public func setSupplementaryGroups(_ groups: [UInt32]) throws(Errno) {
  // SAFETY: the array lives for the call.
  try check(
    unsafe groups.withUnsafeBufferPointer { unsafe rc_setgroups($0.count, $0.baseAddress) })
}

/// The corresponding C function is `setsid`.
public func startSession() throws(Errno) { try check(rc_setsid()) }

/// The corresponding C function is `prctl`, for options whose arguments are numbers.
@discardableResult
public func processControl(
  _ option: Int32, _ a: UInt = 0, _ b: UInt = 0, _ c: UInt = 0, _ d: UInt = 0
) throws(Errno) -> Int {
  try check(rc_prctl(option, a, b, c, d))
}

/// The corresponding C function is `sethostname`.
public func setHostName(_ name: String) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe name.withCString { unsafe rc_sethostname($0, name.utf8.count) })
}

/// The corresponding C function is `setdomainname`.
public func setDomainName(_ name: String) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe name.withCString { unsafe rc_setdomainname($0, name.utf8.count) })
}

/// Sets a limit of this process, or of `pid`. The corresponding system call is `prlimit64`.
public func setLimit(
  resource: Int32, soft: UInt64, hard: UInt64, pid: Int32 = 0
) throws(Errno) {
  try check(rc_setrlimit(pid, resource, soft, hard))
}

/// Sets the capability sets of this thread, as bit masks. The corresponding system call is `capset`.
public func setCapabilities(
  effective: UInt64, permitted: UInt64, inheritable: UInt64
) throws(Errno) {
  try check(rc_capset(effective, permitted, inheritable))
}

/// The permitted capabilities of this thread, as a bit mask.
public func permittedCapabilities() -> UInt64 { rc_cap_permitted() }

/// The corresponding C function is `personality`.
public func setPersonality(_ persona: UInt) throws(Errno) { try check(rc_personality(persona)) }

/// Sets the NUMA policy of this process; bit n of word n/64 is node n. The corresponding system call is
/// `set_mempolicy`.
public func setMemoryPolicy(_ mode: Int32, nodes: [UInt64]) throws(Errno) {
  let words = nodes.map { UInt($0) }
  // SAFETY: the array lives for the call; the kernel reads one bit less than it is told.
  try check(
    unsafe words.withUnsafeBufferPointer {
      unsafe rc_set_mempolicy(mode, $0.isEmpty ? nil : $0.baseAddress, UInt($0.isEmpty ? 0 : $0.count * 64 + 1))
    })
}

/// Joins a new session keyring (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING).
public func joinSessionKeyring(_ name: String) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe name.withCString { unsafe rc_join_session_keyring($0) })
}

/// What sched_setattr(2) takes; times in nanoseconds.
public struct SchedulingAttributes: Sendable {
  public var policy: UInt32 = 0
  public var flags: UInt64 = 0
  public var nice: Int32 = 0
  public var priority: UInt32 = 0
  public var runtime, deadline, period: UInt64
  public init() { (runtime, deadline, period) = (0, 0, 0) }
}

/// The corresponding system call is `sched_setattr`, for this process or `pid`.
public func setScheduling(_ attributes: SchedulingAttributes, pid: Int32 = 0) throws(Errno) {
  try check(
    rc_sched_setattr(
      pid, attributes.policy, attributes.flags, attributes.nice, attributes.priority,
      attributes.runtime, attributes.deadline, attributes.period))
}

/// The corresponding system call is `ioprio_set`, for this process.
public func setIOPriority(class ioClass: Int32, level: Int32) throws(Errno) {
  try check(rc_ioprio_set(1, 0, ioClass << 13 | level))
}

/// Sets the CPUs a process may run on; bit n of word n/64 is CPU n. The corresponding C function is
/// `sched_setaffinity`.
public func setAffinity(_ mask: [UInt64], pid: Int32 = 0) throws(Errno) {
  // SAFETY: the array lives for the call.
  try check(
    unsafe mask.withUnsafeBufferPointer {
      unsafe rc_sched_setaffinity(pid, $0.baseAddress, $0.count * 8)
    })
}

/// Installs a seccomp filter: 8 bytes per instruction in the layout of `struct sock_filter`
/// (seccomp(2), SECCOMP_SET_MODE_FILTER).
/// - Returns: the listener when `flags` ask for one (SECCOMP_FILTER_FLAG_NEW_LISTENER), else 0.
@discardableResult
public func setSystemCallFilter(_ program: [UInt64], flags: UInt32) throws(Errno) -> Int32 {
  // SAFETY: the kernel copies `count` instructions of 8 bytes from the array.
  Int32(
    try check(
      unsafe program.withUnsafeBytes {
        unsafe rc_seccomp_set_filter(flags, $0.baseAddress, UInt32(program.count))
      }))
}

/// Gives up all files that are not open, and TCP (landlock(7)). Without Landlock in the kernel it throws ENOSYS or EOPNOTSUPP.
public func giveUpFiles() throws(Errno) { try check(rc_landlock_nothing()) }

/// Whether the kernel is of a version, or newer.
public func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
  let parts = kernelRelease().release.utf8.split(separator: 0x2e).prefix(2).map { part in
    part.prefix { $0 >= 0x30 && $0 <= 0x39 }.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
  return parts.count == 2 && (parts[0], parts[1]) >= (major, minor)
}

/// Kernel release and machine name (uname(2)).
public func kernelRelease() -> (release: String, machine: String) {
  var release = [CChar](repeating: 0, count: 65)
  var machine = [CChar](repeating: 0, count: 65)
  // SAFETY: the shim writes 65 bytes, NUL-terminated, into each.
  _ = unsafe release.withUnsafeMutableBufferPointer { unsafeRelease in
    unsafe machine.withUnsafeMutableBufferPointer {
      unsafe rc_uname_release(unsafeRelease.baseAddress, $0.baseAddress)
    }
  }
  func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
  return (text(release), text(machine))
}

/// The `CLONE_NEW*` kind of the namespace that an open file stands for (ioctl_ns(2), NS_GET_NSTYPE).
public func namespaceKind(_ descriptor: Int32) throws(Errno) -> Int32 {
  Int32(try check(rc_ioctl(descriptor, 0xb703, 0)))
}

/// Installs a seccomp filter that has a listener, and sends the listener with `message` over
/// `listenerSocket`. This process makes no system call between the two, so that the filter may send any of
/// them to the agent, which does not listen yet.
public func setSystemCallFilter(
  _ program: [UInt64], flags: UInt32, listenerSocket: Int32, message: [UInt8]
) throws(Errno) {
  // SAFETY: both arrays live for the call, with their own counts.
  try check(
    unsafe program.withUnsafeBytes { unsafeProgram in
      unsafe message.withUnsafeBytes {
        unsafe rc_seccomp_with_listener(
          flags, unsafeProgram.baseAddress, UInt32(program.count), listenerSocket, $0.baseAddress,
          $0.count)
      }
    })
}
