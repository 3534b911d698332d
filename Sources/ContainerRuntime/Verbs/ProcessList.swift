import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// `ps`: the processes of a container, by pids of the host.
public enum ProcessList {
  private static func pids(_ id: String, _ store: borrowing StateStore) throws(RuntimeError)
    -> [Int32]
  {
    let container = try Container(id, in: store)
    let status = container.status
    guard status != .stopped && status != .creating else {
      throw RuntimeError(.state, "container is not running", hint: "it is " + status.rawValue)
    }
    return try container.cgroup?.pids() ?? [container.record.pid]
  }

  public static func json(id: String, store: borrowing StateStore) throws(RuntimeError) -> String {
    var writer = JSONWriter()
    let pids = try pids(id, store)
    writer.array { writer in for pid in pids { writer.integer(pid) } }
    return writer.text
  }

  /// The lines of ps(1) that are about the container.
  /// - Parameter arguments: for ps; `-ef` if there are none.
  public static func table(id: String, arguments: [String], store: borrowing StateStore)
    throws(RuntimeError) -> String
  {
    let pids = try pids(id, store)
    let output = try runPS(arguments.isEmpty ? ["-ef"] : arguments)
    let lines = output.utf8.split(separator: 0x0a)
    guard let header = lines.first else { return "" }
    let titles = header.split(separator: 0x20)
    guard let column = titles.firstIndex(where: { $0.elementsEqual("PID".utf8) }) else {
      throw RuntimeError(.options, "the output of ps has no column PID", hint: "choose another format")
    }
    var text = String(Substring(header)) + "\n"
    for line in lines.dropFirst() {
      let fields = line.split(separator: 0x20)
      if column < fields.count, let pid = Int32(String(Substring(fields[column]))), pids.contains(pid) {
        text += String(Substring(line)) + "\n"
      }
    }
    return text
  }

  private static func runPS(_ arguments: [String]) throws(RuntimeError) -> String {
    let output = try at(.execution, "ps") { () throws(Errno) in try memoryFile("ps", []) }
    switch try at(.execution, "ps", { () throws(Errno) in try clone(flags: 0) }) {
    case .child:
      do throws(Errno) {
        try duplicate(output.raw, onto: 1)
        try execute(
          canAccess("/usr/bin/ps", mode: X_OK) ? "/usr/bin/ps" : "/bin/ps",
          arguments: ["ps"] + arguments, environment: environment())
      } catch { exitNow(127) }
    case .parent(let pid, _):
      let ended = try at(.execution, "ps") { () throws(Errno) in try wait(pid) }
      if ended?.status == .exited(127) {
        throw RuntimeError(.execution, "ps is not installed", hint: "install procps, or use --format json")
      }
      guard ended?.status == .exited(0) else { throw RuntimeError(.execution, "ps failed") }
      return try at(.execution, "ps") { () throws(Errno) in
        try rewind(output.raw)
        return String(decoding: try readAll(output.raw), as: UTF8.self)
      }
    }
  }
}
