import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// `kill`: a signal to the container's first process, or to all of them.
public enum Kill {
  public static func run(
    id: String, signal: Int32, all: Bool, store: borrowing StateStore
  ) throws(RuntimeError) {
    let container = try Container(id, in: store)
    let status = container.status
    guard status == .created || status == .running || status == .paused else {
      if all, let cgroup = container.cgroup {
        return try cgroup.killAll(signal)  // what the first process left behind
      }
      throw RuntimeError(.signal, "container not running", hint: "it is " + status.rawValue)
    }
    if all, let cgroup = container.cgroup { return try cgroup.killAll(signal) }
    guard let process = try container.openFirstProcess() else {
      throw RuntimeError(.signal, "container not running")
    }
    try at(.signal, "sending signal \(signal)") { () throws(Errno) in
      try sendSignal(signal, toProcess: process.raw)
    }
    // A frozen process gets SIGKILL when it thaws, which nobody may ever do.
    if signal == SIGKILL && status == .paused { try? container.cgroup?.thaw() }
  }
}
