import SyscallCatalogue

/// An ELF file for x86-64 or arm64, as far as it matters for what its code does (elf(5)).
///
/// The file is not trusted: every offset is checked, and what lies outside of the file is not there.
public struct ElfFile: Sendable {
  public struct Segment: Sendable {
    public var address: UInt64
    public var offset: Int
    public var fileSize: Int
    public var memorySize: Int
    public var isExecutable: Bool
    public var isWritable: Bool

    var end: UInt64 { address + UInt64(fileSize) }
  }

  public struct Symbol: Sendable {
    public var name: String
    public var address: UInt64
    public var size: UInt64
    public var isFunction: Bool
    public var isDefined: Bool
  }

  /// What the dynamic linker puts into a cell.
  public enum Relocation: Sendable, Equatable {
    /// The address of a symbol, by its place in `symbols`. `isCell` is whether only code looks at it, in the global
    /// offset table.
    case symbol(Int, isCell: Bool)
    /// An address of this file.
    case relative(UInt64)
    /// What the function at this address returns.
    case indirect(UInt64)
  }

  public let path: String
  public let bytes: [UInt8]
  public let architecture: Architecture
  /// Whether the file is linked to a fixed address, so that code and data may hold addresses as plain numbers.
  public let isFixed: Bool
  public let entry: UInt64
  public private(set) var segments: [Segment] = []
  /// Where the code is: executable sections, or executable segments in a file without section headers. A segment may
  /// hold read-only data as well.
  public private(set) var code: [Segment] = []
  public private(set) var interpreter: String?
  public private(set) var name: String?
  public private(set) var needed: [String] = []
  /// DT_RPATH and DT_RUNPATH.
  public private(set) var oldSearchPath: [String] = []
  public private(set) var searchPath: [String] = []
  /// The string table of the dynamic section, in the file: names that are no strings of the program.
  private var names: Range<Int> = 0..<0
  /// Of the dynamic symbol table.
  public private(set) var symbols: [Symbol] = []
  public private(set) var relocations: [UInt64: Relocation] = [:]
  /// DT_INIT and DT_FINI.
  public private(set) var hooks: [UInt64] = []
  /// Where functions start and end, from unwind tables and symbols.
  public private(set) var functions: [Range<UInt64>] = []

  /// - Throws: that the file is none, or one of another machine.
  public init(path: String, bytes: [UInt8]) throws(ProfileError) {
    self.path = path
    self.bytes = bytes
    let reader = ByteReader(bytes)
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { throw ProfileError("\(path) is no ELF file") }
    guard bytes.count >= 64, bytes[4] == 2, bytes[5] == 1, let type = reader.u16(16), let machine = reader.u16(18)
    else {
      throw ProfileError("\(path) is an ELF file, but not of a 64-bit little-endian machine")
    }
    switch machine {
    case 62: architecture = .x86_64
    case 183: architecture = .aarch64
    default: throw ProfileError("\(path) is an ELF file of machine \(machine); x86-64 and arm64 are known")
    }
    guard type == 2 || type == 3 else { throw ProfileError("\(path) is an ELF file, but no program or library") }
    isFixed = type == 2
    entry = reader.u64(24) ?? 0
    try readSegments(reader)
    // Before the tables are read, for what they say is compared with it.
    let sections = readSections(reader)
    code = sections.filter { $0.isExecutable }.compactMap { section in
      guard offset(of: section.address) == section.offset, section.size <= bytes.count - section.offset else {
        return nil
      }
      return Segment(
        address: section.address, offset: section.offset, fileSize: section.size, memorySize: section.size,
        isExecutable: true, isWritable: false)
    }
    if code.isEmpty { code = segments.filter(\.isExecutable) }
    readSymbolTables(reader, sections)
    readFunctions(reader, sections)
  }

  // MARK: addresses

  /// Where an address is in the file.
  public func offset(of address: UInt64) -> Int? {
    for segment in segments where address >= segment.address && address < segment.end {
      return segment.offset + Int(address - segment.address)
    }
    return nil
  }

  func code(of address: UInt64) -> Segment? {
    code.first { address >= $0.address && address < $0.end }
  }

