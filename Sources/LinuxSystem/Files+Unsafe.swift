import CLinux

// Files by descriptor and path. Each pointer handed to the kernel lives for the one call it is made for.

func errorText(_ number: Int32) -> String {
  // SAFETY: strerror returns a NUL-terminated string that stays valid until the next call.
  unsafe String(cString: strerror(number))
}

/// Opens `path` relative to `directory`. The corresponding C function is `openat`; O_CLOEXEC is added.
public func open(
  _ path: String, at directory: Int32 = Directory.current, _ flags: Int32, mode: UInt32 = 0
) throws(Errno) -> Descriptor {
  // SAFETY: the C string lives for the call.
  let number = try retrying {
    unsafe path.withCString { unsafe rc_openat(directory, $0, flags, mode) }
  }
  return Descriptor(owning: Int32(number))
}

/// What openat2(2) may not do while it walks a path.
public struct Resolve: OptionSet, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public static let noMountCrossing = Resolve(rawValue: 0x01)
  public static let noMagicLinks = Resolve(rawValue: 0x02)
  public static let noSymlinks = Resolve(rawValue: 0x04)
  public static let beneath = Resolve(rawValue: 0x08)
  /// `directory` is the root for absolute paths, `..` and symbolic links.
  public static let inRoot = Resolve(rawValue: 0x10)
}

/// Opens `path` below `directory`. The corresponding system call is `openat2`; O_CLOEXEC is added.
/// EAGAIN (a rename raced with `..`) is tried again.
public func open(
  _ path: String, at directory: Int32, _ flags: Int32, mode: UInt32 = 0, resolve: Resolve
) throws(Errno) -> Descriptor {
  var attempts = 0
  while true {
    // SAFETY: the C string lives for the call.
    let result = unsafe path.withCString {
      unsafe rc_openat2(
        directory, $0, UInt64(UInt32(bitPattern: flags)), UInt64(mode), resolve.rawValue)
    }
    if result == -Int(EINTR) { continue }
    if result == -Int(EAGAIN), attempts < 128 {
      attempts += 1
      continue
    }
    return Descriptor(owning: Int32(try check(result)))
  }
}

/// Reads up to `buffer.count` bytes into the front of `buffer`; 0 at the end of the file.
public func read(_ descriptor: Int32, into buffer: inout [UInt8]) throws(Errno) -> Int {
  // SAFETY: the kernel writes at most `count` bytes to the array's own storage.
  try retrying {
    unsafe buffer.withUnsafeMutableBytes {
      unsafe rc_read(descriptor, $0.baseAddress, $0.count)
    }
  }
}

/// The rest of a file, at most `limit` bytes (EFBIG beyond).
public func readAll(_ descriptor: Int32, limit: Int = 64 << 20) throws(Errno) -> [UInt8] {
  var result: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = try read(descriptor, into: &chunk)
    if count == 0 { return result }
    if result.count + count > limit { throw Errno(EFBIG) }
    result.append(contentsOf: chunk[0..<count])
  }
}

/// Writes all of `bytes`.
public func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(Errno) {
  var done = 0
  while done < bytes.count {
    // SAFETY: the range stays inside the array, which lives for the call.
    done += try retrying {
      unsafe bytes.withUnsafeBytes {
        unsafe rc_write(descriptor, $0.baseAddress! + done, $0.count - done)
      }
    }
  }
}

/// Writes as much as the file takes now.
public func writeSome(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
  // SAFETY: the slice's own storage, for the call.
  try retrying { unsafe bytes.withUnsafeBytes { unsafe rc_write(descriptor, $0.baseAddress, $0.count) } }
}

/// Writes all of `text` with one write(2), as files of procfs and cgroupfs want it.
public func writeAll(_ descriptor: Int32, _ text: String) throws(Errno) {
  try writeAll(descriptor, Array(text.utf8))
}

/// Writes to a file that exists, below `directory`.
public func writeFile(
  _ path: String, at directory: Int32 = Directory.current, _ text: String
) throws(Errno) {
  let file = try open(path, at: directory, O_WRONLY)
  try writeAll(file.raw, text)
}

/// The whole of a file as text; bytes that are not UTF-8 are replaced.
public func readFile(
  _ path: String, at directory: Int32 = Directory.current, limit: Int = 64 << 20
) throws(Errno) -> String {
  let file = try open(path, at: directory, O_RDONLY)
  return String(decoding: try readAll(file.raw, limit: limit), as: UTF8.self)
}

