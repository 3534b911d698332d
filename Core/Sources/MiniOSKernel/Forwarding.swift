import ShimABI

/// A call for the host, while it is put together. What its pointers point to is in the exchange buffer already.
struct Request {
  var call: UInt64
  var arguments: InlineArray<6, UInt64> = [0, 0, 0, 0, 0, 0]
  /// Bit n: argument n is an offset into the exchange buffer.
  var pointers: UInt64 = 0
  /// The next free byte of the data part, as an offset.
  var cursor = UInt64(Exchange.data)

  init(_ call: UInt64) { self.call = call }

  /// Room in the data part, aligned to 16 bytes: its offset. Nil if it doesn't fit.
  mutating func reserve(_ count: UInt64) -> UInt64? {
    guard count <= UInt64(Exchange.size) - cursor else { return nil }
    let offset = cursor
    cursor = min(UInt64(Exchange.size), (cursor + count + 15) & ~15)
    return offset
  }

  mutating func setPointer(_ index: Int, _ offset: UInt64) {
    arguments[index] = offset
    pointers |= 1 << UInt64(index)
  }

  /// How many bytes are free.
  var room: UInt64 { UInt64(Exchange.size) - cursor }
}

extension Kernel {
  /// The address of a byte of the exchange buffer.
  @inline(__always)
  func exchange(_ offset: UInt64) -> UInt64 { task.value.exchange &+ offset }

  /// Has the host carry out a call. The result is read once; what no call returns becomes -EIO.
  func send(_ request: borrowing Request) -> Int64 {
    setHeader(Exchange.call, request.call)
    for index in 0..<6 { setHeader(Exchange.arguments + index * 8, request.arguments[index]) }
    setHeader(Exchange.pointerMask, request.pointers)
    platform.exit(.forward, request.call, 0)
    let result = Int64(bitPattern: header(Exchange.result))
    return result < -4095 ? -Errno.inputOutput.code : result
  }

  /// Has the host carry out a call whose arguments are numbers, whatever signals come before it.
  @inline(never)
  func forward(
    _ call: UInt64, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0, _ e: UInt64 = 0,
    _ f: UInt64 = 0
  ) -> Int64 {
    var request = Request(call)
    request.arguments = [a, b, c, d, e, f]
    while true {
      let result = send(request)
      if result != -Errno.notMade.code { return result }
      collectSignals()
      // Who leaves waits for nothing.
      if task.value.pending & Signal.bit(Signal.kill) != 0 { return -Errno.interrupted.code }
    }
  }

  /// As `forward`, with an error thrown.
  func require(_ result: Int64) throws(Errno) -> UInt64 {
    if result < 0 { throw Errno(-result) }
    return UInt64(result)
  }

  /// Forwards a call whose argument `index` is a string in kernel memory.
  func forward(_ call: UInt64, string: UInt64, length: UInt64, at index: Int, _ others: InlineArray<6, UInt64>) -> Int64
  {
    var request = Request(call)
    request.arguments = others
    guard let offset = request.reserve(length + 1) else { return -Errno.nameTooLong.code }
    memory.copy(from: string, to: exchange(offset), count: length)
    memory.store(UInt8(0), at: exchange(offset + length))
    request.setPointer(index, offset)
    return send(request)
  }
}
