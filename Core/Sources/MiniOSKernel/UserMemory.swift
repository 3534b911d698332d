// Memory of programs as the kernel reaches it: by their tables and the linear map, never by their addresses.

extension Kernel {
  /// The physical address of a byte of the program, which may be accessed up to the end of its page, as long as the
  /// memory map is this thread's alone. EFAULT.
  @inline(__always)
  func translate(_ space: Ref<SpaceData>, _ address: UInt64, _ access: Access) throws(Errno) -> UInt64 {
    guard address < Layout.userEnd else { throw .fault }
    if let slot = entryAddress(space, address) {
      let entry = PageEntry(bits: memory.load(slot))
      if entry.isValid, access != .write || entry.isWritable { return entry.page | address & 4095 }
    }
    do throws(FaultKind) {
      return try resolve(space, address, access) | address & 4095
    } catch {
      throw .fault
    }
  }

  /// Copies from the program to a physical address.
  func copyIn(_ source: UInt64, to target: UInt64, count: UInt64, in space: Ref<SpaceData>) throws(Errno) {
    lockMap()
    defer { unlockMap() }
    var done: UInt64 = 0
    while done < count {
      let part = min(count - done, Layout.page - (source &+ done) & 4095)
      memory.copy(from: try translate(space, source &+ done, .read), to: target + done, count: part)
      done += part
    }
  }

  /// Copies from a physical address to the program.
  func copyOut(_ source: UInt64, to target: UInt64, count: UInt64, in space: Ref<SpaceData>) throws(Errno) {
    lockMap()
    defer { unlockMap() }
    var done: UInt64 = 0
    while done < count {
      let part = min(count - done, Layout.page - (target &+ done) & 4095)
      memory.copy(from: source + done, to: try translate(space, target &+ done, .write), count: part)
      done += part
    }
  }

  func copyIn(_ source: UInt64, to target: UInt64, count: UInt64) throws(Errno) {
    try copyIn(source, to: target, count: count, in: space)
  }

  func copyOut(_ source: UInt64, to target: UInt64, count: UInt64) throws(Errno) {
    try copyOut(source, to: target, count: count, in: space)
  }

  /// A value at an address of the program, which may be unaligned.
  func get<T: BitwiseCopyable>(_ address: UInt64, as type: T.Type) throws(Errno) -> T {
    let size = UInt64(MemoryLayout<T>.size)
    if address & (size - 1) == 0, size <= 16 {
      lockMap()
      defer { unlockMap() }
      return memory.load(try translate(space, address, .read))
    }
    try copyIn(address, to: task.value.scratch, count: size)
    return memory.load(task.value.scratch)
  }

  /// Stores a value at an address of the program.
  func put<T: BitwiseCopyable>(_ value: T, at address: UInt64) throws(Errno) {
    let size = UInt64(MemoryLayout<T>.size)
    if address & (size - 1) == 0, size <= 16 {
      lockMap()
      defer { unlockMap() }
      memory.store(value, at: try translate(space, address, .write))
    } else {
      memory.store(value, at: task.value.scratch)
      try copyOut(task.value.scratch, to: address, count: size)
    }
  }

  /// Copies a string with its NUL to a physical address; answers its length without NUL.
  /// EFAULT, or ENAMETOOLONG if no NUL is among the first `limit` bytes.
  func copyString(_ source: UInt64, to target: UInt64, limit: UInt64) throws(Errno) -> UInt64 {
    lockMap()
    defer { unlockMap() }
    var length: UInt64 = 0
    while length < limit {
      let part = min(limit - length, Layout.page - (source &+ length) & 4095)
      let from = try translate(space, source &+ length, .read)
      for offset in 0..<part {
        let byte: UInt8 = memory.load(from + offset)
        memory.store(byte, at: target + length + offset)
        if byte == 0 { return length + offset }
      }
      length += part
    }
    throw .nameTooLong
  }
}
