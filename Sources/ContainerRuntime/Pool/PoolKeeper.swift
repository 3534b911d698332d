import CLinux
import LinuxSystem

/// A process beside a pool that cleans up when the pool is gone, however it ended.
///
/// The kernel ends the sandboxes of a pool that was killed; this process removes their cgroups, their state and the socket.
struct PoolKeeper: ~Copyable {
  /// Closed by our end, whatever that is.
  private let lifeline: Descriptor

  /// Kept open by all that have to be gone before it cleans up.
  var raw: Int32 { lifeline.raw }

  /// - Parameter name: what the ids of the pool's sandboxes begin with.
  static func start(
    name: String, socket: borrowing PoolSocket, store: String, log: Log
  ) throws(RuntimeError) -> PoolKeeper {
    let (path, inode) = (socket.path, socket.inode)
    let ends = try at(.process, "starting the keeper") { () throws(Errno) in try Pipe() }
    switch try at(.process, "starting the keeper", { () throws(Errno) in try clone(flags: 0) }) {
    case .child:
      let reader = ends.reader.raw
      // A terminal's Ctrl-C is for the pool.
      try? startSession()
      try? closeAll(but: [2, reader, log.file])
      _ = try? waitReadable([reader])
      Self.clean(name, store, log)
      PoolSocket.remove(path, inode)
      exitNow(0)
    case .parent:
      return PoolKeeper(lifeline: ends.writer)
    }
  }

  private static func clean(_ name: String, _ path: String, _ log: Log) {
    do throws(RuntimeError) {
      let store = try StateStore(path: path)
      for id in try store.ids() where id.utf8.starts(with: name.utf8) {
        do throws(RuntimeError) { try Delete.run(id: id, force: true, store: store, log: log) } catch {
          log.write(.warning, error.description)
        }
      }
    } catch { log.write(.warning, error.description) }
  }
}
