import CLinux
import Cgroups
import LinuxSystem
import OCISpec
import Supervisor

/// `trace ID`: prints the system calls of a container that runs.
public enum Trace {
  /// Whether there is a container of that name.
  public static func knows(_ id: String, store: borrowing StateStore) -> Bool { (try? store.find(id)) != nil }

  public static func run(id: String, output: Int32, store: borrowing StateStore) throws(RuntimeError) {
    let container = try Container(id, in: store)
    let status = container.status
    guard status == .running || status == .created else {
      throw RuntimeError(.state, "container \(id) is not running", hint: "it is " + status.rawValue)
    }
    if container.record.supervisorJudges {
      throw RuntimeError(
        .state, "container \(id) has a supervisor, which judges its programs in the way that a trace would need",
        hint: "its audit says what it executes and what is denied; annotation " + PolicyStage.auditAnnotation)
    }
    let (first, cgroup) = (container.record.pid, container.cgroup)
    try Tracer.follow(output: output) { () throws(RuntimeError) in
      try cgroup?.pids() ?? descendants(of: first)
    }
  }

  /// A process, and all that it and its children made.
  private static func descendants(of first: Int32) -> [Int32] {
    var found = [first]
    var place = 0
    while place < found.count {
      let process = found[place]
      place += 1
      guard let directory = try? open("/proc/\(process)/task", O_RDONLY | O_DIRECTORY),
        let threads = try? list(directory.raw)
      else { continue }
      for thread in threads {
        let text = (try? readFile("/proc/\(process)/task/" + thread + "/children")) ?? ""
        for word in text.utf8.split(separator: 0x20) {
          if let child = Int32(String(Substring(word))), !found.contains(child) { found.append(child) }
        }
      }
    }
    return found
  }
}
