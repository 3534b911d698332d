import CLinux

// Names of files that somebody else chose. They are bytes, and need not be UTF-8.

/// A name of a file, or a path, as the kernel has it: bytes without NUL.
public struct FileName: Sendable {
  /// With the NUL that C wants.
  private let terminated: [UInt8]

  /// Nil if there is a NUL in it, or nothing.
  public init?(_ bytes: [UInt8]) {
    if bytes.isEmpty || bytes.contains(0) { return nil }
    terminated = bytes + [0]
  }

  public init(_ text: StaticString) { terminated = Array(text.description.utf8) + [0] }

  public var bytes: ArraySlice<UInt8> { terminated.dropLast() }

  // SAFETY: the array ends with NUL and lives for the call of `body`, which does not keep the pointer.
  fileprivate func withPointer<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    unsafe terminated.withUnsafeBytes { unsafe body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }
}

/// Opens `name` relative to `directory`. The corresponding C function is `openat`; O_CLOEXEC is added.
public func open(_ name: FileName, at directory: Int32, _ flags: Int32, mode: UInt32 = 0) throws(Errno) -> Descriptor {
  // SAFETY: the C string lives for the call.
  Descriptor(owning: Int32(try retrying { unsafe name.withPointer { unsafe rc_openat(directory, $0, flags, mode) } }))
}

/// The status of a file; of a symbolic link itself.
public func status(_ name: FileName, at directory: Int32) throws(Errno) -> FileStatus {
  var raw = rc_stat()
  // SAFETY: the C string and the result live for the call.
  try check(unsafe name.withPointer { unsafe rc_fstatat(directory, $0, AT_SYMLINK_NOFOLLOW, &raw) })
  return FileStatus(raw)
}

/// What a symbolic link holds. The corresponding C function is `readlinkat`.
public func readLink(_ name: FileName, at directory: Int32) throws(Errno) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  // SAFETY: the kernel writes at most the array's size; the C string lives for the call.
  let count = try check(
    unsafe name.withPointer { unsafeName in
      unsafe buffer.withUnsafeMutableBytes {
        unsafe rc_readlinkat(directory, unsafeName, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
      }
    })
  return Array(buffer[0..<count])
}

/// The corresponding C function is `mkdirat`.
public func makeDirectory(_ name: FileName, at directory: Int32, mode: UInt32) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe name.withPointer { unsafe rc_mkdirat(directory, $0, mode) })
}

/// Removes a directory that is empty. The corresponding C function is `unlinkat`.
public func removeDirectory(_ name: FileName, at directory: Int32) throws(Errno) {
  // SAFETY: the C string lives for the call.
  try check(unsafe name.withPointer { unsafe rc_unlinkat(directory, $0, AT_REMOVEDIR) })
}

/// The corresponding C function is `symlinkat`.
public func makeSymbolicLink(_ name: FileName, at directory: Int32, target: FileName) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe target.withPointer { unsafeTarget in
      unsafe name.withPointer { unsafe rc_symlinkat(unsafeTarget, directory, $0) }
    })
}

/// One more name for a file. The corresponding C function is `linkat`.
public func makeLink(
  _ name: FileName, at directory: Int32, to path: FileName, at other: Int32
) throws(Errno) {
  // SAFETY: both C strings live for the call.
  try check(
    unsafe path.withPointer { unsafePath in
      unsafe name.withPointer { unsafe rc_linkat(other, unsafePath, directory, $0) }
    })
}

/// The value of an extended attribute of an open file, at most 64 bytes of it; nil if there is none (fgetxattr(2)).
public func attribute(_ name: StaticString, of file: Int32) -> [UInt8]? {
  var buffer = [UInt8](repeating: 0, count: 64)
  let wanted = Array(name.description.utf8) + [0]
  // SAFETY: the name ends with NUL; the kernel writes at most the buffer's size.
  let count = unsafe wanted.withUnsafeBytes { unsafeName in
    unsafe buffer.withUnsafeMutableBytes {
      unsafe rc_fgetxattr(
        file, unsafeName.baseAddress!.assumingMemoryBound(to: CChar.self), $0.baseAddress, $0.count)
    }
  }
  return count < 0 ? nil : Array(buffer[0..<count])
}

/// Sets an extended attribute of an open file. The corresponding C function is `fsetxattr`.
public func setAttribute(_ name: StaticString, of file: Int32, _ value: [UInt8]) throws(Errno) {
  let wanted = Array(name.description.utf8) + [0]
  // SAFETY: the name ends with NUL; the kernel reads the value's size.
  try check(
    unsafe wanted.withUnsafeBytes { unsafeName in
      unsafe value.withUnsafeBytes {
        unsafe rc_fsetxattr(
          file, unsafeName.baseAddress!.assumingMemoryBound(to: CChar.self), $0.baseAddress, $0.count)
      }
    })
}

/// Where the next data, or the next hole, of an open file begins; nil if there is no more (lseek(2), SEEK_DATA, SEEK_HOLE).
public func nextExtent(_ file: Int32, from offset: Int64, isData: Bool) throws(Errno) -> Int64? {
  let result = rc_lseek(file, offset, isData ? 3 : 4)
  if result == -Int(ENXIO) { return nil }
  return Int64(try check(result))
}

/// Positions an open file. The corresponding C function is `lseek`.
public func seek(_ file: Int32, to offset: Int64) throws(Errno) { try check(rc_lseek(file, offset, SEEK_SET)) }

/// The corresponding C function is `ftruncate`.
public func setSize(_ file: Int32, _ size: Int64) throws(Errno) { try check(rc_ftruncate(file, size)) }

/// Reads the names in an open directory one after the other, without `.` and `..` (getdents64(2)): there may be more of them
/// than fit into memory.
public struct DirectoryReader: ~Copyable {
  private let directory: Int32
  private var buffer = [UInt8](repeating: 0, count: 8192)
  private var filled = 0
  private var offset = 0

  /// - Parameter directory: the caller keeps it open. It is read from its start.
  public init(_ directory: Int32) throws(Errno) {
    self.directory = directory
    try check(rc_lseek(directory, 0, SEEK_SET))
  }

  /// The next name; nil at the end.
  public mutating func next() throws(Errno) -> FileName? {
    while true {
      if offset + 19 >= filled {
        let room = directory
        // SAFETY: the kernel writes at most the array's size.
        filled = try check(unsafe buffer.withUnsafeMutableBytes { unsafe rc_getdents(room, $0.baseAddress, $0.count) })
        offset = 0
        if filled == 0 { return nil }
      }
      // struct linux_dirent64: u64 inode, i64 offset, u16 record length, u8 type, name with NUL.
      let length = Int(buffer[offset + 16]) | Int(buffer[offset + 17]) << 8
      guard length > 19, offset + length <= filled else {
        filled = 0
        continue
      }
      let name = Array(buffer[(offset + 19)..<(offset + length)].prefix { $0 != 0 })
      offset += length
      if name == [0x2e] || name == [0x2e, 0x2e] { continue }
      if let name = FileName(name) { return name }
    }
  }
}
