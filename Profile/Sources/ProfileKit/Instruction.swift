/// What an instruction means for the flow of control and of the numbers of system calls.
public struct Instruction: Sendable, Equatable {
  /// Where control goes.
  public enum Flow: Sendable, Equatable {
    case next
    case jump(UInt64)
    /// A jump that may not be taken.
    case branch(UInt64)
    case call(UInt64)
    case indirectJump
    case indirectCall
    /// Return, trap: nothing follows.
    case end
    case systemCall
  }

  /// What becomes of registers, as far as constants go. Registers are numbered as the machine does it.
  public enum Effect: Sendable, Equatable {
    case none
    case constant(register: UInt8, UInt64)
    /// `to` becomes `from` plus a number.
    case copy(to: UInt8, from: UInt8, plus: Int64)
    /// The same if a condition holds.
    case conditionalCopy(to: UInt8, from: UInt8)
    /// 16 bits within a register change (movk).
    case insert(register: UInt8, value: UInt64, mask: UInt64)
    case load(to: UInt8, base: UInt8, offset: Int64)
    case store(from: UInt8, base: UInt8, offset: Int64)
    case storeConstant(UInt64, base: UInt8, offset: Int64)
    /// The same with the memory at `reference`.
    case loadGlobal(to: UInt8)
    case storeGlobal(from: UInt8)
    case push(UInt8)
    case pushConstant(UInt64)
    case pop(UInt8)
  }

  /// Memory by a register and a distance.
  public struct Memory: Sendable, Equatable {
    public var base: UInt8
    public var offset: Int64
    public var size: Int64
  }

  public var address: UInt64
  public var length: Int
  public var flow = Flow.next
  public var effect = Effect.none
  /// Registers that get a value which `effect` does not tell; a bit each.
  public var clobbers: UInt32 = 0
  /// Memory that may change in a way that `effect` doesn't tell.
  public var overwrites: Memory?
  /// An address of the file that the instruction forms, or whose memory it uses.
  public var reference: UInt64?
  /// Whether it is the memory there that matters.
  public var usesMemory = false

  /// Whether it does nothing, as what fills the space between pieces of code.
  public var isPadding = false

  /// Of those that nothing follows: whether it goes back to the caller.
  public var isReturn = false

  public init(address: UInt64, length: Int) {
    self.address = address
    self.length = length
  }

  var end: UInt64 { address &+ UInt64(length) }

  var isCall: Bool {
    switch flow {
    case .call, .indirectCall: true
    default: false
    }
  }

  /// Whether control can go on behind it.
  var fallsThrough: Bool {
    switch flow {
    case .jump, .indirectJump, .end: false
    default: true
    }
  }
}
