import Cgroups
import LinuxSystem
import OCISpec

/// `resume`: lets a paused container go on.
public enum Resume {
  public static func run(id: String, store: borrowing StateStore) throws(RuntimeError) {
    let container = try Container(id, in: store)
    let status = container.status
    guard status == .paused else {
      throw RuntimeError(.state, "cannot resume a container that is " + status.rawValue)
    }
    try Pause.cgroup(of: container).thaw()
  }
}