/// The corresponding C function is `mkdirat`.
public func makeDirectory(
  _ path: String, at directory: Int32 = Directory.current, mode: UInt32
) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_mkdirat(directory, $0, mode) })
}

/// Like `mkdir -p` for a path that the administrator chose (never for paths of a container).
public func makeDirectories(_ path: String, mode: UInt32) throws(Errno) {
  do throws(Errno) {
    try makeDirectory(path, mode: mode)
  } catch {
    if error == .exists { return }
    guard error == .noEntry, let slash = path.utf8.lastIndex(of: 0x2f), slash > path.startIndex
    else { throw error }
    try makeDirectories(String(path[..<slash]), mode: mode)
    do throws(Errno) { try makeDirectory(path, mode: mode) } catch  where error == .exists {}
  }
}

/// Makes a node: `mode` holds the file type too. The corresponding C function is `mknodat`.
public func makeNode(
  _ path: String, at directory: Int32, mode: UInt32, major: UInt32 = 0, minor: UInt32 = 0
) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_mknodat(directory, $0, mode, major, minor) })
}

/// The corresponding C function is `unlinkat`.
public func remove(
  _ path: String, at directory: Int32 = Directory.current, isDirectory: Bool = false
) throws(Errno) {
  let flags = isDirectory ? AT_REMOVEDIR : 0
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_unlinkat(directory, $0, flags) })
}

/// The corresponding C function is `symlinkat`.
public func makeSymbolicLink(
  _ path: String, at directory: Int32, target: String
) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe target.withCString { unsafeTarget in
      unsafe path.withCString { unsafe rc_symlinkat(unsafeTarget, directory, $0) }
    })
}

/// The corresponding C function is `renameat`, within one directory.
public func rename(_ from: String, to: String, at directory: Int32) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe from.withCString { unsafeFrom in
      unsafe to.withCString { unsafe rc_renameat(directory, unsafeFrom, directory, $0) }
    })
}

/// What a symbolic link holds. The corresponding C function is `readlinkat`.
public func readLink(_ path: String, at directory: Int32 = Directory.current) throws(Errno)
  -> String
{
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  // SAFETY: the kernel writes at most the array's size; the C string lives for the call.
  let count = try check(
    unsafe path.withCString { unsafePath in
      unsafe buffer.withUnsafeMutableBytes {
        unsafe rc_readlinkat(
          directory, unsafePath, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
      }
    })
  return String(decoding: buffer[0..<count], as: UTF8.self)
}

/// The corresponding C function is `faccessat` with the effective rights of the caller's real ids.
public func canAccess(
  _ path: String, at directory: Int32 = Directory.current, mode: Int32
) -> Bool {
  // SAFETY: the C string lives for the call.
  unsafe path.withCString { unsafe rc_faccessat(directory, $0, mode) } == 0
}

/// Whether the effective ids and capabilities have the rights of `mode` (faccessat2(2), AT_EACCESS).
public func isAccessible(_ path: String, at directory: Int32, mode: Int32) -> Bool {
  // SAFETY: the C string lives for the call.
  unsafe path.withCString { unsafe rc_faccessat_effective(directory, $0, mode) } == 0
}

/// Sets an extended attribute of what `path` names in the end (setxattr(2)).
public func setAttribute(_ path: String, name: String, value: [UInt8], flags: Int32) throws(Errno) {
  // SAFETY: strings and bytes live for the call, and the size is the array's.
  try check(
    unsafe path.withCString { unsafePath in
      unsafe name.withCString { unsafeName in
        unsafe value.withUnsafeBytes { unsafe rc_setxattr(unsafePath, unsafeName, $0.baseAddress, $0.count, flags) }
      }
    })
}

/// The corresponding C function is `removexattr`.
public func removeAttribute(_ path: String, name: String) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe path.withCString { unsafePath in unsafe name.withCString { unsafe rc_removexattr(unsafePath, $0) } })
}

/// What a file is: the part of stat(2) that we use.
public struct FileStatus: Sendable {
  public let device, inode, size: UInt64
  /// File type and permission bits.
  public let mode: UInt32
  public let owner, group: UInt32
  /// Numbers of the device that a device node stands for.
  public let major, minor: UInt32
  public let links: UInt32
  /// When its content was changed last, in nanoseconds since 1970.
  public let modified: Int64
  /// When content or attributes changed last, in nanoseconds since 1970: no call sets it to another time (inode(7), ctime).
  public let changed: Int64

