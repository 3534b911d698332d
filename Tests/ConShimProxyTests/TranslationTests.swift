import ShimABI
import Testing

@testable import ConShimProxy

/// A buffer in plain memory, and what a hostile con-shim writes into it.
final class FakeExchange {
  let memory: UnsafeMutableRawPointer
  let buffer: ExchangeBuffer

  init() {
    memory = .allocate(byteCount: Exchange.size, alignment: 4096)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: Exchange.size)
    buffer = ExchangeBuffer(base: UInt64(UInt(bitPattern: memory)))
  }

  deinit { memory.deallocate() }

  func request(_ number: UInt64, _ arguments: [UInt64], pointers: UInt64) -> Request {
    buffer.store(Exchange.call, number)
    for (index, value) in (arguments + Array(repeating: 0, count: 6 - arguments.count)).enumerated() {
      buffer.store(Exchange.arguments + 8 * index, value)
    }
    buffer.store(Exchange.pointerMask, pointers)
    return Request(buffer)
  }

  func put(_ words: [UInt64], at offset: UInt64) {
    for (index, word) in words.enumerated() { buffer.store(Int(offset) + 8 * index, word) }
  }
}

@Suite struct TranslationTests {
  let exchange = FakeExchange()
  let translator = Translator(device: 1000, scratch: PrivateMemory())
  let data = UInt64(Exchange.data)
  let size = UInt64(Exchange.size)
  var base: UInt64 { exchange.buffer.base }

  enum Outcome: Equatable {
    case refused(Refusal)
    case made([UInt64])
  }

  func translate(_ number: UInt64, _ arguments: [UInt64], pointers: UInt64) throws -> Outcome {
    let request = exchange.request(number, arguments, pointers: pointers)
    let call = try #require(CallTable.call(number))
    switch translator.translate(request, call, in: exchange.buffer) {
    case .refuse(let refusal): return .refused(refusal)
    case .call(let arguments, _): return .made((0..<6).map { arguments[$0] })
    }
  }

  func word(_ address: UInt64) -> UInt64 {
    UnsafePointer<UInt64>(bitPattern: UInt(address))?.pointee ?? 0
  }

  @Test func offsetsBecomeAddresses() throws {
    #expect(try translate(63, [3, data, 10], pointers: 0b10) == .made([3, base + data, 10, 0, 0, 0]))
    #expect(try translate(63, [3, size - 1, 10], pointers: 0b10) == .made([3, base + size - 1, 10, 0, 0, 0]))
  }

  @Test func nullStaysNull() throws {
    #expect(try translate(260, [1, 0, 2, 0], pointers: 0) == .made([1, 0, 2, 0, 0, 0]))
    #expect(try translate(260, [1, 0, 2, 0], pointers: 0b1010) == .made([1, 0, 2, 0, 0, 0]))
  }

  @Test(arguments: [1, 4095, 131_072, 131_073, 1 << 32, 1 << 63, UInt64.max, UInt64.max - 4095] as [UInt64])
  func offsetsOutsideOfTheDataAreRefused(_ offset: UInt64) throws {
    #expect(try translate(63, [3, offset, 10], pointers: 0b10) == .refused(.badAddress))
  }

  @Test func numbersAreNoAddresses() throws {
    // An address of the proxy itself in the place of an offset.
    #expect(try translate(63, [3, base + data, 10], pointers: 0) == .refused(.invalid))
    #expect(try translate(63, [3, data, data], pointers: 0b110) == .refused(.invalid))
    #expect(try translate(172, [data], pointers: 0b1) == .refused(.invalid))
  }

  @Test func theProxysDescriptorIsNotThere() throws {
    #expect(try translate(63, [1000, data, 10], pointers: 0b10) == .refused(.badDescriptor))
    #expect(try translate(57, [1000], pointers: 0) == .refused(.badDescriptor))
    #expect(try translate(57, [1 << 32 | 1000], pointers: 0) == .refused(.badDescriptor))
    #expect(try translate(24, [3, 1000, 0], pointers: 0) == .refused(.badDescriptor))
    #expect(try translate(21, [3, 1, 1000, data], pointers: 0b1000) == .refused(.badDescriptor))
    #expect(try translate(25, [1000, 0, 0], pointers: 0) == .refused(.badDescriptor))
    #expect(try translate(57, [999], pointers: 0) == .made([999, 0, 0, 0, 0, 0]))
  }

