/// Instructions of arm64: the meaning of those that carry constants and control.
///
/// What is not known to leave a register alone counts as changing it.
enum Arm64Decoder {
  static func decode(_ word: UInt32, address: UInt64) -> Instruction {
    var result = Instruction(address: address, length: 4)
    let target = UInt8(word & 31)
    func relative(_ value: UInt32, _ bits: UInt32, _ shift: UInt32) -> UInt64 {
      let field = value & ((1 << bits) - 1)
      let signed = Int64(Int32(bitPattern: field << (32 - bits)) >> Int32(32 - bits))
      return address &+ UInt64(bitPattern: signed << Int64(shift))
    }
    switch word {
    case _ where word >> 26 == 0b000101: result.flow = .jump(relative(word, 26, 2))
    case _ where word >> 26 == 0b100101: result.flow = .call(relative(word, 26, 2))
    case _ where word & 0xff00_0010 == 0x5400_0000, _ where word & 0x7e00_0000 == 0x3400_0000:
      result.flow = .branch(relative(word >> 5, 19, 2))  // b.cond, cbz, cbnz
    case _ where word & 0x7e00_0000 == 0x3600_0000: result.flow = .branch(relative(word >> 5, 14, 2))  // tbz, tbnz
    case _ where word & 0xffe0_001f == 0xd400_0001:
      result.flow = .systemCall
      result.clobbers = 1
    case _ where word & 0xfe00_0000 == 0xd600_0000:
      // br, blr, ret, and their relatives that authenticate pointers.
      switch word >> 21 & 7 {
      case 0: result.flow = .indirectJump
      case 1: result.flow = .indirectCall
      default:
        result.flow = .end
        result.isReturn = true
      }
    case _ where word & 0xffe0_001f == 0xd420_0000, _ where word >> 16 == 0: result.flow = .end  // brk, udf
    case _ where word & 0xffc0_0000 == 0xd500_0000 || word & 0xff00_0000 == 0xd500_0000:
      result.isPadding = word == 0xd503_201f
      if word & 0xfff0_0000 == 0xd530_0000 { result.clobbers = 1 << UInt32(target) }  // mrs
    case _ where word >> 26 & 0b111 == 0b100:
      immediate(word, target, address, &result)
    case _ where word >> 25 & 0b101 == 0b100: memory(word, target, address, &result)
    case _ where word >> 25 & 0b111 == 0b111:
      // Vectors and floating point; copies and conversions may go to a general register.
      let copies = word & 0x9fe0_8400 == 0x0e00_0400
      let converts = word & 0x5f20_fc00 == 0x1e20_0000 || word & 0x5f20_0000 == 0x1e00_0000
      if copies || converts { result.clobbers = bit(target) }
    default: register(word, target, &result)
    }
    return result
  }

  /// Data processing with a constant.
  private static func immediate(_ word: UInt32, _ target: UInt8, _ address: UInt64, _ result: inout Instruction) {
    let source = UInt8(word >> 5 & 31)
    switch word >> 23 & 7 {
    case 0, 1:
      let field = (word >> 5 & 0x7ffff) << 2 | word >> 29 & 3
      let distance = Int64(Int32(bitPattern: field << 11) >> 11)
      let isPage = word >> 31 == 1
      let base = isPage ? address & ~0xfff : address
      let value = base &+ UInt64(bitPattern: isPage ? distance << 12 : distance)
      result.effect = .constant(register: target, value)
      if !isPage { result.reference = value }
    case 2:
      let amount = Int64(word >> 10 & 0xfff) << (word >> 22 & 1 == 1 ? 12 : 0)
      let isFlags = word >> 29 & 1 == 1
      if isFlags, target == 31 { return }  // cmp, cmn
      result.effect = .copy(to: target, from: source, plus: word >> 30 & 1 == 1 ? -amount : amount)
    case 5:
      let shift = UInt64(word >> 21 & 3) * 16
      let value = UInt64(word >> 5 & 0xffff) << shift
      switch word >> 29 & 3 {
      case 0: result.effect = .constant(register: target, word >> 31 == 1 ? ~value : ~value & 0xffff_ffff)
      case 2: result.effect = .constant(register: target, value)
      default: result.effect = .insert(register: target, value: value, mask: 0xffff << shift)
      }
    case 4 where word >> 29 & 3 == 1 && source == 31:
      // mov of a bit pattern
      if let value = bitPattern(word) {
        result.effect = .constant(register: target, value)
      } else {
        result.clobbers = bit(target)
      }
    default: result.clobbers = bit(target)
    }
  }

