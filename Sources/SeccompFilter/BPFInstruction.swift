/// One instruction of classic BPF (`struct sock_filter`), in the 8 bytes that the kernel reads on a
/// little-endian machine.
public struct BPFInstruction: Equatable, Sendable {
  public var code: UInt16
  /// How many instructions are skipped when the comparison holds, and when it doesn't.
  public var ifTrue, ifFalse: UInt8
  public var operand: UInt32

  public init(_ code: Code, _ operand: UInt32, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0) {
    self.code = code.rawValue
    self.operand = operand
    self.ifTrue = ifTrue
    self.ifFalse = ifFalse
  }

  /// The instructions that we use (`linux/bpf_common.h`).
  public enum Code: UInt16, Sendable {
    /// Loads a 32-bit word of `struct seccomp_data` at the offset.
    case load = 0x20
    case and = 0x54
    case jump = 0x05
    case jumpIfEqual = 0x15
    case jumpIfGreater = 0x25
    case jumpIfNotLess = 0x35
    case returnValue = 0x06
  }

  /// As the kernel reads it.
  public var encoded: UInt64 {
    UInt64(code) | UInt64(ifTrue) << 16 | UInt64(ifFalse) << 24 | UInt64(operand) << 32
  }

  static func ret(_ action: SeccompAction) -> BPFInstruction {
    BPFInstruction(.returnValue, action.rawValue)
  }
}

/// Offsets in `struct seccomp_data` (seccomp(2)).
enum SeccompData {
  static let number: UInt32 = 0
  static let architecture: UInt32 = 4
  static func low(_ argument: Int) -> UInt32 { UInt32(16 + 8 * argument) }
  static func high(_ argument: Int) -> UInt32 { UInt32(20 + 8 * argument) }
}
