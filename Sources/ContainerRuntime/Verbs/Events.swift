import Cgroups
import LinuxSystem
import OCISpec

/// `events`: statistics of a container, as JSON lines.
public enum Events {
  /// One line of statistics.
  public static func statistics(id: String, store: borrowing StateStore) throws(RuntimeError)
    -> String
  {
    let container = try Container(id, in: store)
    let status = container.status
    guard status == .running || status == .paused || status == .created else {
      throw RuntimeError(.state, "container is not running", hint: "it is " + status.rawValue)
    }
    return line(id, try Pause.cgroup(of: container))
  }

  private static func line(_ id: String, _ cgroup: Cgroup) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("type", "stats")
      writer.member("id", id)
      writer.key("data")
      cgroup.writeStatistics(to: &writer)
    }
    return writer.text
  }

  /// Statistics every `interval` milliseconds, and a line for each time that memory ran out, until the
  /// container ends.
  public static func follow(
    id: String, interval: Int64, store: borrowing StateStore, emit: (String) -> Void
  ) throws(RuntimeError) {
    let container = try Container(id, in: store)
    let cgroup = try Pause.cgroup(of: container)
    guard let process = try container.openFirstProcess() else {
      throw RuntimeError(.state, "container is not running", hint: "it is stopped")
    }
    var watch = try OutOfMemoryWatch(cgroup)
    var next = monotonicNanoseconds() + interval * 1_000_000
    while true {
      let left = max(0, (next - monotonicNanoseconds()) / 1_000_000)
      var awaited = [process.raw]
      if let news = watch?.raw { awaited.append(news) }
      let ready = try at(.process, "waiting") { () throws(Errno) in
        // A millisecond more, so that the time has come when it returns.
        try waitReadable(awaited, timeout: Int32(clamping: left + 1))
      }
      if ready.contains(1), watch?.ranOut() ?? false {
        emit("{\"type\":\"oom\",\"id\":" + Log.quoted(id) + "}")
      }
      if ready.contains(0) { return }
      if monotonicNanoseconds() >= next {
        emit(line(id, cgroup))
        next += interval * 1_000_000
      }
    }
  }
}
