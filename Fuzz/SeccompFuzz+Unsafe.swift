import SyscallCatalogue

@testable import SeccompFilter

/// Entry point of libFuzzer (LLVMFuzzerTestOneInput of its manual): makes a policy of `size` bytes, compiles
/// it and calls it with numbers and arguments from the rest. Built together with the model of the unit tests;
/// see `run`.
///
/// It traps, and so fails the run, when a filter decides otherwise than its policy, or leaves its program.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFilter(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  // SAFETY: libFuzzer lends `size` bytes from `start` for the time of the call; they are copied.
  var bytes = Bytes(left: unsafe ArraySlice([UInt8](UnsafeBufferPointer(start: start, count: size))))
  let policy = anyPolicy(&bytes)
  let program: [BPFInstruction]
  do throws(SeccompError) { program = try FilterCompiler.compile(policy).instructions } catch { return 0 }
  precondition(program.count <= 4096, "longer than the kernel takes (BPF_MAXINSNS)")
  for architecture in policy.architectures {
    let bit = architecture == .x32 ? Architecture.x32Bit : 0
    for _ in 0..<64 {
      let number = UInt32(bytes.next(8) == 0 ? bytes.next(1 << 30) : bytes.next(600)) | bit
      let arguments = (0..<6).map { _ in
        let value = boundaryValues[bytes.next(boundaryValues.count)]
        return bytes.next(4) == 0 ? value &+ UInt64(bytes.next(256)) &- 128 : value
      }
      let decided = run(program, architecture.auditValue, number, arguments)
      precondition(decided == verdict(policy, architecture, number, arguments), "the filter decides otherwise")
    }
  }
  return 0
}

/// Choices by the bytes of an input; zeros when they are used up.
private struct Bytes: Choices {
  var left: ArraySlice<UInt8>

  mutating func next(_ bound: Int) -> Int {
    var (value, reach) = (0, 1)
    while reach < bound {
      value = value << 8 | Int(left.popFirst() ?? 0)
      reach <<= 8
    }
    return value % bound
  }
}
