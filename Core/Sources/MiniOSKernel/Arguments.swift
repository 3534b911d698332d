import ShimABI

/// What a program is started with: strings one after the other in pages, whose addresses are in a page.
struct Arguments {
  /// The page of addresses: 512 of them, so 2 MiB of strings.
  let directory: UInt64
  var bytes: UInt64 = 0
  var argumentCount: UInt64 = 0
  var environmentCount: UInt64 = 0
  /// Strings in `prefix` that come before the arguments instead of the first one (`#!`).
  let prefix: UInt64
  var prefixBytes: UInt64 = 0
  var prefixCount: UInt64 = 0

  static let limit: UInt64 = 512 * 4096
}

extension Kernel {
  func makeArguments() throws(Errno) -> Arguments {
    let directory = try allocateZeroed()
    do throws(Errno) {
      return Arguments(directory: directory, prefix: try allocateZeroed())
    } catch {
      release(directory)
      throw error
    }
  }

  func freeArguments(_ arguments: Arguments) {
    for index in 0..<UInt64(512) {
      let page: UInt64 = memory.load(arguments.directory + index * 8)
      if page == 0 { break }
      release(page)
    }
    release(arguments.directory)
    release(arguments.prefix)
  }

  /// Where a byte of the strings is; makes its page. E2BIG.
  private func place(_ arguments: Arguments, _ position: UInt64) throws(Errno) -> UInt64 {
    guard position < Arguments.limit else { throw .tooBig }
    let slot = arguments.directory + position / Layout.page * 8
    var page: UInt64 = memory.load(slot)
    if page == 0 {
      page = try allocateZeroed()
      memory.store(page, at: slot)
    }
    return page + position % Layout.page
  }

  /// Appends a string of the program, with its NUL.
  private func append(_ arguments: inout Arguments, _ string: UInt64) throws(Errno) {
    lockMap()
    defer { unlockMap() }
    var source = string
    while true {
      let from = try translate(space, source, .read)
      let target = try place(arguments, arguments.bytes)
      let part = min(Layout.page - from & 4095, Layout.page - target & 4095)
      for offset in 0..<part {
        let byte: UInt8 = memory.load(from + offset)
        memory.store(byte, at: target + offset)
        if byte == 0 {
          arguments.bytes += offset + 1
          return
        }
      }
      arguments.bytes += part
      source += part
    }
  }

  /// Appends the strings of an array that ends with null: how many.
  private func appendArray(_ arguments: inout Arguments, _ array: UInt64) throws(Errno) -> UInt64 {
    guard array != 0 else { return 0 }
    var count: UInt64 = 0
    while true {
      let string = try get(array &+ count * 8, as: UInt64.self)
      if string == 0 { return count }
      try append(&arguments, string)
      count += 1
    }
  }

  /// The arguments of execve.
  func readArguments(_ arguments: inout Arguments, _ argv: UInt64, _ envp: UInt64) throws(Errno) {
    arguments.argumentCount = try appendArray(&arguments, argv)
    if arguments.argumentCount == 0 {
      // As Linux does: a program has a name.
      memory.store(UInt8(0), at: try place(arguments, arguments.bytes))
      arguments.bytes += 1
      arguments.argumentCount = 1
    }
    arguments.environmentCount = try appendArray(&arguments, envp)
  }

  /// The arguments that the host tells for the first program; the path is copied to a page. EINVAL for a lie.
  func readStart(_ arguments: inout Arguments, path: UInt64) throws(Errno) {
    var request = Request(ProxyCall.start.rawValue)
    request.setPointer(0, UInt64(Exchange.data))
    request.pointers = 0
    _ = try require(send(request))
    let data = UInt64(Exchange.data)
    let argumentCount: UInt64 = memory.load(exchange(data))
    let environmentCount: UInt64 = memory.load(exchange(data + 8))
    let total: UInt64 = memory.load(exchange(data + 16))
    let ignored: UInt64 = memory.load(exchange(data + 24))
    let blocked: UInt64 = memory.load(exchange(data + 32))
    guard argumentCount > 0, argumentCount < 65536, environmentCount < 65536 else { throw .invalid }
    guard total <= UInt64(Exchange.size) - data - 40 else { throw .invalid }
    var position: UInt64 = 0
    var strings: UInt64 = 0
    var length: UInt64 = 0
    while position < total, strings < 1 + argumentCount + environmentCount {
      let byte: UInt8 = memory.load(exchange(data + 40 + position))
      position += 1
      if strings == 0 {
        guard length < Layout.page - 1 else { throw .nameTooLong }
        memory.store(byte, at: path + length)
        length += 1
      } else {
        memory.store(byte, at: try place(arguments, arguments.bytes))
        arguments.bytes += 1
      }
      if byte == 0 { strings += 1 }
    }
    guard strings == 1 + argumentCount + environmentCount else { throw .invalid }
    arguments.argumentCount = argumentCount
    arguments.environmentCount = environmentCount
    for index in 0..<64 where ignored >> UInt64(index) & 1 != 0 { process.value.actions[index].handler = 1 }
    task.value.mask = blocked & ~Signal.unblockable
    task.value.hostMask = task.value.mask
  }

  /// Copies strings to a program's stack.
  func writeStrings(
    _ arguments: Arguments, from start: UInt64, to target: UInt64, in space: Ref<SpaceData>
  ) throws(Errno) {
    var done = start
    while done < arguments.bytes {
      let page: UInt64 = memory.load(arguments.directory + done / Layout.page * 8)
      let part = min(arguments.bytes - done, Layout.page - done % Layout.page)
      try copyOut(page + done % Layout.page, to: target + (done - start), count: part, in: space)
      done += part
    }
  }

  /// A byte of the strings.
  func byte(_ arguments: Arguments, _ position: UInt64) -> UInt8 {
    let page: UInt64 = memory.load(arguments.directory + position / Layout.page * 8)
    return memory.load(page + position % Layout.page)
  }
}