  @Test func theCommandSaysWhetherThereIsAPointer() throws {
    #expect(try translate(25, [3, 3, 5], pointers: 0) == .made([3, 3, 5, 0, 0, 0]))
    #expect(try translate(25, [3, 5, data], pointers: 0b100) == .made([3, 5, base + data, 0, 0, 0]))
    #expect(try translate(25, [3, 5, base], pointers: 0) == .refused(.invalid))
    #expect(try translate(29, [0, 0x5401, data], pointers: 0b100) == .made([0, 0x5401, base + data, 0, 0, 0]))
    #expect(try translate(29, [0, 0x5401, base], pointers: 0) == .refused(.invalid))
    #expect(try translate(29, [0, 0x540e, 1], pointers: 0) == .made([0, 0x540e, 1, 0, 0, 0]))
    #expect(try translate(167, [15, data], pointers: 0b10) == .made([15, base + data, 0, 0, 0, 0]))
    #expect(try translate(167, [22, 2, data], pointers: 0b100) == .refused(.invalid))  // PR_SET_SECCOMP
    #expect(try translate(167, [35, 1, data], pointers: 0b100) == .refused(.invalid))  // PR_SET_MM
  }

  @Test func vectorsAreCopied() throws {
    exchange.put([data + 64, 10, data + 128, 0, 0, 0, size - 5, 5], at: data)
    #expect(try translate(66, [1, data, 4], pointers: 0b10) == .made([1, translator.scratch.vectors, 4, 0, 0, 0]))
    let copied = (0..<8).map { word(translator.scratch.vectors + 8 * UInt64($0)) }
    #expect(copied == [base + data + 64, 10, 0, 0, 0, 0, base + size - 5, 5])
  }

  @Test func hostileVectorsAreRefused() throws {
    for (offset, length) in [(size - 5, 6), (0, 1), (data, UInt64.max), (base + data, 1), (data, size)] {
      exchange.put([offset, length], at: data)
      #expect(try translate(65, [1, data, 1], pointers: 0b10) == .refused(.badAddress))
    }
    #expect(try translate(65, [1, data, 1025], pointers: 0b10) == .refused(.invalid))
    #expect(try translate(65, [1, data, UInt64.max], pointers: 0b10) == .refused(.invalid))
    #expect(try translate(65, [1, size - 16, 2], pointers: 0b10) == .refused(.badAddress))
  }

  @Test func messagesAreCopied() throws {
    exchange.put([data + 200, 16, data + 100, 1, data + 300, 20, 0], at: data)
    exchange.put([data + 400, 7], at: data + 100)
    exchange.put([20, 1 << 32 | 1, 5], at: data + 300)
    #expect(try translate(211, [4, data, 0], pointers: 0b10) == .made([4, translator.scratch.header, 0, 0, 0, 0]))
    let header = (0..<7).map { word(translator.scratch.header + 8 * UInt64($0)) }
    #expect(header[0] == base + data + 200)
    #expect(header[2] == translator.scratch.vectors)
    #expect(header[4] == translator.scratch.control)
    #expect(word(translator.scratch.control + 8) == 1 << 32 | 1)
  }

  @Test func messagesDoNotPassTheProxysDescriptorOn() throws {
    for descriptors in [[1000], [5 | 1000 << 32], [5, 1000]] as [[UInt64]] {
      let length = 16 + 8 * UInt64(descriptors.count)
      exchange.put([0, 0, 0, 0, data + 304, length, 0], at: data)
      exchange.put([length, 1 << 32 | 1] + descriptors, at: data + 304)
      #expect(try translate(211, [4, data, 0], pointers: 0b10) == .refused(.badDescriptor))
    }
    // Behind another message.
    exchange.put([0, 0, 0, 0, data + 304, 48, 0], at: data)
    exchange.put([20, 1 << 32 | 2, 0, 20, 1 << 32 | 1, 1000], at: data + 304)
    #expect(try translate(211, [4, data, 0], pointers: 0b10) == .refused(.badDescriptor))
  }

  @Test func hostileMessagesAreRefused() throws {
    let good: [UInt64] = [data + 200, 16, 0, 0, data + 300, 20, 0]
    for (word, value) in [(0, 1), (1, size), (2, 5), (3, 1), (4, size - 3), (5, UInt64.max)] as [(Int, UInt64)] {
      var words = good
      words[word] = value
      exchange.put(words, at: data)
      if word == 2 { continue }  // without a count it is not looked at
      #expect(try translate(212, [4, data, 0], pointers: 0b10) == .refused(.badAddress), "word \(word)")
    }
    exchange.put([0, 0, 0, 0, data + 300, 8193, 0], at: data)
    #expect(try translate(211, [4, data, 0], pointers: 0b10) == .refused(.noBuffers))
    #expect(try translate(211, [4, 0, 0], pointers: 0) == .refused(.badAddress))
    #expect(try translate(212, [4, size - 8, 0], pointers: 0b10) == .refused(.badAddress))
  }

  @Test func onlyLengthsAndFlagsOfAMessageComeBack() throws {
    exchange.put([data + 200, 16, 0, 0, data + 304, 20, 0], at: data)
    let request = exchange.request(212, [4, data, 0], pointers: 0b10)
    let call = try #require(CallTable.call(212))
    guard case .call(_, let afterwards) = translator.translate(request, call, in: exchange.buffer) else {
      Issue.record("refused")
      return
    }
    #expect(afterwards == .message(data))
    translator.finish(afterwards, in: exchange.buffer)
    #expect(exchange.buffer.words(data, 7) == [data + 200, 16, 0, 0, data + 304, 20, 0])
  }