  public var type: UInt32 { mode & UInt32(S_IFMT) }
  public var isDirectory: Bool { type == UInt32(S_IFDIR) }
  public var isRegular: Bool { type == UInt32(S_IFREG) }
  public var isSymbolicLink: Bool { type == UInt32(S_IFLNK) }
  public var isCharacterDevice: Bool { type == UInt32(S_IFCHR) }
  /// The same file on the same file system.
  public func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}

/// The status of what a path names, or with an empty path of the descriptor itself.
public func status(
  _ path: String = "", at directory: Int32, followLink: Bool = true
) throws(Errno) -> FileStatus {
  var raw = rc_stat()
  let flags = (path.isEmpty ? AT_EMPTY_PATH : 0) | (followLink ? 0 : AT_SYMLINK_NOFOLLOW)
  // SAFETY: the C string and the result live for the call.
  try check(unsafe path.withCString { unsafe rc_fstatat(directory, $0, flags, &raw) })
  return FileStatus(raw)
}

extension FileStatus {
  init(_ raw: rc_stat) {
    self.init(
      device: raw.device, inode: raw.inode, size: raw.size, mode: raw.mode, owner: raw.uid, group: raw.gid,
      major: raw.rmajor, minor: raw.rminor, links: raw.links, modified: raw.modified,
      changed: raw.changed)
  }
}

/// The magic number of the file system an open file is on, and its mount flags (statfs(2)).
public func fileSystem(of descriptor: Int32) throws(Errno) -> (magic: UInt32, flags: UInt64) {
  var flags: UInt64 = 0
  // SAFETY: the result lives for the call.
  let magic = try check(unsafe rc_statfs_type(descriptor, &flags))
  return (UInt32(truncatingIfNeeded: magic), flags)
}

/// The id of the mount an open file is on (statx(2), STATX_MNT_ID).
public func mountID(of descriptor: Int32) throws(Errno) -> Int {
  try check(rc_mount_id(descriptor))
}

/// Whether what is open is the root of a mount (statx(2), STATX_ATTR_MOUNT_ROOT).
public func isMountRoot(_ descriptor: Int32) throws(Errno) -> Bool { try check(rc_is_mount_root(descriptor)) == 1 }

/// Sets the permissions that new files don't get (umask(2)).
public func setFileMask(_ mask: UInt32) { _ = rc_umask(mask) }

/// The names in an open directory, without `.` and `..` (getdents64(2)), from its start.
public func list(_ directory: Int32) throws(Errno) -> [String] {
  var reader = try DirectoryReader(directory)
  var names: [String] = []
  while let name = try reader.next() { names.append(String(decoding: name.bytes, as: UTF8.self)) }
  return names
}

/// The corresponding C function is `fchmod`.
public func setMode(_ descriptor: Int32, _ mode: UInt32) throws(Errno) {
  try check(rc_fchmod(descriptor, mode))
}

/// The corresponding C function is `fchmodat`; follows links, so only for directories of ours.
public func setMode(_ path: String, at directory: Int32, _ mode: UInt32) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_fchmodat(directory, $0, mode) })
}

/// The corresponding C function is `fchownat` with AT_SYMLINK_NOFOLLOW (and AT_EMPTY_PATH).
public func setOwner(
  _ path: String = "", at directory: Int32, uid: UInt32, gid: UInt32
) throws(Errno) {
  let flags = AT_SYMLINK_NOFOLLOW | (path.isEmpty ? AT_EMPTY_PATH : 0)
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_fchownat(directory, $0, uid, gid, flags) })
}

/// Two ends of a pipe. The corresponding C function is `pipe2`.
@frozen public struct Pipe: ~Copyable {
  public var reader: Descriptor
  public var writer: Descriptor

  public init() throws(Errno) {
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel fills the two elements.
    try check(unsafe ends.withUnsafeMutableBufferPointer { unsafe rc_pipe($0.baseAddress, 0) })
    reader = Descriptor(owning: ends[0])
    writer = Descriptor(owning: ends[1])
  }
}

