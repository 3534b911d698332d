/// Instructions of x86-64: the length of all, the meaning of those that carry constants and control.
///
/// What is not known to leave a register alone counts as changing it.
enum X86Decoder {
  /// - Parameter isFixed: numbers may be addresses, for the file is linked to a fixed one.
  /// - Returns: nil where no instruction is.
  static func decode(
    _ code: [UInt8], at start: Int, end limit: Int, address: UInt64, isFixed: Bool
  ) -> Instruction? {
    var cursor = Cursor(code: code, place: start, limit: min(limit, start + 15))
    var instruction = Instruction(address: address, length: 0)
    guard cursor.decode(&instruction, start: start, isFixed: isFixed), !cursor.isOutside else { return nil }
    return instruction
  }

  private struct Cursor {
    let code: [UInt8]
    var place: Int
    let limit: Int
    var isOutside = false

    // Prefixes.
    var rex: UInt8 = 0
    var isShort = false
    var hasRepeat = false
    var hasRepeatNot = false

    // ModRM and what follows it.
    var mode: UInt8 = 0
    var middle: UInt8 = 0
    var low: UInt8 = 0
    var base: UInt8?
    var hasIndex = false
    var displacement: Int64 = 0
    var isRelative = false
    var isAbsolute = false

    init(code: [UInt8], place: Int, limit: Int) {
      self.code = code
      self.place = place
      self.limit = limit
    }

    mutating func byte() -> UInt8 {
      guard place < limit else {
        isOutside = true
        return 0
      }
      defer { place += 1 }
      return code[place]
    }

    mutating func signed(_ size: Int) -> Int64 {
      var value: UInt64 = 0
      for index in 0..<size { value |= UInt64(byte()) << UInt64(8 * index) }
      let shift = UInt64(64 - 8 * size)
      return Int64(bitPattern: value << shift) >> Int64(shift)
    }

    var isWide: Bool { rex & 8 != 0 }
    /// The register of ModRM's middle field, and of its low field if that is a register.
    var register: UInt8 { middle | (rex & 4) << 1 }
    var other: UInt8 { low | (rex & 1) << 3 }
    var isRegister: Bool { mode == 3 }

    mutating func modRM() {
      let value = byte()
      mode = value >> 6
      middle = value >> 3 & 7
      low = value & 7
      guard mode != 3 else { return }
      base = other
      if low == 4 {
        let scale = byte()
        hasIndex = (scale >> 3 & 7) | (rex & 2) << 2 != 4
        base = (scale & 7) | (rex & 1) << 3
        if mode == 0, scale & 7 == 5 {
          base = nil
          isAbsolute = true
          displacement = signed(4)
        }
      } else if low == 5, mode == 0 {
        base = nil
        isRelative = true
        displacement = signed(4)
      }
      if mode == 1 { displacement = signed(1) }
      if mode == 2 { displacement = signed(4) }
    }

    /// Registers of 8 bits without REX include ah, ch, dh and bh.
    func bits8(_ register: UInt8) -> UInt32 {
      rex == 0 && register >= 4 && register < 8
        ? 1 << UInt32(register) | 1 << UInt32(register - 4) : 1 << UInt32(register)
    }

    func bit(_ register: UInt8) -> UInt32 { 1 << UInt32(register) }

    /// The register operand that ModRM names, if it names one.
    var target: UInt32 { isRegister ? bit(other) : 0 }

