import OCISpec
import SeccompFilter
import ShimPolicy
import SyscallCatalogue

/// Entry point of libFuzzer (LLVMFuzzerTestOneInput of its manual): reads `size` bytes as the file of a policy; see `run`.
///
/// It traps, and so fails the run, when an accepted policy isn't read back as what was written, has no filter that the kernel
/// takes, or when a refusal has no place or more than one line.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPolicy(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  // SAFETY: libFuzzer lends `size` bytes from `start` for the time of the call; they are copied.
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: size))
  let policy: ShimPolicy
  do throws(SpecError) {
    policy = try ShimPolicy(json: bytes, file: "policy.json")
  } catch {
    let isPrintable = error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }
    precondition(isPrintable && !error.message.isEmpty, "the error is not one line")
    return 0
  }
  do throws(SeccompError) {
    let program = try FilterCompiler.compile(policy.seccompPolicy)
    precondition(program.instructions.count <= 4096, "longer than the kernel takes (BPF_MAXINSNS)")
  } catch {
    // A policy may be too long for a filter.
  }
  return 0
}
