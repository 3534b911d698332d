/// What the software con-shim does with a system call.
public enum CallClass: Equatable, Sendable {
  /// The kernel makes it.
  case direct
  /// The kernel makes it if all tests of one of the alternatives hold; else it fails with `error`.
  case checked([[CallTest]], error: UInt16)
  /// The supervisor judges what pointers point to. Where a policy has nothing for it to judge, the call fails with
  /// `error`, or is made by the kernel if that is 0.
  case mediated(error: UInt16)
  /// Never made: it fails with `error`.
  case denied(error: UInt16)
}

/// A test of one argument of a call: its bits below `mask`, a number of 32 bits, are one of `values`.
public struct CallTest: Equatable, Sendable {
  /// 0 to 5.
  public let argument: Int
  public let mask: UInt32
  public let values: [UInt32]

  public init(argument: Int, mask: UInt32 = .max, values: [UInt32]) {
    self.argument = argument
    self.mask = mask
    self.values = values
  }

  /// Whether it holds for the arguments of a call.
  public func holds(_ arguments: [UInt64]) -> Bool {
    values.contains(UInt32(truncatingIfNeeded: arguments[argument]) & mask)
  }
}

extension SyscallCatalogue {
  /// The class of the call at a place of the sorted table (Core/Catalogue/classes.txt).
  public static func callClass(at index: Int) -> CallClass {
    let value = classValues[index]
    let error = UInt16(value >> 2 & 0xff)
    switch value & 3 {
    case 0: return .direct
    case 1: return .checked(alternatives(Int(classConditionStarts[index])), error: error)
    case 2: return .mediated(error: error)
    default: return .denied(error: error)
    }
  }

  /// Why the call at a place of the sorted table is in its class: what it reaches in the kernel.
  public static func risk(at index: Int) -> String {
    let place = Int(classValues[index] >> 10)
    // SAFETY: the offsets lie inside the literal (tested for all calls).
    let range = Int(classRiskOffsets[place])..<Int(classRiskOffsets[place + 1])
    return unsafe String(decoding: UnsafeBufferPointer(rebasing: classRisks.utf8Buffer[range]), as: UTF8.self)
  }

  private static func alternatives(_ start: Int) -> [[CallTest]] {
    var place = start
    func next() -> UInt32 {
      place += 1
      return classConditions[place - 1]
    }
    func several<Part>(_ part: () -> Part) -> [Part] {
      (0..<next()).map { _ in part() }
    }
    return several {
      several {
        let argument = Int(next())
        let mask = next()
        return CallTest(argument: argument, mask: mask, values: several(next))
      }
    }
  }
}
