import LinuxSystem
import OCISpec
import ShimPolicy
import SyscallCatalogue

/// Writes the lines of an audit.
struct Tell: Sendable {
  let container: String
  let lines: Int32?

  /// Whether what is allowed is told, too.
  var tellsAll: Bool { lines != nil }

  /// A call that was not made, or was made here.
  /// - Parameter error: of errno(3); 0 if it was made.
  func call(
    _ call: CallNotification, _ index: Int?, _ text: String, error: UInt16, rule: String, _ nanoseconds: Int64
  ) {
    guard let lines else { return }
    var writer = JSONWriter()
    writer.object { writer in
      head(call, index, text, &writer)
      writer.member("decision", error == 0 ? "emulated" : "denied")
      if error != 0 { writer.member("error", ErrorName.name(error)) }
      writer.member("reason", rule)
      writer.member("microseconds", nanoseconds / 1000)
    }
    try? writeAll(lines, writer.text + "\n")
  }

  /// A program that was executed, or not.
  /// - Parameter error: how that ended if it was not allowed.
  func exec(
    _ call: CallNotification, _ text: String, _ program: Program?, error: String?, rule: String, _ nanoseconds: Int64
  ) {
    guard let lines else { return }
    var writer = JSONWriter()
    writer.object { writer in
      head(call, Supervisor.index(of: call), text, &writer)
      writer.member("decision", error == nil ? "allowed" : "denied")
      if let error { writer.member("error", error) }
      writer.member("reason", "exec: " + rule)
      if let program {
        writer.member("path", program.path)
        writer.member("device", String(program.status.device))
        writer.member("inode", program.status.inode)
        if !program.digest.isEmpty { writer.member("sha256", program.digest) }
      }
      writer.member("microseconds", nanoseconds / 1000)
    }
    try? writeAll(lines, writer.text + "\n")
  }

  private func head(_ call: CallNotification, _ index: Int?, _ text: String, _ writer: inout JSONWriter) {
    writer.member("time", timestamp())
    writer.member("container", container)
    writer.member("pid", call.pid)
    writer.member("call", index.map { SyscallCatalogue.name(at: $0) } ?? String(call.number))
    writer.member("text", text)
  }
}