    mutating func decode(_ result: inout Instruction, start: Int, isFixed: Bool) -> Bool {
      var opcode = byte()
      prefixes: while true {
        switch opcode {
        case 0x66: isShort = true
        case 0xf2: hasRepeatNot = true
        case 0xf3: hasRepeat = true
        case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0xf0: break
        default: break prefixes
        }
        if isOutside { return false }
        opcode = byte()
      }
      if opcode & 0xf0 == 0x40 {
        rex = opcode
        opcode = byte()
      }
      var jump: Int64?
      var immediate: Int64?
      guard operation(opcode, &result, &jump, &immediate) else { return false }
      result.length = place - start
      let next = result.end
      if let jump {
        let target = next &+ UInt64(bitPattern: jump)
        switch result.flow {
        case .call: result.flow = .call(target)
        case .jump: result.flow = .jump(target)
        default: result.flow = .branch(target)
        }
      }
      if mode != 3, let base, !hasIndex, result.effect == .none, result.flow == .next, !isRead(opcode) {
        result.overwrites = Instruction.Memory(
          base: base, offset: displacement, size: opcode == 0x0f || opcode == 0x62 ? 64 : 8)
      }
      if isRelative {
        result.reference = next &+ UInt64(bitPattern: displacement)
        result.usesMemory = opcode != 0x8d
      } else if isFixed {
        // Segment registers apart, small numbers are no addresses.
        if let immediate, immediate >= 0x1000, immediate <= 0xffff_ffff {
          result.reference = UInt64(immediate)
        } else if mode != 3, displacement >= 0x1000, base == nil || mode == 2 {
          result.reference = UInt64(displacement)
          result.usesMemory = isAbsolute && !hasIndex && opcode != 0x8d
        }
      }
      return true
    }

    /// Whether an operation without effect only reads its memory operand.
    private func isRead(_ opcode: UInt8) -> Bool {
      switch opcode {
      case 0x02, 0x03, 0x0a, 0x0b, 0x12, 0x13, 0x1a, 0x1b, 0x22, 0x23, 0x2a, 0x2b, 0x32, 0x33, 0x38...0x3b, 0x69, 0x6b,
        0x84, 0x85, 0x8a, 0x8b, 0x8d:
        true
      case 0x80, 0x81, 0x83: middle == 7
      default: false
      }
    }

