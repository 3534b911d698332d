// The headers of ELF files for arm64 (System V ABI; ELF for the Arm 64-bit Architecture). All of them are hostile.

/// The header of a program.
struct ElfHeader: Equatable {
  /// Loaded where it likes (ET_DYN): a static-PIE program or an interpreter.
  var isRelocatable: Bool
  var entry: UInt64
  var headersOffset: UInt64
  var headerCount: UInt64

  static let size: UInt64 = 64
  static let programHeaderSize: UInt64 = 56
  /// More would not fit the page that they are read into.
  static let headerLimit: UInt64 = 64

  /// Reads 64 bytes. ENOEXEC for what is no program of arm64.
  init(memory: Memory, at address: UInt64) throws(Errno) {
    // Magic, 64-bit, little endian, version 1.
    guard memory.load(address, as: UInt32.self) == 0x464c_457f,
      memory.load(address + 4, as: UInt8.self) == 2, memory.load(address + 5, as: UInt8.self) == 1,
      memory.load(address + 6, as: UInt8.self) == 1
    else { throw .notExecutable }
    let type: UInt16 = memory.load(address + 16)
    guard type == 2 || type == 3 else { throw .notExecutable }
    guard memory.load(address + 18, as: UInt16.self) == 183 else { throw .notExecutable }
    guard memory.load(address + 54, as: UInt16.self) == UInt16(Self.programHeaderSize) else {
      throw .notExecutable
    }
    isRelocatable = type == 3
    entry = memory.load(address + 24)
    headersOffset = memory.load(address + 32)
    headerCount = UInt64(memory.load(address + 56, as: UInt16.self))
    guard headerCount > 0, headerCount <= Self.headerLimit, headersOffset < 1 << 40 else { throw .notExecutable }
  }
}

/// One program header.
struct ElfSegment: Equatable {
  enum Kind { case load, interpreter, headers, stack, other }

  var kind: Kind
  var flags: UInt32
  var offset: UInt64
  var address: UInt64
  var fileSize: UInt64
  var memorySize: UInt64

  init(memory: Memory, at place: UInt64) throws(Errno) {
    kind =
      switch memory.load(place, as: UInt32.self) {
      case 1: .load
      case 3: .interpreter
      case 6: .headers
      case 0x6474_e551: .stack
      default: .other
      }
    flags = memory.load(place + 4)
    offset = memory.load(place + 8)
    address = memory.load(place + 16)
    fileSize = memory.load(place + 32)
    memorySize = memory.load(place + 40)
    // Bounds that no sum below can leave.
    guard offset < 1 << 46, address < Layout.userEnd, fileSize < 1 << 46, memorySize < 1 << 46 else {
      throw .notExecutable
    }
    if kind == .load {
      guard fileSize <= memorySize, offset % Layout.page == address % Layout.page else { throw .notExecutable }
    }
  }

  /// What its pages may be used for. PF_X 1, PF_W 2, PF_R 4.
  var protection: Protection {
    Protection(rawValue: flags >> 2 & 1 | flags & 2 | flags << 2 & 4)
  }
}