  func u64(at address: UInt64) -> UInt64? { offset(of: address).flatMap { ByteReader(bytes).u64($0) } }

  func u32(at address: UInt64) -> UInt32? { offset(of: address).flatMap { ByteReader(bytes).u32($0) } }

  /// The printable string that starts at an address of data.
  func string(at address: UInt64, limit: Int = 4096) -> String? {
    guard code(of: address) == nil, let start = offset(of: address) else { return nil }
    var end = start
    while end < bytes.count, end - start < limit, bytes[end] >= 0x20, bytes[end] < 0x7f { end += 1 }
    guard end > start, end < bytes.count, bytes[end] == 0 else { return nil }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  /// All strings of at least `minimum` printable characters that end with NUL, with their addresses.
  func forEachString(minimum: Int, _ body: (UInt64, ArraySlice<UInt8>) -> Void) {
    for segment in segments {
      var start = segment.offset
      for place in segment.offset..<segment.offset + segment.fileSize {
        let byte = bytes[place]
        if byte >= 0x20 && byte < 0x7f { continue }
        if byte == 0, place - start >= minimum, !names.contains(start) {
          body(segment.address + UInt64(start - segment.offset), bytes[start..<place])
        }
        start = place + 1
      }
    }
  }

  // MARK: reading

  private mutating func readSegments(_ reader: ByteReader) throws(ProfileError) {
    guard let start = reader.u64(32).flatMap({ Int(exactly: $0) }), let size = reader.u16(54), size >= 56,
      let count = reader.u16(56)
    else { throw ProfileError("\(path) has no program headers") }
    var dynamic: (address: UInt64, size: Int)?
    for index in 0..<Int(count) {
      let (header, overflow) = start.addingReportingOverflow(index * Int(size))
      guard !overflow, let kind = reader.u32(header), let flags = reader.u32(header + 4),
        let offset = reader.u64(header + 8).flatMap({ Int(exactly: $0) }), let address = reader.u64(header + 16),
        let length = reader.u64(header + 32).flatMap({ Int(exactly: $0) }),
        let memory = reader.u64(header + 40).flatMap({ Int(exactly: $0) })
      else { throw ProfileError("\(path) is cut off") }
      if kind == 1 || kind == 3 {
        guard offset <= bytes.count, length <= bytes.count - offset, address < 1 << 62,
          memory < 1 << 62
        else {
          throw ProfileError("\(path) is cut off")
        }
      }
      switch kind {
      case 1:
        segments.append(
          Segment(
            address: address, offset: offset, fileSize: length, memorySize: memory,
            isExecutable: flags & 1 != 0, isWritable: flags & 2 != 0))
      case 2: dynamic = (address, length)
      case 3: interpreter = reader.string(offset)
      default: break
      }
    }
    if let dynamic { readDynamic(reader, dynamic.address, dynamic.size) }
  }

  private mutating func readDynamic(_ reader: ByteReader, _ address: UInt64, _ size: Int) {
    guard let start = offset(of: address) else { return }
    var values: [UInt64: UInt64] = [:]
    var libraries: [UInt64] = []
    for place in stride(from: start, to: min(start + size, bytes.count), by: 16) {
      guard let tag = reader.u64(place), let value = reader.u64(place + 8), tag != 0 else { break }
      if tag == 1 { libraries.append(value) } else { values[tag] = value }
    }
    let strings = values[5].flatMap { offset(of: $0) }
    if let strings, let size = values[10], size <= UInt64(bytes.count - strings) {
      names = strings..<strings + Int(size)
    }
    func text(_ place: UInt64?) -> String? {
      guard let strings, let place, place < UInt64(bytes.count) else { return nil }
      return reader.string(strings + Int(place))
    }
    needed = libraries.compactMap { text($0) }
    name = text(values[14])
    oldSearchPath = text(values[15])?.split(separator: ":").map(String.init) ?? []
    searchPath = text(values[29])?.split(separator: ":").map(String.init) ?? []
    hooks = [values[12], values[13]].compactMap { $0 }.filter { $0 != 0 }
    if let table = values[6].flatMap({ offset(of: $0) }), let strings {
      readSymbols(reader, table, symbolCount(reader, values), strings)
    }
    for (table, length) in [(values[7], values[8]), (values[23], values[2])] {
      guard let start = table.flatMap({ offset(of: $0) }), let length else { continue }
      readRelocations(reader, start, Int(clamping: length))
    }
    if let start = values[36].flatMap({ offset(of: $0) }), let length = values[35] {
      readRelative(reader, start, Int(clamping: length))
    }
  }

  /// The dynamic section does not tell how many symbols there are; the hash tables do.
  private func symbolCount(_ reader: ByteReader, _ values: [UInt64: UInt64]) -> Int {
    if let hash = values[4].flatMap({ offset(of: $0) }), let count = reader.u32(hash + 4) { return Int(count) }
    guard let hash = values[0x6fff_fef5].flatMap({ offset(of: $0) }), let buckets = reader.u32(hash),
      let first = reader.u32(hash + 4), let words = reader.u32(hash + 8)
    else { return 0 }
    let table = hash + 16 + 8 * Int(words)
    let chains = table + 4 * Int(buckets)
    var last: UInt32 = 0
    for bucket in 0..<Int(buckets) {
      guard let symbol = reader.u32(table + 4 * bucket) else { return 0 }
      last = max(last, symbol)
    }
    guard last >= first else { return Int(first) }
    while let chain = reader.u32(chains + 4 * Int(last - first)) {
      last += 1
      if chain & 1 != 0 { break }
    }
    return Int(last)
  }

  private mutating func readSymbols(_ reader: ByteReader, _ table: Int, _ count: Int, _ strings: Int) {
    for index in 0..<count {
      guard let symbol = Self.symbol(reader, table + 24 * index, strings) else { return }
      symbols.append(symbol)
    }
  }

  private static func symbol(_ reader: ByteReader, _ place: Int, _ strings: Int) -> Symbol? {
    guard let name = reader.u32(place), let info = reader.u8(place + 4), let section = reader.u16(place + 6),
      let value = reader.u64(place + 8), let size = reader.u64(place + 16)
    else { return nil }
    // FUNC and GNU_IFUNC.
    return Symbol(
      name: reader.string(strings + Int(name)) ?? "", address: value, size: size,
      isFunction: info & 15 == 2 || info & 15 == 10, isDefined: section != 0)
  }

  private mutating func readRelocations(_ reader: ByteReader, _ start: Int, _ length: Int) {
    for place in stride(from: start, to: start + min(length, bytes.count - start), by: 24) {
      guard let cell = reader.u64(place), let info = reader.u64(place + 8), let addend = reader.u64(place + 16)
      else { return }
      let symbol = Int(info >> 32)
      switch (architecture, info & 0xffff_ffff) {
      case (.x86_64, 8), (.aarch64, 1027): relocations[cell] = .relative(addend)
      case (.x86_64, 37), (.aarch64, 1032): relocations[cell] = .indirect(addend)
      case (.x86_64, 6), (.x86_64, 7), (.aarch64, 1025), (.aarch64, 1026):
        if symbol < symbols.count { relocations[cell] = .symbol(symbol, isCell: true) }
      case (.x86_64, 1), (.aarch64, 257):
        if symbol < symbols.count { relocations[cell] = .symbol(symbol, isCell: false) }
      default: break
      }
    }
  }

  /// DT_RELR: addresses, and bit maps of what follows them.
  private mutating func readRelative(_ reader: ByteReader, _ start: Int, _ length: Int) {
    var next: UInt64 = 0
    for place in stride(from: start, to: start + min(length, bytes.count - start), by: 8) {
      guard let entry = reader.u64(place) else { return }
      if entry & 1 == 0 {
        if let value = u64(at: entry) { relocations[entry] = .relative(value) }
        next = entry &+ 8
      } else {
        for bit in 1..<64 where entry >> UInt64(bit) & 1 != 0 {
          let cell = next &+ UInt64(8 * (bit - 1))
          if let value = u64(at: cell) { relocations[cell] = .relative(value) }
        }
        next = next &+ 8 * 63
      }
    }
  }

  struct Section {
    var name: String
    var kind: UInt32
    var isLoaded: Bool
    var isExecutable: Bool
    var address: UInt64
    var offset: Int
    var size: Int
    var link: Int
  }

  /// Section headers are a help where they are there; a stripped file may have none.
  private func readSections(_ reader: ByteReader) -> [Section] {
    guard let start = reader.u64(40).flatMap({ Int(exactly: $0) }), start > 0, start < bytes.count,
      let count = reader.u16(60), let namesIndex = reader.u16(62)
    else { return [] }
    var sections: [(name: UInt32, section: Section)] = []
    for index in 0..<Int(count) {
      let header = start + 64 * index
      guard let name = reader.u32(header), let kind = reader.u32(header + 4), let flags = reader.u64(header + 8),
        let address = reader.u64(header + 16), let offset = reader.u64(header + 24).flatMap({ Int(exactly: $0) }),
        let size = reader.u64(header + 32).flatMap({ Int(exactly: $0) }), let link = reader.u32(header + 40)
      else { return [] }
      sections.append(
        (
          name,
          Section(
            name: "", kind: kind, isLoaded: flags & 2 != 0, isExecutable: kind == 1 && flags & 6 == 6,
            address: address, offset: offset, size: size, link: Int(link))
        ))
    }
    guard Int(namesIndex) < sections.count else { return [] }
    let names = sections[Int(namesIndex)].section.offset
    guard names < bytes.count else { return [] }
    return sections.map { name, section in
      var section = section
      section.name = reader.string(names + Int(name)) ?? ""
      return section
    }
  }

  private mutating func readSymbolTables(_ reader: ByteReader, _ sections: [Section]) {
    for section in sections where section.offset <= bytes.count && section.size <= bytes.count - section.offset {
      // A static program has relocations without a dynamic section.
      if section.kind == 4, section.isLoaded, relocations.isEmpty || section.name == ".rela.plt" {
        readRelocations(reader, section.offset, section.size)
      }
      guard section.kind == 2, section.link < sections.count else { continue }
      let strings = sections[section.link].offset
      guard strings < bytes.count else { continue }
      for place in stride(from: section.offset, to: section.offset + section.size, by: 24) {
        guard let symbol = Self.symbol(reader, place, strings) else { break }
        if symbol.isFunction, symbol.isDefined { add(symbol.address, symbol.size) }
      }
    }
    for symbol in symbols where symbol.isFunction && symbol.isDefined { add(symbol.address, symbol.size) }
  }

  private mutating func add(_ address: UInt64, _ size: UInt64) {
    guard size > 0, let segment = code(of: address), size <= segment.end - address else { return }
    functions.append(address..<address + size)
  }

  /// Unwind tables tell all functions, of stripped files too; symbols count where they have none. Symbols that lie in
  /// such a function are further ways into it.
  private mutating func readFunctions(_ reader: ByteReader, _ sections: [Section]) {
    let symbols = functions
    functions = []
    if let table = unwindTable(reader, sections) { readFrames(reader, table.offset, table.address) }
    functions.sort { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }
    var merged: [Range<UInt64>] = []
    for function in functions where merged.last.map({ $0.upperBound <= function.lowerBound }) ?? true {
      merged.append(function)
    }
    let frames = merged
    func covered(_ range: Range<UInt64>) -> Bool {
      let next = frames.partitionPoint { $0.lowerBound > range.lowerBound }
      return (next > 0 && frames[next - 1].upperBound > range.lowerBound)
        || (next < frames.count && frames[next].lowerBound < range.upperBound)
    }
    merged += symbols.filter { !covered($0) }
    merged.sort { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }
    functions = []
    for function in merged where functions.last.map({ $0.upperBound <= function.lowerBound }) ?? true {
      functions.append(function)
    }
  }

  private func unwindTable(_ reader: ByteReader, _ sections: [Section]) -> (offset: Int, address: UInt64)? {
    if let section = sections.first(where: { $0.name == ".eh_frame" }), section.offset < bytes.count {
      return (section.offset, section.address)
    }
    guard let start = reader.u64(32).flatMap({ Int(exactly: $0) }), let count = reader.u16(56) else { return nil }
    for index in 0..<Int(count) where reader.u32(start + 56 * index) == 0x6474_e550 {
      guard let address = reader.u64(start + 56 * index + 16), let header = offset(of: address),
        reader.u8(header) == 1, reader.u8(header + 1) == 0x1b, let distance = reader.u32(header + 4)
      else { return nil }
      let table = address &+ 4 &+ UInt64(bitPattern: Int64(Int32(bitPattern: distance)))
      return offset(of: table).map { ($0, table) }
    }
    return nil
  }

  private mutating func readFrames(_ reader: ByteReader, _ start: Int, _ address: UInt64) {
    var place = start
    var encodings: [Int: (pointer: UInt8, isSignal: Bool)] = [:]
    while let length = reader.u32(place).map({ Int($0) }), length != 0, length < 0xffff_fff0,
      let pointer = reader.u32(place + 4).map({ Int($0) })
    {
      defer { place += 4 + length }
      if pointer == 0 {
        encodings[place] = Self.entries(reader, place)
        continue
      }
      guard let (encoding, isSignal) = encodings[place + 4 - pointer] else { continue }
      let field = place + 8
      let base = address &+ UInt64(field - start)
      let begin: UInt64
      let size: UInt64
      switch encoding & 15 {
      case 0xb, 0x3:
        guard let value = reader.u32(field), let count = reader.u32(field + 4) else { return }
        begin = encoding & 15 == 3 ? UInt64(value) : UInt64(bitPattern: Int64(Int32(bitPattern: value)))
        size = UInt64(count)
      case 0xc, 0x4, 0x0:
        guard let value = reader.u64(field), let count = reader.u64(field + 8) else { return }
        (begin, size) = (value, count)
      default: continue
      }
      let first = encoding & 0x70 == 0x10 ? base &+ begin : begin
      // The entry of a signal's return starts one byte before it, for the unwinder's sake.
      if size > 1 { add(isSignal && architecture == .x86_64 ? first &+ 1 : first, isSignal ? size - 1 : size) }
    }
  }

  /// How a common information entry says that its entries write addresses.
  private static func entries(_ reader: ByteReader, _ place: Int) -> (pointer: UInt8, isSignal: Bool) {
    guard let augmentation = reader.string(place + 9), augmentation.first == "z" else { return (0, false) }
    let isSignal = augmentation.contains("S")
    var field = place + 9 + augmentation.utf8.count + 1
    func skipNumber() {
      while let byte = reader.u8(field) {
        field += 1
        if byte & 0x80 == 0 { return }
      }
    }
    // Alignments of code and data, the return address, the length of what follows.
    for _ in 0..<4 { skipNumber() }
    for letter in augmentation.utf8.dropFirst() {
      switch letter {
      case UInt8(ascii: "R"): return (reader.u8(field) ?? 0, isSignal)
      case UInt8(ascii: "L"): field += 1
      case UInt8(ascii: "P"):
        let size = [0: 8, 4: 8, 12: 8][(reader.u8(field) ?? 0) & 15] ?? 4
        field += 1 + size
      default: break
      }
    }
    return (0, isSignal)
  }
}

/// Little-endian numbers and strings of a file; nil outside of it.
struct ByteReader {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  @inline(__always)
  private func number<T: FixedWidthInteger>(_ offset: Int, _: T.Type) -> T? {
    guard offset >= 0, offset <= bytes.count - T.bitWidth / 8 else { return nil }
    var value: T = 0
    for place in 0..<T.bitWidth / 8 {
      value |= T(truncatingIfNeeded: UInt64(bytes[offset + place]) << UInt64(8 * place))
    }
    return value
  }

  func u8(_ offset: Int) -> UInt8? { number(offset, UInt8.self) }
  func u16(_ offset: Int) -> UInt16? { number(offset, UInt16.self) }
  func u32(_ offset: Int) -> UInt32? { number(offset, UInt32.self) }
  func u64(_ offset: Int) -> UInt64? { number(offset, UInt64.self) }

  func string(_ offset: Int) -> String? {
    guard offset >= 0, offset < bytes.count, let end = bytes[offset...].firstIndex(of: 0) else { return nil }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }
}

extension Array {
  /// The first place from which on all elements satisfy a condition, in an array that is sorted by it.
  func partitionPoint(_ condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
