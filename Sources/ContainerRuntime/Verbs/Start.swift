import LinuxSystem
import OCISpec

/// `start`: lets the process of a created container become its program.
public enum Start {
  public static func run(id: String, store: borrowing StateStore, log: Log) throws(RuntimeError) {
    var container = try Container(id, in: store)
    try container.directory.lock()
    // It may have been started, or deleted, while this call waited.
    guard let record = try container.directory.load() else {
      throw RuntimeError(.state, "container does not exist: " + id)
    }
    container.record = record
    let status = container.status
    guard status == .created else {
      throw RuntimeError(
        .state, "cannot start a container that is " + status.rawValue,
        hint: status == .stopped ? "delete it and create it again" : nil)
    }
    let socket = try at(.process, "reaching the container's process") { () throws(Errno) in
      try connectUnix(container.directory.startSocketPath, kind: .packets)
    }
    // Silence until the end means that execve(2) closed the other side.
    let answer = try at(.process, "starting") { () throws(Errno) in try receive(socket.raw) }
    if let answer {
      let fields = answer.bytes.split(separator: 0, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
      throw Channel.decodeError(fields)
        ?? RuntimeError(.process, "the container's process sent nonsense")
    }
    container.record.phase = .running
    try container.directory.save(container.record)
    _ = try? remove("start", at: container.directory.raw)
    container.directory.unlock()
    guard container.record.hasPoststart else { return }
    let hooks = try container.spec().hooks?.poststart ?? []
    Poststart.run(hooks, state: container.state().encode(), log: log)
  }
}