    private mutating func operation(
      _ opcode: UInt8, _ result: inout Instruction, _ jump: inout Int64?, _ immediate: inout Int64?
    ) -> Bool {
      switch opcode {
      case 0x0f: return twoBytes(&result, &jump)
      case 0x00...0x3f: return arithmetic(opcode, &result)
      case 0x50...0x57: result.effect = .push(opcode & 7 | (rex & 1) << 3)
      case 0x58...0x5f: result.effect = .pop(opcode & 7 | (rex & 1) << 3)
      case 0x62: return evex(&result)
      case 0x63:
        modRM()
        move(&result, to: register)
      case 0x68:
        let value = signed(isShort ? 2 : 4)
        immediate = value
        result.effect = .pushConstant(UInt64(bitPattern: value))
      case 0x6a: result.effect = .pushConstant(UInt64(bitPattern: signed(1)))
      case 0x69, 0x6b:
        modRM()
        _ = signed(opcode == 0x6b ? 1 : isShort ? 2 : 4)
        result.clobbers = bit(register)
      case 0x6c...0x6f, 0xa4...0xa7, 0xaa...0xaf:
        // String instructions: rax, rcx, rsi, rdi.
        result.clobbers = 0xc2 | (opcode == 0xac || opcode == 0xad ? 1 : 0)
      case 0x70...0x7f:
        result.flow = .branch(0)
        jump = signed(1)
      case 0x80, 0x81, 0x83:
        modRM()
        let value = signed(opcode == 0x81 ? (isShort ? 2 : 4) : 1)
        if opcode == 0x81 { immediate = value }
        immediateArithmetic(opcode, value, &result)
      case 0x84, 0x85: modRM()
      case 0x86, 0x87:
        modRM()
        result.clobbers = opcode == 0x86 ? bits8(register) | (isRegister ? bits8(other) : 0) : bit(register) | target
      case 0x88:
        modRM()
        if isRegister { result.clobbers = bits8(other) }
      case 0x89:
        modRM()
        if isRegister {
          if isShort { result.clobbers = bit(other) } else { result.effect = .copy(to: other, from: register, plus: 0) }
        } else if let base, !hasIndex {
          result.effect = .store(from: register, base: base, offset: displacement)
        } else if isRelative {
          result.effect = .storeGlobal(from: register)
        }
      case 0x8a:
        modRM()
        result.clobbers = bits8(register)
      case 0x8b:
        modRM()
        if isShort { result.clobbers = bit(register) } else { move(&result, to: register) }
      case 0x8c:
        modRM()
        result.clobbers = target
      case 0x8d:
        modRM()
        if isRegister { return false }
        if let base, !hasIndex, !isShort {
          result.effect = .copy(to: register, from: base, plus: displacement)
        } else {
          result.clobbers = bit(register)
        }
      case 0x8e: modRM()
      case 0x8f: return pop(&result)
      case 0x90...0x97:
        let register = opcode & 7 | (rex & 1) << 3
        if register != 0 { result.clobbers = 1 | bit(register) } else { result.isPadding = !hasRepeat }
      case 0x98: result.clobbers = 1
      case 0x99: result.clobbers = 4
      case 0x9b, 0x9c, 0x9e, 0x9f, 0xf5, 0xf8...0xfd, 0xcc: if opcode == 0x9f { result.clobbers = 1 }
      case 0x9d: break
      case 0xa0...0xa3:
        _ = signed(8)
        if opcode < 0xa2 { result.clobbers = 1 }
      case 0xa8: _ = byte()
      case 0xa9: _ = signed(isShort ? 2 : 4)
      case 0xb0...0xb7:
        _ = byte()
        result.clobbers = bits8(opcode & 7 | (rex & 1) << 3)
      case 0xb8...0xbf:
        let register = opcode & 7 | (rex & 1) << 3
        let value = signed(isWide ? 8 : isShort ? 2 : 4)
        immediate = isWide ? value : value & 0xffff_ffff
        if isShort {
          result.clobbers = bit(register)
        } else {
          result.effect = .constant(register: register, UInt64(bitPattern: isWide ? value : value & 0xffff_ffff))
        }
      case 0xc0, 0xc1:
        modRM()
        _ = byte()
        result.clobbers = target
      case 0xc2, 0xca:
        _ = signed(2)
        result.flow = .end
        result.isReturn = true
      case 0xc3, 0xcb, 0xcf, 0xf4:
        result.flow = .end
        result.isReturn = opcode != 0xf4
      case 0xc4, 0xc5: return vex(opcode, &result)
      case 0xc6:
        modRM()
        _ = byte()
        if isRegister { result.clobbers = bits8(other) }
      case 0xc7:
        modRM()
        let value = signed(isShort ? 2 : 4)
        immediate = value
        if isRegister {
          if isShort {
            result.clobbers = bit(other)
          } else {
            result.effect = .constant(register: other, UInt64(bitPattern: value))
          }
        } else if let base, !hasIndex, !isShort {
          result.effect = .storeConstant(UInt64(bitPattern: value), base: base, offset: displacement)
        }
      case 0xc8:
        _ = signed(3)
        result.clobbers = 0x30
      case 0xc9: result.clobbers = 0x30
      case 0xcd: _ = byte()
      case 0xd0...0xd3:
        modRM()
        result.clobbers = target
      case 0xd7: result.clobbers = 1
      case 0xd8...0xdf:
        modRM()
        result.clobbers = 1  // fnstsw
      case 0xe0...0xe3:
        result.flow = .branch(0)
        result.clobbers = 2
        jump = signed(1)
      case 0xe4...0xe7:
        _ = byte()
        result.clobbers = 1
      case 0xe8:
        result.flow = .call(0)
        jump = signed(4)
      case 0xe9, 0xeb:
        result.flow = .jump(0)
        jump = signed(opcode == 0xe9 ? 4 : 1)
      case 0xec...0xef: result.clobbers = 1
      case 0xf1: result.flow = .end
      case 0xf6, 0xf7:
        modRM()
        if middle < 2 { _ = signed(opcode == 0xf6 ? 1 : isShort ? 2 : 4) }
        result.clobbers = middle < 2 ? 0 : middle < 4 ? (opcode == 0xf6 && isRegister ? bits8(other) : target) : 5
      case 0xfe:
        modRM()
        if middle > 1 { return false }
        result.clobbers = isRegister ? bits8(other) : 0
      case 0xff: return group5(&result)
      default: return false
      }
      return true
    }

