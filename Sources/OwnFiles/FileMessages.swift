/// Messages between the kernel and a file system in user space (`linux/fuse.h`), as far as a directory of files that are only
/// read needs them. All numbers are in the order of the machine, which is little endian on all that we build for.
enum FileMessages {
  /// The shortest buffer that the kernel takes, and room for what it may want to write, which is nothing.
  static let bufferSize = 16384

  /// What the kernel asks for.
  enum Request: Equatable {
    case initialize(minor: UInt32)
    case lookUp(parent: UInt64, name: String)
    case attributes(node: UInt64)
    case open(node: UInt64, flags: UInt32)
    case openDirectory(node: UInt64)
    case read(node: UInt64, offset: UInt64, size: Int)
    case readDirectory(node: UInt64, offset: UInt64, size: Int)
    /// Something is closed.
    case release
    case statistics
    /// No answer is wanted.
    case silent
    /// What we don't have.
    case unknown
  }

  /// Reads one.
  /// - Returns: nil for what is none, which the kernel does not send.
  static func read(_ bytes: ArraySlice<UInt8>) -> (id: UInt64, request: Request)? {
    let bytes = Array(bytes)
    guard bytes.count >= 40, number(bytes, 0, 4) == UInt64(bytes.count) else { return nil }
    let id = number(bytes, 8, 8)
    let node = number(bytes, 16, 8)
    let body = 40
    func has(_ size: Int) -> Bool { bytes.count >= body + size }
    switch number(bytes, 4, 4) {
    case 1:
      guard let end = bytes[body...].firstIndex(of: 0) else { return (id, .unknown) }
      return (id, .lookUp(parent: node, name: String(decoding: bytes[body..<end], as: UTF8.self)))
    case 2, 36, 42: return (id, .silent)  // FORGET, INTERRUPT, BATCH_FORGET
    case 3: return (id, .attributes(node: node))
    case 14 where has(8): return (id, .open(node: node, flags: UInt32(number(bytes, body, 4))))
    case 15 where has(40):
      return (
        id, .read(node: node, offset: number(bytes, body + 8, 8), size: Int(number(bytes, body + 16, 4)))
      )
    case 17: return (id, .statistics)
    case 18, 25, 29: return (id, .release)  // RELEASE, FLUSH, RELEASEDIR
    case 26 where has(16):
      // Another major version is not spoken by anybody.
      return number(bytes, body, 4) == 7 ? (id, .initialize(minor: UInt32(number(bytes, body + 4, 4)))) : (id, .unknown)
    case 27: return (id, .openDirectory(node: node))
    case 28 where has(40):
      return (
        id, .readDirectory(node: node, offset: number(bytes, body + 8, 8), size: Int(number(bytes, body + 16, 4)))
      )
    default: return (id, .unknown)
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int, _ size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
  }

  // MARK: answers

  /// An answer to a request: an error number, or what was asked for.
  static func answer(_ id: UInt64, error: Int32 = 0, _ body: [UInt8] = []) -> [UInt8] {
    bytes(UInt32(16 + body.count)) + bytes(UInt32(bitPattern: -error)) + bytes(id) + body
  }

  /// We speak version 7.31 at most, and want nothing that the kernel could do besides.
  static func initialized(minor: UInt32) -> [UInt8] {
    var body = bytes(UInt32(7)) + bytes(min(minor, 31)) + bytes(UInt32(0)) + bytes(UInt32(0))
    body += [16, 0, 12, 0]  // requests in the background, and from when on they are many
    body += bytes(UInt32(4096)) + bytes(UInt32(1))  // longest write, and times in nanoseconds
    return body + [UInt8](repeating: 0, count: 64 - body.count)
  }

  /// What a node is: the root, node 1, is a directory, all others are files.
  /// - Parameter size: bytes. Who reads does not care, but sendfile(2) sends no more; so more is better than less.
  static func attributes(of node: UInt64, size: UInt64, time: UInt64) -> [UInt8] {
    let mode: UInt32 = node == 1 ? 0o40555 : 0o100444
    var body = bytes(node) + bytes(size) + bytes(UInt64(0))
    body += bytes(time) + bytes(time) + bytes(time)
    for word in [0, 0, 0, mode, node == 1 ? 2 : 1, 0, 0, 0, 4096, 0] as [UInt32] { body += bytes(word) }
    return body
  }

  /// What LOOKUP answers: nodes live as long as the file system, so the kernel may remember them, but not how long they are.
  static func entry(_ node: UInt64, size: UInt64, time: UInt64) -> [UInt8] {
    bytes(node) + bytes(UInt64(0)) + bytes(UInt64(3600)) + bytes(UInt64(0)) + bytes(UInt64(0))
      + attributes(of: node, size: size, time: time)
  }

  static func attributesAnswer(_ node: UInt64, size: UInt64, time: UInt64) -> [UInt8] {
    bytes(UInt64(0)) + bytes(UInt64(0)) + attributes(of: node, size: size, time: time)
  }

  /// Reads reach us and no cache (FOPEN_DIRECT_IO): a file says what it says when it is read.
  static let opened: [UInt8] = bytes(UInt64(0)) + bytes(UInt32(1)) + bytes(UInt32(0))

  /// Entries of the root from `offset` on, as many as fit.
  static func directory(_ names: [(name: String, node: UInt64)], offset: UInt64, size: Int) -> [UInt8] {
    let all = [(name: ".", node: 1 as UInt64), (name: "..", node: 1)] + names
    var body: [UInt8] = []
    for (index, one) in all.enumerated() where UInt64(index) >= offset {
      let name = Array(one.name.utf8)
      var entry = bytes(one.node) + bytes(UInt64(index + 1)) + bytes(UInt32(name.count))
      entry += bytes(UInt32(one.node == 1 ? 4 : 8)) + name  // DT_DIR, DT_REG
      while entry.count % 8 != 0 { entry.append(0) }
      if body.count + entry.count > size { break }
      body += entry
    }
    return body
  }

  /// No blocks, no free ones; names of up to 255 bytes.
  static var statistics: [UInt8] {
    [UInt8](repeating: 0, count: 40) + bytes(UInt32(4096)) + bytes(UInt32(255)) + bytes(UInt32(4096))
      + [UInt8](repeating: 0, count: 28)
  }

  private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
  }
}
