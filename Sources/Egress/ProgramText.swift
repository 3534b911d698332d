/// Instructions of a BPF program as they are written down: with places to jump to (kernel documentation,
/// bpf/standardization/instruction-set).
struct ProgramText {
  private(set) var code: [UInt64] = []
  private var jumps: [(from: Int, to: Label)] = []
  private var places: [Int] = []

  /// A place in the program, which may be set after jumps to it are written.
  struct Label { fileprivate let number: Int }

  /// Comparisons of the low half of a register with a constant (BPF_JMP32).
  enum Comparison: UInt8 {
    case equal = 0x16
    case notEqual = 0x56
    case greater = 0x26
    case greaterOrEqual = 0x36
    case less = 0xa6
  }

  mutating func label() -> Label {
    places.append(-1)
    return Label(number: places.count - 1)
  }

  /// Lets a label mean what is written next.
  mutating func place(_ label: Label) { places[label.number] = code.count }

  mutating func jump(_ to: Label, if register: UInt8, _ comparison: Comparison, _ value: UInt32) {
    jumps.append((code.count, to))
    add(comparison.rawValue, to: register, value: value)
  }

  /// If the whole of `register` is zero.
  mutating func jump(_ to: Label, ifZero register: UInt8) {
    jumps.append((code.count, to))
    add(0x15, to: register)
  }

  /// Without a sign.
  mutating func jump(_ to: Label, if register: UInt8, greaterThan other: UInt8) {
    jumps.append((code.count, to))
    add(0x2d, to: register, from: other)
  }

  mutating func end(_ result: UInt32) {
    set(0, result)
    add(0x95)
  }

  mutating func set(_ register: UInt8, _ value: UInt32) { add(0xb7, to: register, value: value) }
  mutating func copy(_ from: UInt8, to register: UInt8) { add(0xbf, to: register, from: from) }
  /// The low half alone.
  mutating func copyWord(_ from: UInt8, to register: UInt8) { add(0xbc, to: register, from: from) }
  mutating func and(_ register: UInt8, _ mask: UInt32) { add(0x54, to: register, value: mask) }
  mutating func add(_ register: UInt8, _ value: Int32) { add(0x07, to: register, value: UInt32(bitPattern: value)) }
  /// Swaps the two lowest bytes and clears the others: what came from the network, on a machine with little endian.
  mutating func fromNetwork16(_ register: UInt8) { add(0xdc, to: register, value: 16) }
  mutating func loadWord(_ register: UInt8, from base: UInt8, _ offset: Int16) {
    add(0x61, to: register, from: base, offset: offset)
  }
  mutating func loadByte(_ register: UInt8, from base: UInt8, _ offset: Int16) {
    add(0x71, to: register, from: base, offset: offset)
  }
  mutating func loadLong(_ register: UInt8, from base: UInt8, _ offset: Int16) {
    add(0x79, to: register, from: base, offset: offset)
  }
  /// On the stack, whose end is register 10.
  mutating func store(_ register: UInt8, at offset: Int16) { add(0x63, to: 10, from: register, offset: offset) }
  mutating func store(constant: UInt32, at offset: Int16) { add(0x62, to: 10, offset: offset, value: constant) }
  mutating func loadMap(_ register: UInt8, _ map: Int32) {
    add(0x18, to: register, from: 1, value: UInt32(bitPattern: map))
    code.append(0)
  }
  mutating func call(_ helper: UInt32) { add(0x85, value: helper) }

  private mutating func add(
    _ operation: UInt8, to: UInt8 = 0, from: UInt8 = 0, offset: Int16 = 0, value: UInt32 = 0
  ) {
    code.append(
      UInt64(operation) | UInt64(to) << 8 | UInt64(from) << 12 | UInt64(UInt16(bitPattern: offset)) << 16
        | UInt64(value) << 32)
  }

  /// The program, with all jumps.
  consuming func finished() -> [UInt64] {
    for jump in jumps {
      let distance = places[jump.to.number] - jump.from - 1
      code[jump.from] |= UInt64(UInt16(bitPattern: Int16(distance))) << 16
    }
    return code
  }
}
