import ShimABI

// Reading and writing: large buffers go in parts, vectors as one.

/// Numbers of calls that this kernel makes or handles itself (`asm-generic/unistd.h`).
enum Call {
  static let fcntl: UInt64 = 25
  static let ioctl: UInt64 = 29
  static let faccessat: UInt64 = 48
  static let openat: UInt64 = 56
  static let close: UInt64 = 57
  static let lseek: UInt64 = 62
  static let read: UInt64 = 63
  static let write: UInt64 = 64
  static let pread64: UInt64 = 67
  static let pwrite64: UInt64 = 68
  static let readlinkat: UInt64 = 78
  static let fstat: UInt64 = 80
  static let exitGroup: UInt64 = 94
  static let nanosleep: UInt64 = 101
  static let clockGettime: UInt64 = 113
  static let schedYield: UInt64 = 124
  static let sigsuspend: UInt64 = 133
  static let sigaction: UInt64 = 134
  static let sigprocmask: UInt64 = 135
  static let getpid: UInt64 = 172
  static let gettid: UInt64 = 178
  static let sendto: UInt64 = 206
  static let recvfrom: UInt64 = 207
  static let sendmsg: UInt64 = 211
  static let recvmsg: UInt64 = 212
  static let preadv: UInt64 = 69
  static let pwritev: UInt64 = 70
}

extension Kernel {
  /// The most bytes that one forwarded transfer carries.
  static var transferLimit: UInt64 { UInt64(Exchange.size - Exchange.data) - 1024 }

  /// How many bytes a transfer is about. As in Linux, EFAULT comes for what is too long to be memory, whatever the file.
  private func transferCount(_ buffer: UInt64, _ count: UInt64) throws(Errno) -> UInt64 {
    guard count <= Layout.userEnd, buffer <= Layout.userEnd - count else { throw .fault }
    return min(count, 0x7fff_f000)
  }

  /// read and pread64. A large read of a seekable file goes on until it is complete; of others it is short.
  func read(_ call: UInt64) throws(Errno) -> Int64 {
    let descriptor = frame.value.x[0]
    let buffer = frame.value.x[1]
    let count = try transferCount(buffer, frame.value.x[2])
    let offset = frame.value.x[3]
    var done: UInt64 = 0
    repeat {
      let part = min(count - done, Self.transferLimit)
      if part > 0 { _ = try translate(space, buffer + done, .write) }
      var request = Request(call)
      request.arguments = [descriptor, 0, part, call == Call.pread64 ? offset &+ done : 0, 0, 0]
      request.setPointer(1, UInt64(Exchange.data))
      let result = send(request)
      if result < 0 { return done > 0 ? Int64(done) : result }
      guard UInt64(result) <= part else { throw .inputOutput }
      try copyOut(exchange(UInt64(Exchange.data)), to: buffer &+ done, count: UInt64(result))
      done += UInt64(result)
      if UInt64(result) < part || done == count { break }
      // A pipe or terminal that has no more would block.
      if call == Call.read, forward(Call.lseek, descriptor, 0, 1) < 0 { break }
    } while true
    return Int64(done)
  }

  /// write and pwrite64.
  func write(_ call: UInt64) throws(Errno) -> Int64 {
    let descriptor = frame.value.x[0]
    let buffer = frame.value.x[1]
    let count = try transferCount(buffer, frame.value.x[2])
    let offset = frame.value.x[3]
    var done: UInt64 = 0
    repeat {
      let part = min(count - done, Self.transferLimit)
      do throws(Errno) {
        try copyIn(buffer &+ done, to: exchange(UInt64(Exchange.data)), count: part)
      } catch {
        if done > 0 { return Int64(done) }
        throw error
      }
      var request = Request(call)
      request.arguments = [descriptor, 0, part, call == Call.pwrite64 ? offset &+ done : 0, 0, 0]
      request.setPointer(1, UInt64(Exchange.data))
      let result = send(request)
      if result < 0 { return done > 0 ? Int64(done) : result }
      guard UInt64(result) <= part else { throw .inputOutput }
      done += UInt64(result)
      if UInt64(result) < part { break }
    } while done < count
    return Int64(done)
  }

  /// One element of a vector of buffers.
  private func element(_ vector: UInt64, _ index: UInt64) throws(Errno) -> (base: UInt64, length: UInt64) {
    (try get(vector &+ index * 16, as: UInt64.self), try get(vector &+ index * 16 &+ 8, as: UInt64.self))
  }