    /// A move from a register or memory.
    private func move(_ result: inout Instruction, to register: UInt8) {
      if isRegister {
        result.effect = .copy(to: register, from: other, plus: 0)
      } else if let base, !hasIndex {
        result.effect = .load(to: register, base: base, offset: displacement)
      } else if isRelative {
        result.effect = .loadGlobal(to: register)
      } else {
        result.clobbers = bit(register)
      }
    }

    private mutating func arithmetic(_ opcode: UInt8, _ result: inout Instruction) -> Bool {
      let isCompare = opcode & 0x38 == 0x38
      switch opcode & 7 {
      case 0...3:
        modRM()
        if isCompare { return true }
        let isZero = opcode & 0x38 == 0x30 || opcode & 0x38 == 0x28
        if isZero, opcode & 1 == 1, isRegister, register == other, !isShort {
          result.effect = .constant(register: other, 0)
        } else if opcode & 2 == 0 {
          result.clobbers = isRegister ? (opcode & 1 == 0 ? bits8(other) : bit(other)) : 0
        } else {
          result.clobbers = opcode & 1 == 0 ? bits8(register) : bit(register)
        }
      case 4:
        _ = byte()
        if !isCompare { result.clobbers = 1 }
      case 5:
        let value = signed(isShort ? 2 : 4)
        if !isCompare { sum(opcode >> 3 & 7, value, 0, &result) }
      default: return false
      }
      return true
    }

    private func immediateArithmetic(_ opcode: UInt8, _ value: Int64, _ result: inout Instruction) {
      if middle == 7 || !isRegister { return }
      if opcode == 0x80 { result.clobbers = bits8(other) } else { sum(middle, value, other, &result) }
    }

    private func sum(_ operation: UInt8, _ value: Int64, _ register: UInt8, _ result: inout Instruction) {
      switch (operation, value) {
      case _ where isShort: result.clobbers = bit(register)
      case (0, _): result.effect = .copy(to: register, from: register, plus: value)
      case (5, _): result.effect = .copy(to: register, from: register, plus: 0 &- value)
      case (1, -1): result.effect = .constant(register: register, .max)
      case (4, 0): result.effect = .constant(register: register, 0)
      default: result.clobbers = bit(register)
      }
    }

    private mutating func group5(_ result: inout Instruction) -> Bool {
      modRM()
      switch middle {
      case 0, 1:
        if isRegister {
          if isShort {
            result.clobbers = target
          } else {
            result.effect = .copy(to: other, from: other, plus: middle == 0 ? 1 : -1)
          }
        }
      case 2, 3: result.flow = .indirectCall
      case 4, 5: result.flow = .indirectJump
      // A push of memory; nobody pushes numbers of system calls this way.
      case 6: result.effect = .push(isRegister ? other : 0xff)
      default: return false
      }
      return true
    }

    private mutating func pop(_ result: inout Instruction) -> Bool {
      guard place < limit else { return false }
      if code[place] & 0x1f >= 8 {  // AMD's XOP
        let map = byte() & 0x1f
        _ = byte()
        _ = byte()
        vectorOperands(&result)
        if map == 8 { _ = byte() }
        if map == 10 { _ = signed(4) }
        return map <= 10
      }
      modRM()
      result.effect = .pop(isRegister ? other : 0xff)
      return middle == 0
    }

