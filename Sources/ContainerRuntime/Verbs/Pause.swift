import Cgroups
import LinuxSystem
import OCISpec

/// `pause` and `resume`: the freezer.
public enum Pause {
  public static func run(id: String, store: borrowing StateStore) throws(RuntimeError) {
    let container = try Container(id, in: store)
    let status = container.status
    guard status == .running || status == .created else {
      throw RuntimeError(.state, "cannot pause a container that is " + status.rawValue)
    }
    try cgroup(of: container).freeze()
  }

  static func cgroup(of container: borrowing Container) throws(RuntimeError) -> Cgroup {
    guard let cgroup = container.cgroup else {
      throw RuntimeError(.cgroup, "the container has no cgroup of its own")
    }
    return cgroup
  }
}
