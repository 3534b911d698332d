import Foundation
import LinuxSystem
import OCISpec

@testable import Cgroups

/// A directory of plain files in the place of a cgroup v2 hierarchy, so that what is written can be read.
final class FakeHierarchy {
  let root: String
  init() throws {
    root = NSTemporaryDirectory() + "cgroups-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: root) }

  func add(_ path: String, _ text: String = "") throws {
    let file = URL(fileURLWithPath: root + "/" + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }

  func text(_ path: String) throws -> String {
    try String(contentsOfFile: root + "/" + path, encoding: .utf8)
  }

  func cgroup(_ path: String) -> Cgroup {
    Cgroup(
      record: CgroupRecord(entries: [
        .init(controllers: [], directory: root + "/" + path, name: "cgroup")
      ]))
  }
}

/// The description of the error that `body` throws; nil if it throws none.
func failure(_ body: () throws(RuntimeError) -> Void) -> String? {
  do throws(RuntimeError) { try body() } catch { return error.description }
  return nil
}

/// The object that ``Cgroup/writeStatistics(to:)`` writes.
func statistics(of cgroup: Cgroup) throws -> [String: Any] {
  var writer = JSONWriter()
  cgroup.writeStatistics(to: &writer)
  let object = try JSONSerialization.jsonObject(with: Data(writer.bytes))
  return object as? [String: Any] ?? [:]
}

extension [String: Any] {
  /// The value at a path of names with dots between them.
  func at(_ path: String) -> Any? {
    path.split(separator: ".").reduce(self as Any?) { ($0 as? [String: Any])?[String($1)] }
  }
}

/// What this machine offers to tests that make real cgroups.
enum Host {
  static let layout = try? CgroupLayout.detect()
  /// A user who may make cgroups in every hierarchy.
  static let canMakeCgroups =
    effectiveUser() == 0
    && layout.map {
      !$0.hierarchies.isEmpty && $0.hierarchies.allSatisfy { canAccess($0.mountPoint, mode: W_OK) }
    } ?? false
  static let hasLegacy =
    canMakeCgroups && layout.map { $0.hierarchies.contains { !$0.isUnified } } ?? false
  static let hasUnified =
    canMakeCgroups && layout.map { $0.hierarchies.contains { $0.isUnified } } ?? false

  static func has(_ controllers: String...) -> Bool {
    canMakeCgroups
      && controllers.allSatisfy { name in
        layout?.hierarchies.contains { $0.controllers.contains(name) } ?? false
      }
  }
}

/// A real cgroup with a name of its own, removed with everything in it at the end.
final class RealCgroup {
  let cgroup: Cgroup
  let path: String
  let layout: CgroupLayout
  private var children: [Int32] = []

  /// - Parameter onlyUnified: uses the hierarchy of v2 alone, as on a host without v1.
  init(onlyUnified: Bool = false) throws {
    path = "/rcontainer-test-" + UUID().uuidString
    let all = Host.layout?.hierarchies ?? []
    layout = CgroupLayout(hierarchies: onlyUnified ? all.filter { $0.isUnified } : all)
    guard
      let planned = try Cgroup.plan(
        path: path, id: "unused", layout: layout, resources: nil, rootless: false)
    else { throw RuntimeError(.cgroup, "no plan") }
    cgroup = planned
    try cgroup.create()
  }

  /// Without the code under test, so that nothing is left behind, or waited for, when that is broken.
  deinit {
    for directory in remains.reversed() {
      let below =
        FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
      for path in [""] + below where path.isEmpty || path.hasSuffix("freezer.state") {
        let state = path.isEmpty ? "/freezer.state" : "/" + path
        try? writeFile(directory + state, "THAWED")
      }
    }
    for pid in children { try? sendSignal(SIGKILL, to: pid) }
    for pid in children { _ = try? end(of: pid) }
    for directory in remains {
      let below =
        FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
      for path in below.reversed() { try? remove(directory + "/" + path, isDirectory: true) }
      try? remove(directory, isDirectory: true)
    }
  }

  func directory(_ controller: String) -> String { cgroup.entry(controller)?.directory ?? "" }

  func text(_ controller: String, _ file: String) throws -> String {
    Cgroup.trimmed(try readFile(directory(controller) + "/" + file))
  }

  /// A process that joins and then runs `body` and sleeps. Cloned out of a test with threads, it may find a
  /// lock of the allocator held for ever; then another is made.
  func spawn(_ body: () -> Int32? = { nil }) throws -> Int32 {
    for _ in 0..<5 {
      let join = try cgroup.joinHandles()
      switch try clone(flags: 0, cgroup: join.unified) {
      case .child:
        resetSignals()
        do throws(RuntimeError) { try join.enter() } catch { exitNow(101) }
        if let status = body() { exitNow(status) }
        while true { LinuxSystem.sleep(milliseconds: 1000) }
      case .parent(let pid, _):
        for _ in 0..<200 {
          if try cgroup.pids().contains(pid) {
            children.append(pid)
            return pid
          }
          LinuxSystem.sleep(milliseconds: 5)
        }
        try? sendSignal(SIGKILL, to: pid)
        _ = try wait(pid)
      }
    }
    throw RuntimeError(.cgroup, "no process joined")
  }

  /// Moves a process into a cgroup of its own below, as the container itself may; not in a cpuset, which would
  /// need CPUs first.
  func moveBelow(_ pid: Int32) throws {
    for entry in cgroup.record.entries where !entry.controllers.contains("cpuset") {
      try makeDirectory(entry.directory + "/below", mode: 0o755)
      try writeFile(entry.directory + "/below/cgroup.procs", String(pid))
    }
  }

  /// Waits for a process that `spawn` made; nil if it still runs after two seconds.
  func end(of pid: Int32) throws -> ExitStatus? {
    for _ in 0..<400 {
      if let ended = try wait(pid, noHang: true) {
        children.removeAll { $0 == pid }
        return ended.status
      }
      LinuxSystem.sleep(milliseconds: 5)
    }
    return nil
  }

  var remains: [String] {
    cgroup.record.entries.map { $0.directory }.filter { FileManager.default.fileExists(atPath: $0) }
  }
}