/// Waits until one of `descriptors` is readable, hung up or in error (poll(2)).
/// - Parameter timeout: milliseconds; negative waits for ever.
/// - Returns: the indices that are ready; empty when the time is over.
public func waitReadable(_ descriptors: [Int32], timeout: Int32 = -1) throws(Errno) -> [Int] {
  var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  // SAFETY: the array's own storage, for the call.
  let count = unsafe entries.withUnsafeMutableBufferPointer {
    unsafe rc_poll($0.baseAddress, UInt($0.count), timeout)
  }
  if count == -Int(EINTR) { return [] }
  try check(count)
  return entries.indices.filter { entries[$0].revents != 0 }
}

/// Descriptors that are waited for together (poll(2)), kept between waits.
public struct PollSet: Sendable {
  private var entries: [pollfd] = []

  public init() {}

  public var count: Int { entries.count }

  /// Adds a descriptor; a negative one never gets ready.
  public mutating func append(_ descriptor: Int32) {
    entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
  }

  public mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// One descriptor that is ready while any of these is (epoll(7)).
  public func together() throws(Errno) -> Descriptor {
    let all = Descriptor(owning: Int32(try check(rc_epoll())))
    for entry in entries where entry.fd >= 0 { try check(rc_epoll_add(all.raw, entry.fd)) }
    return all
  }

  /// Waits until one is ready, or a signal came.
  /// - Parameter timeout: milliseconds; negative waits for ever.
  public mutating func wait(timeout: Int32 = -1) throws(Errno) {
    // SAFETY: the array's own storage, for the call.
    let count = unsafe entries.withUnsafeMutableBufferPointer {
      unsafe rc_poll($0.baseAddress, UInt($0.count), timeout)
    }
    if count == -Int(EINTR) {
      for index in entries.indices { entries[index].revents = 0 }
    } else {
      try check(count)
    }
  }

  /// Whether there is something to read.
  public func isReadable(_ index: Int) -> Bool { entries[index].revents & Int16(POLLIN) != 0 }

  /// Whether there is something to read, or nothing more will come.
  public func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}

/// A counter that others add to and that is readable when it is not zero (eventfd(2)).
public func makeEventCounter() throws(Errno) -> Descriptor {
  Descriptor(owning: Int32(try check(rc_eventfd())))
}

/// A descriptor that is readable when the file at `path` changed (inotify(7), IN_MODIFY).
public func watchChanges(of path: String) throws(Errno) -> Descriptor {
  // SAFETY: the C string lives for the call.
  Descriptor(owning: Int32(try check(unsafe path.withCString { unsafe rc_watch($0) })))
}

/// The corresponding C function is `chdir`.
public func changeDirectory(_ path: String) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_chdir($0) })
}

/// The corresponding C function is `fchdir`.
public func changeDirectory(_ descriptor: Int32) throws(Errno) { try check(rc_fchdir(descriptor)) }

/// The corresponding C function is `chroot`.
public func changeRoot(_ path: String) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe path.withCString { unsafe rc_chroot($0) })
}

/// The working directory as the kernel sees it; starts with "(unreachable)" when it is outside the root
/// (getcwd(2)).
public func currentDirectory() throws(Errno) -> String {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  // SAFETY: the kernel writes at most the array's size.
  let count = try check(
    unsafe buffer.withUnsafeMutableBytes {
      unsafe rc_getcwd($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
    })
  return String(decoding: buffer[0..<max(0, count - 1)], as: UTF8.self)
}

/// Random bytes of the kernel. The corresponding system call is `getrandom`.
public func randomBytes(_ count: Int) throws(Errno) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  // SAFETY: the kernel writes at most `count` bytes.
  try retrying {
    unsafe bytes.withUnsafeMutableBytes { unsafe rc_getrandom($0.baseAddress, $0.count) }
  }
  return bytes
}

/// A file in memory that holds `bytes`, positioned at its start. The corresponding C function is
/// `memfd_create`.
public func memoryFile(_ name: String, _ bytes: [UInt8]) throws(Errno) -> Descriptor {
  // SAFETY: the C string lives for the call.
  let file = Descriptor(
    owning: Int32(try check(unsafe name.withCString { unsafe rc_memfd($0, 0) })))
  try writeAll(file.raw, bytes)
  try rewind(file.raw)
  return file
}

/// Positions an open file at its start. The corresponding C function is `lseek`.
public func rewind(_ descriptor: Int32) throws(Errno) { try check(rc_lseek(descriptor, 0, SEEK_SET)) }
