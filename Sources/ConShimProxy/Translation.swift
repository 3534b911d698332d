import CConShim
import ShimABI

/// Error numbers that the proxy itself answers with.
enum Refusal: Int64 {
  case notPermitted = -1
  case tooLong = -7
  case badDescriptor = -9
  case again = -11
  case outOfMemory = -12
  case badAddress = -14
  case invalid = -22
  case noBuffers = -105
  case notImplemented = -38
}

/// What a con-shim asks for: a copy of the header of its exchange buffer.
struct Request {
  var number: UInt64
  var arguments: InlineArray<6, UInt64>
  /// Bit n: argument n is an offset.
  var pointers: UInt64

  init(_ buffer: ExchangeBuffer) {
    number = buffer.load(Exchange.call)
    arguments = InlineArray { buffer.load(Exchange.arguments + 8 * $0) }
    pointers = buffer.load(Exchange.pointerMask)
  }
}

/// Turns requests into system calls of this process: offsets into addresses, nothing else of the proxy in reach.
struct Translator {
  /// The proxy's own descriptor, which is not there for the container.
  let device: Int32
  let scratch: PrivateMemory

  enum Result {
    case refuse(Refusal)
    case call(InlineArray<6, UInt64>, afterwards: Afterwards)
  }

  /// What is to be copied back.
  enum Afterwards: Equatable {
    case nothing
    /// The header of a received message, to this offset.
    case message(UInt64)
  }

  /// - Returns: the arguments of the call, or why it is not made.
  func translate(_ request: Request, _ call: Call, in buffer: ExchangeBuffer) -> Result {
    guard let pointers = pointers(of: call, request) else { return .refuse(.invalid) }
    var arguments = request.arguments
    for index in 0..<6 {
      let bit: UInt8 = 1 << UInt8(index)
      let value = request.arguments[index]
      let isOffset = request.pointers & UInt64(bit) != 0
      if pointers & bit != 0 {
        if value == 0 { continue }
        guard isOffset else { return .refuse(.invalid) }
        guard let address = buffer.address(value) else { return .refuse(.badAddress) }
        arguments[index] = address
      } else if isOffset {
        return .refuse(.invalid)
      }
      if call.descriptors & bit != 0, Int32(truncatingIfNeeded: value) == device {
        return .refuse(.badDescriptor)
      }
    }
    return nested(request, &arguments, in: buffer)
  }

  private func pointers(of call: Call, _ request: Request) -> UInt8? {
    switch request.number {
    case CallTable.fcntl:
      return CallTable.fcntlTakesPointer(request.arguments[1]) ? 0b100 : 0
    case CallTable.ioctl:
      return CallTable.ioctlTakesNumber(request.arguments[1]) ? 0 : 0b100
    case CallTable.prctl:
      return CallTable.prctlPointers(request.arguments[0])
    default: return call.pointers
    }
  }

  // MARK: pointers in what pointers point to

  private func nested(
    _ request: Request, _ arguments: inout InlineArray<6, UInt64>, in buffer: ExchangeBuffer
  ) -> Result {
    switch request.number {
    case 65, 66, 69, 70, 286, 287:  // readv, writev, preadv, pwritev, preadv2, pwritev2
      if let refusal = vectors(request.arguments[1], request.arguments[2], in: buffer) { return .refuse(refusal) }
      arguments[1] = scratch.vectors
    case 72 where request.arguments[5] != 0:  // pselect6: address and size of the mask
      guard let words = buffer.words(request.arguments[5], 2) else { return .refuse(.badAddress) }
      var mask: UInt64 = 0
      if words[0] != 0 {
        guard let address = buffer.address(words[0], count: 8) else { return .refuse(.badAddress) }
        mask = address
      }
      cs_store(scratch.header, mask)
      cs_store(scratch.header + 8, words[1])
      arguments[5] = scratch.header
    case 211, 212:  // sendmsg, recvmsg
      if let refusal = message(request, in: buffer) { return .refuse(refusal) }
      arguments[1] = scratch.header
      if request.number == 212 { return .call(arguments, afterwards: .message(request.arguments[1])) }
    case 164 where request.arguments[1] != 0, 261 where request.arguments[2] != 0:  // setrlimit, prlimit64
      // They count the memory of the proxy, which is not the program's.
      let resource = request.arguments[request.number == 164 ? 0 : 1]
      if [2, 9].contains(UInt32(truncatingIfNeeded: resource)) { return .refuse(.notPermitted) }
    default: break
    }
    return .call(arguments, afterwards: .nothing)
  }