  /// Copies a vector's buffers to the exchange buffer, as much as fits: how many bytes.
  func gather(_ vector: UInt64, _ count: UInt64, to offset: UInt64) throws(Errno) -> UInt64 {
    guard count <= 1024 else { throw .invalid }
    var total: UInt64 = 0
    for index in 0..<count {
      let (base, length) = try element(vector, index)
      let part = min(length, UInt64(Exchange.size) - offset - total)
      try copyIn(base, to: exchange(offset + total), count: part)
      total += part
      if part < length { break }
    }
    return total
  }

  /// How many bytes a vector's buffers hold, at most a limit.
  func capacity(_ vector: UInt64, _ count: UInt64, limit: UInt64) throws(Errno) -> UInt64 {
    guard count <= 1024 else { throw .invalid }
    var total: UInt64 = 0
    for index in 0..<count {
      let length = try element(vector, index).length
      total += min(length, limit - total)
    }
    return total
  }

  /// Distributes bytes of the exchange buffer over a vector's buffers.
  func scatter(_ vector: UInt64, _ count: UInt64, from offset: UInt64, total: UInt64) throws(Errno) {
    var done: UInt64 = 0
    for index in 0..<count where done < total {
      let (base, length) = try element(vector, index)
      let part = min(length, total - done)
      try copyOut(exchange(offset + done), to: base, count: part)
      done += part
    }
  }

  /// readv, preadv: one read of all buffers together.
  func readVector(_ plain: UInt64, offset: UInt64) throws(Errno) -> Int64 {
    let vector = frame.value.x[1]
    let count = frame.value.x[2]
    let size = try capacity(vector, count, limit: Self.transferLimit)
    var request = Request(plain)
    request.arguments = [frame.value.x[0], 0, size, offset, 0, 0]
    request.setPointer(1, UInt64(Exchange.data))
    let result = send(request)
    guard result > 0 else { return result }
    guard UInt64(result) <= size else { throw .inputOutput }
    try scatter(vector, count, from: UInt64(Exchange.data), total: UInt64(result))
    return result
  }

  /// writev, pwritev: one write of all buffers together, as much as fits. The program writes the rest.
  func writeVector(_ plain: UInt64, offset: UInt64) throws(Errno) -> Int64 {
    let size = try gather(frame.value.x[1], frame.value.x[2], to: UInt64(Exchange.data))
    var request = Request(plain)
    request.arguments = [frame.value.x[0], 0, size, offset, 0, 0]
    request.setPointer(1, UInt64(Exchange.data))
    let result = send(request)
    guard result <= Int64(size) else { throw .inputOutput }
    return result
  }

  /// sendto. What doesn't fit is not sent: a stream goes on, a datagram is never that long.
  func sendTo() throws(Errno) -> Int64 {
    var request = Request(Call.sendto)
    let length = min(frame.value.x[2], Self.transferLimit - 256)
    request.arguments = [frame.value.x[0], 0, length, frame.value.x[3], 0, frame.value.x[5]]
    if frame.value.x[4] != 0 {
      guard frame.value.x[5] <= 128 else { throw .invalid }
      try place(&request, 4, frame.value.x[4], frame.value.x[5], copy: true)
    }
    try place(&request, 1, frame.value.x[1], length, copy: true)
    let result = send(request)
    guard result <= Int64(length) else { throw .inputOutput }
    return result
  }

  /// recvfrom.
  func receiveFrom() throws(Errno) -> Int64 {
    let length = min(frame.value.x[2], Self.transferLimit - 256)
    var request = Request(Call.recvfrom)
    request.arguments = [frame.value.x[0], 0, length, frame.value.x[3], 0, 0]
    var addressSize: UInt64 = 0
    if frame.value.x[4] != 0 {
      addressSize = min(UInt64(try get(frame.value.x[5], as: UInt32.self)), 128)
      try place(&request, 4, frame.value.x[4], 128, copy: false)
      guard let offset = request.reserve(4) else { throw .invalid }
      memory.store(UInt32(addressSize), at: exchange(offset))
      request.setPointer(5, offset)
    }
    try place(&request, 1, frame.value.x[1], length, copy: false)
    let result = send(request)
    guard result >= 0 else { return result }
    // MSG_TRUNC tells the true length of what was cut.
    guard UInt64(result) <= length || frame.value.x[3] & 0x20 != 0 else { throw .inputOutput }
    try copyOut(exchange(request.arguments[1]), to: frame.value.x[1], count: min(UInt64(result), length))
    if frame.value.x[4] != 0 {
      let size: UInt32 = memory.load(exchange(request.arguments[5]))
      try copyOut(
        exchange(request.arguments[4]), to: frame.value.x[4], count: min(UInt64(size), addressSize))
      try put(size, at: frame.value.x[5])
    }
    return result
  }

  // struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; 56 bytes.

  /// sendmsg: name, one buffer with all data, and control data (SCM_RIGHTS has no pointers).
  func sendMessage() throws(Errno) -> Int64 {
    let header = frame.value.x[1]
    var request = Request(Call.sendmsg)
    let (offset, vector) = try placeHeader(&request, header)
    let count = try get(header &+ 24, as: UInt64.self)
    let name = try get(header, as: UInt64.self)
    let nameSize = UInt64(try get(header &+ 8, as: UInt32.self))
    if name != 0 {
      guard nameSize <= 128 else { throw .invalid }
      try copyIn(name, to: exchange(offset + 128), count: nameSize)
      memory.store(offset + 128, at: exchange(offset))
      memory.store(nameSize, at: exchange(offset + 8))
    }
    let control = try get(header &+ 32, as: UInt64.self)
    let controlSize = try get(header &+ 40, as: UInt64.self)
    if control != 0, controlSize > 0 {
      guard controlSize <= 4096 else { throw .invalid }
      try copyIn(control, to: exchange(offset + 256), count: controlSize)
      memory.store(offset + 256, at: exchange(offset + 32))
      memory.store(controlSize, at: exchange(offset + 40))
    }
    let size = try gather(get(header &+ 16, as: UInt64.self), count, to: vector)
    memory.store(size, at: exchange(offset + 72))
    request.arguments[0] = frame.value.x[0]
    request.arguments[2] = frame.value.x[2]
    let result = send(request)
    guard result <= Int64(size) else { throw .inputOutput }
    return result
  }

  /// recvmsg.
  func receiveMessage() throws(Errno) -> Int64 {
    let header = frame.value.x[1]
    var request = Request(Call.recvmsg)
    let (offset, data) = try placeHeader(&request, header)
    let vector = try get(header &+ 16, as: UInt64.self)
    let count = try get(header &+ 24, as: UInt64.self)
    let name = try get(header, as: UInt64.self)
    let nameSize = min(UInt64(try get(header &+ 8, as: UInt32.self)), 128)
    if name != 0 {
      memory.store(offset + 128, at: exchange(offset))
      memory.store(nameSize, at: exchange(offset + 8))
    }
    let control = try get(header &+ 32, as: UInt64.self)
    let controlSize = min(try get(header &+ 40, as: UInt64.self), 4096)
    if control != 0 {
      memory.store(offset + 256, at: exchange(offset + 32))
      memory.store(controlSize, at: exchange(offset + 40))
    }
    let size = try capacity(vector, count, limit: UInt64(Exchange.size) - data)
    memory.store(size, at: exchange(offset + 72))
    request.arguments[0] = frame.value.x[0]
    request.arguments[2] = frame.value.x[2]
    let result = send(request)
    guard result >= 0 else { return result }
    guard UInt64(result) <= size || frame.value.x[2] & 0x20 != 0 else { throw .inputOutput }
    try scatter(vector, count, from: data, total: min(UInt64(result), size))
    if name != 0 {
      let length: UInt32 = memory.load(exchange(offset + 8))
      try copyOut(exchange(offset + 128), to: name, count: min(UInt64(length), nameSize))
      try put(length, at: header &+ 8)
    }
    let received = min(memory.load(exchange(offset + 40), as: UInt64.self), controlSize)
    if control != 0 { try copyOut(exchange(offset + 256), to: control, count: received) }
    try put(control != 0 ? received : 0, at: header &+ 40)
    try put(memory.load(exchange(offset + 48), as: UInt32.self), at: header &+ 48)
    return result
  }

  /// Room for a message: its header with one element of a vector at 64, the name at 128, control data at 256.
  /// Pointers inside are offsets into the exchange buffer, as arguments are. Answers where header and data are.
  private func placeHeader(
    _ request: inout Request, _ header: UInt64
  ) throws(Errno) -> (header: UInt64, data: UInt64) {
    guard let offset = request.reserve(256 + 4096), let data = request.reserve(16) else { throw .invalid }
    memory.zero(exchange(offset), count: 256)
    memory.store(offset + 64, at: exchange(offset + 16))
    memory.store(UInt64(1), at: exchange(offset + 24))
    memory.store(data, at: exchange(offset + 64))
    request.setPointer(1, offset)
    return (offset, data)
  }
}
