import SyscallCatalogue

/// The code of one file, function by function. Functions are decoded when they are asked for.
final class Image {
  let file: ElfFile
  /// What is known of functions, by their start.
  private var summaries: [UInt64: FunctionSummary] = [:]
  private var stubs: [UInt64: UInt64?] = [:]

  init(_ file: ElfFile) { self.file = file }

  /// The function that an address is in, by its start. Where no table tells, one starts at the address itself.
  func function(at address: UInt64) -> UInt64 {
    known(address)?.lowerBound ?? address
  }

  private func known(_ address: UInt64) -> Range<UInt64>? {
    let next = file.functions.partitionPoint { $0.lowerBound > address }
    guard next > 0, file.functions[next - 1].contains(address) else { return nil }
    return file.functions[next - 1]
  }

  /// Whether code at this address may be called by an address that lies around as a number.
  func mayStartFunction(at address: UInt64) -> Bool {
    guard file.code(of: address) != nil else { return false }
    guard let range = known(address) else { return true }
    return !file.isFixed || range.lowerBound == address
  }

  func summary(of start: UInt64) -> FunctionSummary {
    if let known = summaries[start] { return known }
    let summary = FunctionSummary(instructions(of: start), in: file)
    summaries[start] = summary
    return summary
  }

  /// All instructions of a function. If its end is known that is all that lies there, else what control reaches.
  func instructions(of start: UInt64) -> [Instruction] {
    if let range = known(start), range.lowerBound == start { return sweep(range) }
    guard let segment = file.code(of: start) else { return [] }
    let next = file.functions.partitionPoint { $0.lowerBound > start }
    var end = segment.end
    if next < file.functions.count { end = min(end, file.functions[next].lowerBound) }
    return trace(start, start..<end)
  }

  private func decode(_ address: UInt64, end: UInt64) -> Instruction? {
    guard let segment = file.code(of: address) else { return nil }
    let offset = segment.offset + Int(address - segment.address)
    switch file.architecture {
    case .aarch64:
      guard address + 4 <= end, let word = ByteReader(file.bytes).u32(offset) else { return nil }
      return Arm64Decoder.decode(word, address: address)
    default:
      return X86Decoder.decode(
        file.bytes, at: offset, end: offset + Int(end - address), address: address, isFixed: file.isFixed)
    }
  }

  private func sweep(_ range: Range<UInt64>) -> [Instruction] {
    var result: [Instruction] = []
    var address = range.lowerBound
    while address < range.upperBound {
      if let instruction = decode(address, end: range.upperBound) {
        result.append(instruction)
        address = instruction.end
      } else {
        // Data between instructions: go on at the next place where an instruction can be.
        address += file.architecture == .aarch64 ? 4 : 1
      }
    }
    return result
  }

  private func trace(_ start: UInt64, _ range: Range<UInt64>) -> [Instruction] {
    var found: [UInt64: Instruction] = [:]
    var work = [start]
    var tables: Set<UInt64> = []
    while true {
      while let first = work.popLast() {
        var address = first
        while range.contains(address), found[address] == nil,
          let instruction = decode(address, end: range.upperBound)
        {
          found[address] = instruction
          switch instruction.flow {
          case .jump(let target), .branch(let target): if range.contains(target) { work.append(target) }
          default: break
          }
          if !instruction.fallsThrough { break }
          address = instruction.end
        }
      }
      guard found.values.contains(where: { $0.flow == .indirectJump }) else { break }
      for instruction in found.values {
        guard let table = instruction.reference, tables.insert(table).inserted else { continue }
        work += jumpTable(at: table, within: range).filter { found[$0] == nil }
      }
      if work.isEmpty { break }
    }
    return found.values.sorted { $0.address < $1.address }
  }

  /// Targets of a switch statement whose table is at an address: distances from the table, or addresses.
  func jumpTable(at table: UInt64, within range: Range<UInt64>) -> [UInt64] {
    guard file.code(of: table) == nil, file.offset(of: table) != nil else { return [] }
    var targets: [UInt64] = []
    var place = table
    while let distance = file.u32(at: place) {
      let target = table &+ UInt64(bitPattern: Int64(Int32(bitPattern: distance)))
      guard range.contains(target) else { break }
      targets.append(target)
      place += 4
    }
    place = table
    while targets.isEmpty || place > table, let target = file.u64(at: place), range.contains(target) {
      targets.append(target)
      place += 8
    }
    return targets
  }

  /// The cell of the global offset table that a stub of the procedure linkage table at `address` jumps through.
  func stub(at address: UInt64) -> UInt64? {
    if let known = stubs[address] { return known }
    let cell = findStub(address)
    stubs[address] = .some(cell)
    return cell
  }