  /// Copies an array of iovec with addresses in the place of offsets.
  private func vectors(_ offset: UInt64, _ count: UInt64, in buffer: ExchangeBuffer) -> Refusal? {
    guard count <= PrivateMemory.vectorLimit else { return .invalid }
    if count == 0 { return nil }
    guard let words = buffer.words(offset, 2 * Int(count)) else { return .badAddress }
    for index in 0..<Int(count) {
      let length = words[2 * index + 1]
      var address: UInt64 = 0
      if length > 0 {
        guard let found = buffer.address(words[2 * index], count: length) else { return .badAddress }
        address = found
      }
      cs_store(scratch.vectors + 16 * UInt64(index), address)
      cs_store(scratch.vectors + 16 * UInt64(index) + 8, length)
    }
    return nil
  }

  /// The layout of msghdr in 64-bit words: name, its length, iovec, their count, control, its length, flags.
  enum Message {
    static let words = 7
    static let name = 0
    static let nameLength = 1
    static let vectors = 2
    static let vectorCount = 3
    static let control = 4
    static let controlLength = 5
    static let flags = 6
  }

  private func message(_ request: Request, in buffer: ExchangeBuffer) -> Refusal? {
    guard var words = buffer.words(request.arguments[1], Message.words) else { return .badAddress }
    let nameLength = words[Message.nameLength] & 0xffff_ffff
    if words[Message.name] != 0 {
      guard let address = buffer.address(words[Message.name], count: nameLength) else { return .badAddress }
      words[Message.name] = address
    }
    if let refusal = vectors(words[Message.vectors], words[Message.vectorCount], in: buffer) { return refusal }
    words[Message.vectors] = scratch.vectors
    if words[Message.control] != 0 {
      let length = words[Message.controlLength]
      guard let address = buffer.address(words[Message.control], count: length) else { return .badAddress }
      if request.number == 211 {
        // The copy is what is checked and sent.
        guard length <= PrivateMemory.controlLimit else { return .noBuffers }
        cs_copy(scratch.control, address, length)
        if sendsDevice(length) { return .badDescriptor }
        words[Message.control] = scratch.control
      } else {
        words[Message.control] = address
      }
    } else {
      words[Message.controlLength] = 0
    }
    for index in 0..<Message.words { cs_store(scratch.header + 8 * UInt64(index), words[index]) }
    return nil
  }

  /// Whether the control messages pass the proxy's descriptor on (SCM_RIGHTS).
  private func sendsDevice(_ length: UInt64) -> Bool {
    var position: UInt64 = 0
    while position + 16 <= length {
      let size = cs_load(scratch.control + position)
      guard size >= 16, size <= length - position else { return false }  // the kernel refuses it
      let kind = cs_load(scratch.control + position + 8)
      if kind == 1 << 32 | 1 {  // SOL_SOCKET, SCM_RIGHTS
        var place = position + 16
        while place + 4 <= position + size {
          let word = cs_load(scratch.control + (place & ~7))
          let number = UInt32(truncatingIfNeeded: place & 4 == 0 ? word : word >> 32)
          if Int32(bitPattern: number) == device { return true }
          place += 4
        }
      }
      position += (size + 7) & ~7
    }
    return false
  }

  /// Writes what a call left in the proxy's memory back to the con-shim.
  func finish(_ afterwards: Afterwards, in buffer: ExchangeBuffer) {
    guard case .message(let offset) = afterwards else { return }
    // Lengths and flags; the addresses stay what the mini-OS wrote.
    for word in [Message.nameLength, Message.controlLength, Message.flags] {
      guard let address = buffer.address(offset + 8 * UInt64(word), count: 8) else { return }
      cs_store(address, cs_load(scratch.header + 8 * UInt64(word)))
    }
  }
}