  /// The constant of a logical instruction: a run of ones, turned, and repeated.
  private static func bitPattern(_ word: UInt32) -> UInt64? {
    let isLarge = word >> 22 & 1
    let turn = UInt64(word >> 16 & 63)
    let ones = word >> 10 & 63
    let sizeBits = isLarge << 6 | (~ones & 63)
    guard sizeBits != 0 else { return nil }
    let size = UInt64(1) << UInt64(31 - sizeBits.leadingZeroBitCount)
    guard size >= 2 else { return nil }
    let count = UInt64(ones) & (size - 1) + 1
    let by = turn & (size - 1)
    let mask = size == 64 ? UInt64.max : (1 << size) - 1
    var pattern = count == 64 ? UInt64.max : (UInt64(1) << count) - 1
    if by > 0 { pattern = (pattern >> by | pattern << (size - by)) & mask }
    var (value, place) = (pattern, size)
    while place < 64 {
      value |= pattern << place
      place += size
    }
    return word >> 31 == 1 ? value : value & 0xffff_ffff
  }

  private static func memory(_ word: UInt32, _ target: UInt8, _ address: UInt64, _ result: inout Instruction) {
    let isVector = word >> 26 & 1 == 1
    let base = UInt8(word >> 5 & 31)
    if word >> 27 & 7 == 3, word >> 24 & 3 == 0 {  // a load from near here
      let distance = Int64(Int32(bitPattern: word << 8) >> 13) << 2
      result.reference = address &+ UInt64(bitPattern: distance)
      result.usesMemory = true
      if !isVector { result.clobbers = bit(target) }
      return
    }
    if word >> 27 & 7 == 5 {  // pairs
      let second = UInt8(word >> 10 & 31)
      let writesBase = word >> 23 & 1 == 1
      let isLoad = word >> 22 & 1 == 1
      if !isLoad {
        let scale = isVector ? Int64(word >> 30) + 2 : word >> 31 == 1 ? 3 : 2
        let distance = Int64(Int32(bitPattern: word << 10) >> 25) << scale
        let before = word >> 23 & 3 == 1
        result.overwrites = Instruction.Memory(base: base, offset: before ? 0 : distance, size: 2 << scale)
      }
      if isLoad, !isVector { result.clobbers = bit(target) | bit(second) }
      if writesBase { result.clobbers |= bit(base) }
      return
    }
    if word >> 27 & 7 == 7, word >> 24 & 3 == 1, !isVector, word >> 30 >= 2 {  // 32 or 64 bits, an offset without sign
      let offset = Int64(word >> 10 & 0xfff) << Int64(word >> 30)
      switch (word >> 22 & 3, word >> 30) {
      case (0, _): result.effect = .store(from: target, base: base, offset: offset)
      case (1, _), (2, 2): result.effect = .load(to: target, base: base, offset: offset)
      default: result.clobbers = bit(target)
      }
      return
    }
    if word >> 27 & 7 == 7, word >> 24 & 3 == 1, word >> 22 & 1 == 0, word >> 22 & 3 == 0 || isVector {
      let scale = Int64(word >> 30) | (isVector && word >> 23 & 1 == 1 ? 4 : 0)
      result.overwrites = Instruction.Memory(base: base, offset: Int64(word >> 10 & 0xfff) << scale, size: 1 << scale)
      return
    }
    // Exclusive and atomic instructions, and those that change the base.
    result.clobbers = (isVector ? 0 : bit(target)) | bit(base) | bit(UInt8(word >> 16 & 31))
    if word >> 27 & 7 == 7, word >> 21 & 1 == 0, word >> 10 & 1 == 0 {
      // ldur, stur: the base stays.
      result.overwrites = Instruction.Memory(
        base: base, offset: Int64(Int32(bitPattern: word << 11) >> 23), size: 16)
      result.clobbers = isVector || word >> 22 & 3 == 0 ? 0 : bit(target)
    }
    if word >> 27 & 7 == 7, word >> 21 & 1 == 1, word >> 10 & 3 == 2 {
      // An offset in a register.
      result.clobbers = isVector || word >> 22 & 3 == 0 ? 0 : bit(target)
    }
  }

  private static func register(_ word: UInt32, _ target: UInt8, _ result: inout Instruction) {
    let isZeroSource = word >> 5 & 31 == 31
    if word & 0x7fe0_fc00 == 0x2a00_0000, isZeroSource {  // mov
      let source = UInt8(word >> 16 & 31)
      result.effect =
        source == 31 ? .constant(register: target, 0) : .copy(to: target, from: source, plus: 0)
    } else {
      result.clobbers = bit(target)
    }
  }

  /// Register 31 is zero or the stack pointer.
  private static func bit(_ register: UInt8) -> UInt32 { 1 << UInt32(register) }
}