  private func findStub(_ start: UInt64) -> UInt64? {
    guard let segment = file.code(of: start) else { return nil }
    var address = start
    var page: UInt64?
    var cell: UInt64?
    for _ in 0..<5 {
      guard let instruction = decode(address, end: segment.end) else { return nil }
      address = instruction.end
      switch (file.architecture, instruction.flow) {
      case (.x86_64, .indirectJump): return instruction.usesMemory ? instruction.reference : nil
      // endbr64
      case (.x86_64, .next) where instruction.effect == .none && instruction.clobbers == 0: continue
      case (.aarch64, .indirectJump): return cell
      case (.aarch64, .next):
        switch instruction.effect {
        case .constant(register: 16, let value): page = value
        case .load(to: 17, base: 16, let offset): cell = page.map { $0 &+ UInt64(bitPattern: offset) }
        case .copy(to: 16, from: 16, _), .none: break
        default: return nil
        }
      default: return nil
      }
    }
    return nil
  }

  /// Addresses in data that are those of code or of strings: what relocations put there, or plain numbers in a file that
  /// is linked to a fixed address.
  lazy var pointers: [UInt64] = {
    var found: Set<UInt64> = []
    for case .relative(let address) in file.relocations.values { found.insert(address) }
    guard file.isFixed else { return found.sorted() }
    for segment in file.segments where !segment.isExecutable {
      var place = segment.offset + Int((8 - segment.address % 8) % 8)
      while place + 8 <= segment.offset + segment.fileSize {
        if let value = ByteReader(file.bytes).u64(place), file.offset(of: value) != nil { found.insert(value) }
        place += 8
      }
    }
    return found.sorted()
  }()
}

/// What matters of a function besides the values of its registers.
struct FunctionSummary {
  struct Edge {
    var from: UInt64
    var to: UInt64
    var isCall: Bool
    /// Control goes on there without a jump: some functions of C libraries have an end before a system call, so that
    /// nobody unwinds a new thread.
    var isFall = false
  }

  struct Reference {
    var from: UInt64
    var to: UInt64
    var usesMemory: Bool
    /// The instruction calls, or jumps to, what is there.
    var transfers: Bool
    var isCall: Bool
    var isStore: Bool
  }

  /// Calls, and jumps out of the function.
  var edges: [Edge] = []
  var references: [Reference] = []
  var systemCalls: [UInt64] = []

  init(_ instructions: [Instruction], in file: ElfFile) {
    var pages = [UInt64?](repeating: nil, count: 32)
    var addresses = [UInt64?](repeating: nil, count: 32)
    let inside = (instructions.first?.address ?? 0)..<(instructions.last?.end ?? 0)
    for (place, instruction) in instructions.enumerated() {
      let next = place + 1 < instructions.count ? instructions[place + 1].address : nil
      // Behind a call at the end nothing is: it does not return.
      if instruction.fallsThrough, !instruction.isCall, next != instruction.end {
        edges.append(Edge(from: instruction.address, to: instruction.end, isCall: false, isFall: true))
      }
      switch instruction.flow {
      case .call(let target): edges.append(Edge(from: instruction.address, to: target, isCall: true))
      case .jump(let target), .branch(let target):
        if !inside.contains(target) { edges.append(Edge(from: instruction.address, to: target, isCall: false)) }
      case .systemCall: systemCalls.append(instruction.address)
      default: break
      }
      if let reference = instruction.reference, file.offset(of: reference) != nil || isData(reference, file) {
        add(instruction, reference, instruction.usesMemory)
      }
      guard file.architecture == .aarch64 else { continue }
      // Addresses are made of a page and what is added to it. That a register may have changed on the way is ignored:
      // it makes more references, never fewer.
      switch instruction.effect {
      case .constant(let register, let value):
        pages[Int(register & 31)] = value
        addresses[Int(register & 31)] = nil
      case .copy(let to, let from, let plus):
        for base in [pages[Int(from & 31)], addresses[Int(from & 31)]] {
          guard let base else { continue }
          let address = base &+ UInt64(bitPattern: plus)
          if isData(address, file) { add(instruction, address, false) }
          addresses[Int(to & 31)] = address
        }
      case .load(_, let base, let offset), .store(_, let base, let offset):
        for start in [pages[Int(base & 31)], addresses[Int(base & 31)]] {
          guard let start else { continue }
          let address = start &+ UInt64(bitPattern: offset)
          if isData(address, file) { add(instruction, address, true) }
        }
      default: break
      }
    }
  }

  private func isData(_ address: UInt64, _ file: ElfFile) -> Bool {
    file.segments.contains { address >= $0.address && address < $0.address + UInt64($0.memorySize) }
  }

  private mutating func add(_ instruction: Instruction, _ address: UInt64, _ usesMemory: Bool) {
    var isStore = false
    switch instruction.effect {
    case .store, .storeGlobal: isStore = true
    default: break
    }
    let isCall = instruction.flow == .indirectCall
    references.append(
      Reference(
        from: instruction.address, to: address, usesMemory: usesMemory,
        transfers: isCall || instruction.flow == .indirectJump, isCall: isCall, isStore: isStore))
  }
}
