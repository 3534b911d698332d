import ShimABI

// Carries calls to the host and back as their shapes say.

extension Kernel {
  /// The longest path with its NUL.
  static var pathLimit: UInt64 { 4096 }

  /// Forwards a call by its shape.
  func marshal(_ call: UInt64, _ shape: Shape) throws(Errno) -> Int64 {
    var request = Request(call)
    if shape.scalarCount >= 0 {
      for index in 0..<Int(shape.scalarCount) { request.arguments[index] = frame.value.x[index] }
      let result = send(request)
      guard shape.result.allows(result, request.arguments) else { throw .inputOutput }
      return result
    }
    // Bytes of each argument in the exchange buffer.
    var sizes: InlineArray<6, UInt64> = [0, 0, 0, 0, 0, 0]
    for index in 0..<6 {
      let value = frame.value.x[index]
      let argument = shape[index]
      // A length of `sized` was placed together with its buffer.
      if request.pointers >> UInt64(index) & 1 != 0 { continue }
      if argument.kind == .none { continue }
      request.arguments[index] = value
      if argument.kind == .scalar || value == 0 { continue }
      switch argument.kind {
      case .none, .scalar: break
      case .path: try placePath(&request, index, value)
      case .input, .output, .both:
        let count = frame.value.x[argument.counter]
        // What the host is asked for is what fits; a shorter answer is allowed for all of these.
        var size = count > UInt64(Exchange.size) ? UInt64(Exchange.size) : count * argument.unit
        if size > request.room - 1024 {
          guard argument.kind == .output else { throw .invalid }
          size = (request.room - 1024) / argument.unit * argument.unit
          request.arguments[argument.counter] = size / argument.unit
        }
        try place(&request, index, value, size, copy: argument.kind != .output)
        if argument.kind == .output { try checkWritable(value, size) }
        sizes[index] = size
      case .fixedIn, .fixedOut, .fixedBoth:
        try place(&request, index, value, argument.size, copy: argument.kind != .fixedOut)
        if argument.kind != .fixedIn { try checkWritable(value, argument.size) }
        sizes[index] = argument.size
      case .sized:
        let size = min(UInt64(try get(frame.value.x[index + 1], as: UInt32.self)), 16384)
        try place(&request, index, value, size, copy: false)
        guard let offset = request.reserve(4) else { throw .invalid }
        memory.store(UInt32(size), at: exchange(offset))
        request.setPointer(index + 1, offset)
        sizes[index] = size
      case .set:
        let size = (min(frame.value.x[0], 65536) + 63) / 64 * 8
        try place(&request, index, value, size, copy: true)
        sizes[index] = size
      }
    }
    let result = send(request)
    guard shape.result.allows(result, request.arguments) else { throw .inputOutput }
    if result < 0 {
      guard case .remainder = shape.result, result == -Errno.interrupted.code else { return result }
    } else if result == 0, case .child = shape.result {
      return 0
    }
    for index in 0..<6 where request.pointers >> UInt64(index) & 1 != 0 {
      let argument = shape[index]
      let source = exchange(request.arguments[index])
      let target = frame.value.x[index]
      switch argument.kind {
      case .output:
        let used = UInt64(max(result, 0)) &* argument.unit
        guard UInt64(max(result, 0)) <= UInt64(Exchange.size), used <= sizes[index] else {
          // A count of elements alone (getgroups, xattr with a size of 0) comes without any.
          if sizes[index] == 0 { continue }
          throw .inputOutput
        }
        try copyOut(source, to: target, count: used)
      case .both, .fixedOut, .fixedBoth, .set:
        try copyOut(source, to: target, count: sizes[index])
      case .sized:
        let length: UInt32 = memory.load(exchange(request.arguments[index + 1]))
        try copyOut(source, to: target, count: min(UInt64(length), sizes[index]))
        try put(length, at: frame.value.x[index + 1])
      case .none, .scalar, .path, .input, .fixedIn: break
      }
    }
    return result
  }

  /// Puts a buffer of the program into the exchange buffer, with its contents or without.
  func place(
    _ request: inout Request, _ index: Int, _ address: UInt64, _ size: UInt64, copy: Bool
  ) throws(Errno) {
    guard let offset = request.reserve(size) else { throw .invalid }
    if copy { try copyIn(address, to: exchange(offset), count: size) }
    request.setPointer(index, offset)
  }

  /// Puts a path of the program into the exchange buffer.
  func placePath(_ request: inout Request, _ index: Int, _ address: UInt64) throws(Errno) {
    guard request.room >= Self.pathLimit else { throw .nameTooLong }
    let offset = request.cursor
    var length = try copyString(address, to: exchange(offset), limit: Self.pathLimit)
    if isProgramLink(exchange(offset), length) {
      // The host would answer with the proxy's own program. The path of ours is what is meant.
      length = stringLength(process.value.programPath)
      if length > 0 { memory.copy(from: process.value.programPath, to: exchange(offset), count: length + 1) }
    }
    _ = request.reserve(length + 1)
    request.setPointer(index, offset)
  }

  /// readlinkat. Where /proc/self/exe points to is known here.
  func readLink() throws(Errno) -> Int64 {
    let length = try copyString(frame.value.x[1], to: task.value.scratch, limit: Self.pathLimit)
    guard isProgramLink(task.value.scratch, length) else {
      return try marshal(Call.readlinkat, Shape(.scalar, .path, .output(3), .scalar, result: .upTo(3)))
    }
    guard frame.value.x[3] > 0 else { throw .invalid }
    let count = min(stringLength(process.value.programPath), frame.value.x[3])
    try copyOut(process.value.programPath, to: frame.value.x[2], count: count)
    return Int64(count)
  }

  /// Whether a string is "/proc/self/exe".
  func isProgramLink(_ address: UInt64, _ length: UInt64) -> Bool {
    guard length == 14 else { return false }
    let name: StaticString = "/proc/self/exe"
    for index in 0..<14 where memory.load(address + UInt64(index), as: UInt8.self) != name.byte(index) {
      return false
    }
    return true
  }

  /// The length of a string in kernel memory that is at most a page; a page without NUL counts as empty.
  func stringLength(_ address: UInt64) -> UInt64 {
    for index in 0..<Layout.page where memory.load(address + index, as: UInt8.self) == 0 { return index }
    return 0
  }

  /// EFAULT for what can't be written, before the host does something that can't be taken back.
  private func checkWritable(_ address: UInt64, _ size: UInt64) throws(Errno) {
    guard size > 0 else { return }
    guard address < Layout.userEnd, size <= Layout.userEnd - address else { throw .fault }
    _ = try translate(space, address, .write)
  }
}
