/// Entry point of libFuzzer (LLVMFuzzerTestOneInput of its manual): reads `size` bytes as each of the
/// documents that come from outside. Built together with the sources of OCISpec; see `run`.
///
/// It traps, and so fails the run, when an accepted configuration isn't read back as what was written,
/// or when a refusal has no place or more than one line.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfiguration(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  // SAFETY: libFuzzer lends `size` bytes from `start` for the time of the call; they are copied.
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: size))
  do throws(SpecError) {
    let spec = try Spec.decode(bytes, file: "config.json")
    requireRoundTrip(spec)
    try spec.validate(file: "config.json")
  } catch {
    requireOneLine(error)
  }
  do throws(SpecError) {
    try Process.decode(bytes, file: "process.json").validate(file: "process.json")
  } catch {
    requireOneLine(error)
  }
  do throws(SpecError) {
    _ = try Resources.decode(bytes, file: "resources.json")
  } catch {
    requireOneLine(error)
  }
  return 0
}

private func requireRoundTrip(_ spec: Spec) {
  for pretty in [false, true] {
    do throws(SpecError) {
      let again = try Spec.decode(spec.encode(pretty: pretty), file: "written")
      precondition(again == spec, "what is written is read as something else")
    } catch {
      preconditionFailure("what is written is refused: " + error.description)
    }
  }
}

private func requireOneLine(_ error: SpecError) {
  let isPrintable = error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 }
  precondition(isPrintable && !error.message.isEmpty, "the error is not one line")
}
