import Cgroups
import LinuxSystem
import OCISpec

/// `update`: other limits for a container that there is.
public enum Update {
  public static func run(id: String, resources: Resources, store: borrowing StateStore)
    throws(RuntimeError)
  {
    let container = try Container(id, in: store)
    let status = container.status
    guard status != .stopped && status != .creating else {
      throw RuntimeError(.state, "cannot update a container that is " + status.rawValue)
    }
    try Pause.cgroup(of: container).update(resources)
  }
}
