import LinuxSystem
import OCISpec
import ShimPolicy
import SyscallCatalogue

extension Supervisor.Audit {
  /// ENOSYS: the call is newer than the catalogue.
  private static let unknownCall: UInt16 = 38

  func run(_ listener: borrowing CallListener) throws(Errno) {
    var counts = [Int](repeating: 0, count: SyscallCatalogue.count)
    var unknown = 0
    while let call = try listener.next() {
      let begin = monotonicNanoseconds()
      let index = Supervisor.index(of: call)
      let error = index.map { errors[$0] } ?? Self.unknownCall
      if let index { counts[index] += 1 } else { unknown += 1 }
      // Before the answer: the caller's memory is as it was when it made the call.
      let text = lines == nil ? "" : CallText.describe(call, index)
      try listener.refuse(call, error: error)
      if let lines { try? writeAll(lines, line(call, index, text, error, monotonicNanoseconds() - begin)) }
    }
    var text = unknown > 0 ? "unknown " + String(Self.unknownCall) + " " + String(unknown) + "\n" : ""
    for index in counts.indices where counts[index] > 0 {
      text += SyscallCatalogue.name(at: index) + " " + String(errors[index]) + " " + String(counts[index]) + "\n"
    }
    try writeAll(summary, text)
  }

  private func line(
    _ call: CallNotification, _ index: Int?, _ text: String, _ error: UInt16, _ nanoseconds: Int64
  ) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("time", timestamp())
      writer.member("container", container)
      writer.member("pid", call.pid)
      writer.member("call", index.map { SyscallCatalogue.name(at: $0) } ?? String(call.number))
      writer.member("text", text)
      writer.member("decision", "denied")
      writer.member("error", ErrorName.name(error))
      writer.member("reason", index.map { SyscallCatalogue.risk(at: $0) } ?? "newer than the catalogue")
      writer.member("microseconds", nanoseconds / 1000)
    }
    return writer.text + "\n"
  }
}