    private mutating func twoBytes(_ result: inout Instruction, _ jump: inout Int64?) -> Bool {
      let opcode = byte()
      switch opcode {
      case 0x05:
        result.flow = .systemCall
        result.clobbers = 1 | 1 << 1 | 1 << 11
      case 0x06, 0x08, 0x09, 0x0e, 0x30, 0x77, 0xaa: break
      case 0x07, 0x0b, 0x34, 0x35:
        result.flow = .end
        if opcode == 0x0b { return true }
      case 0x01:
        modRM()
        if isRegister { result.clobbers = 0xf }
      case 0x0f:
        modRM()
        _ = byte()
      case 0x31, 0x32, 0x33, 0x37: result.clobbers = 0xf
      case 0xa2: result.clobbers = 0xf
      case 0xa0, 0xa8: result.effect = .push(0xff)
      case 0xa1, 0xa9: result.effect = .pop(0xff)
      case 0x04, 0x0a, 0x0c, 0x24...0x27, 0x36, 0x39, 0x3b...0x3f: return false
      case 0x38:
        let third = byte()
        modRM()
        if third >= 0xf0 { result.clobbers = bit(register) }
      case 0x3a:
        _ = byte()
        modRM()
        _ = byte()
        result.clobbers = target
      case 0x40...0x4f:
        modRM()
        if isRegister, !isShort {
          result.effect = .conditionalCopy(to: register, from: other)
        } else {
          result.clobbers = bit(register)
        }
      case 0x80...0x8f:
        result.flow = .branch(0)
        jump = signed(4)
      case 0x90...0x9f:
        modRM()
        if isRegister { result.clobbers = bits8(other) }
      case 0xc8...0xcf: result.clobbers = bit(opcode & 7 | (rex & 1) << 3)
      case 0x70...0x73, 0xc2, 0xc4, 0xc6:
        modRM()
        _ = byte()
      case 0xc5:
        modRM()
        _ = byte()
        result.clobbers = bit(register)
      case 0xa4, 0xac, 0xba:
        modRM()
        _ = byte()
        result.clobbers = target
      case 0xa3, 0x0d, 0x10...0x1f, 0x28...0x2b, 0x2e, 0x2f, 0x51...0x6f, 0x74...0x76, 0x7c, 0x7d, 0x7f, 0xc3,
        0xd0...0xd6, 0xd8...0xff:
        // Vector registers and memory.
        modRM()
        result.isPadding = opcode == 0x1f
        // rdsspq, which reads the shadow stack's pointer.
        if opcode == 0x1e, hasRepeat, isRegister, middle == 1 { result.clobbers = target }
      case 0xb0, 0xb1:
        modRM()
        result.clobbers = 1 | target
      case 0xc7:
        modRM()
        result.clobbers = isRegister ? target : 5
      default:
        modRM()
        result.clobbers = bit(register) | target
      }
      return true
    }

    /// What VEX, EVEX and XOP name: any of it may be a general register.
    private mutating func vectorOperands(_ result: inout Instruction) {
      modRM()
      result.clobbers = 0xffff
    }

    private mutating func vex(_ opcode: UInt8, _ result: inout Instruction) -> Bool {
      var map: UInt8 = 1
      if opcode == 0xc4 {
        map = byte() & 0x1f
      }
      _ = byte()
      let operation = byte()
      return vectorTail(map, operation, &result)
    }

    private mutating func evex(_ result: inout Instruction) -> Bool {
      let map = byte() & 7
      _ = byte()
      _ = byte()
      return vectorTail(map, byte(), &result)
    }

    private mutating func vectorTail(_ map: UInt8, _ operation: UInt8, _ result: inout Instruction) -> Bool {
      guard (1...6).contains(map) else { return false }
      if map == 1, operation == 0x77 { return true }
      vectorOperands(&result)
      switch (map, operation) {
      case (3, _), (1, 0x70...0x73), (1, 0xc2), (1, 0xc4...0xc6): _ = byte()
      default: break
      }
      return true
    }
  }
}