  @Test func theMaskOfPselectIsTranslated() throws {
    exchange.put([data + 64, 8], at: data)
    #expect(
      try translate(72, [0, 0, 0, 0, 0, data], pointers: 0b10_0000)
        == .made([0, 0, 0, 0, 0, translator.scratch.header]))
    #expect(word(translator.scratch.header) == base + data + 64)
    exchange.put([size, 8], at: data)
    #expect(try translate(72, [0, 0, 0, 0, 0, data], pointers: 0b10_0000) == .refused(.badAddress))
  }

  @Test func limitsOfMemoryStayTheMiniOSs() throws {
    #expect(try translate(261, [0, 9, data, 0], pointers: 0b100) == .refused(.notPermitted))
    #expect(try translate(261, [0, 9, 0, data], pointers: 0b1000) == .made([0, 9, 0, base + data, 0, 0]))
    #expect(try translate(164, [2, data], pointers: 0b10) == .refused(.notPermitted))
    #expect(try translate(164, [7, data], pointers: 0b10) == .made([7, base + data, 0, 0, 0, 0]))
  }
}

@Suite struct ForkTests {
  @Test func forkSharesNoMemory() {
    #expect(ConShimProxy.forkFlags(17) == 17)
    #expect(ConShimProxy.forkFlags(0x4111) == 17)  // vfork
    #expect(ConShimProxy.forkFlags(0x120_0011) == 17)  // CHILD_SETTID, CHILD_CLEARTID
    #expect(ConShimProxy.forkFlags(0x8011) == 0x8011)  // PARENT
    #expect(ConShimProxy.forkFlags(0x3d_0f00) == nil)  // a thread
    #expect(ConShimProxy.forkFlags(0x1011) == nil)  // PIDFD
    #expect(ConShimProxy.forkFlags(1 << 32 | 17) == nil)
  }
}

@Suite struct StartTests {
  @Test func theProgramIsEncoded() throws {
    let bytes = try #require(
      Program(path: "/a", arguments: ["b", ""], environment: ["C=d"], ignored: 2, blocked: 4).encoded())
    #expect(
      bytes == [2] + Array(repeating: 0, count: 7) + [1] + Array(repeating: 0, count: 7) + [10]
        + Array(repeating: 0, count: 7) + [2] + Array(repeating: 0, count: 7) + [4] + Array(repeating: 0, count: 7)
        + Array("/a\0b\0\0C=d\0".utf8))
  }

  @Test func whatIsTooLongIsRefused() {
    let fits = Exchange.size - Exchange.data - 40 - 3
    func encoded(_ count: Int) -> [UInt8]? {
      Program(
        path: "/a", arguments: [], environment: [String(repeating: "x", count: count)], ignored: 0, blocked: 0
      ).encoded()
    }
    #expect(encoded(fits - 1) != nil)
    #expect(encoded(fits) == nil)
  }
}

@Suite struct SignalTests {
  @Test func actionsAreCheckedAndKept() {
    let exchange = FakeExchange()
    let data = UInt64(Exchange.data)
    var table = SignalTable()
    exchange.put([0x1234_5678, 0x1000_0000, 0, 7], at: data)
    let set = exchange.request(134, [10, data, 0, 8], pointers: 0b10)
    #expect(table.change(set, in: exchange.buffer) == 0)
    let get = exchange.request(134, [10, 0, data + 64, 8], pointers: 0b100)
    #expect(table.change(get, in: exchange.buffer) == 0)
    #expect(exchange.buffer.words(data + 64, 4) == [0x1234_5678, 0x1000_0000, 0, 7])
    table.resetHandlers()
    #expect(table.change(get, in: exchange.buffer) == 0)
    #expect(exchange.buffer.words(data + 64, 4) == [0, 0, 0, 0])
  }

  @Test func hostileActionsAreRefused() {
    let exchange = FakeExchange()
    let data = UInt64(Exchange.data)
    let size = UInt64(Exchange.size)
    var table = SignalTable()
    func change(_ arguments: [UInt64], _ pointers: UInt64) -> Int64 {
      table.change(exchange.request(134, arguments, pointers: pointers), in: exchange.buffer)
    }
    #expect(change([0, 0, 0, 8], 0) == -22)
    #expect(change([65, 0, 0, 8], 0) == -22)
    #expect(change([UInt64.max, 0, 0, 8], 0) == -22)
    #expect(change([10, data, 0, 8], 0) == -22)
    #expect(change([10, 0, 0, 16], 0) == -22)
    #expect(change([10, 8, 0, 8], 0b10) == -14)
    #expect(change([10, size - 24, 0, 8], 0b10) == -14)
    #expect(change([10, 0, size - 24, 8], 0b100) == -14)
    #expect(change([9, data, 0, 8], 0b10) == -22)  // SIGKILL
  }
}
