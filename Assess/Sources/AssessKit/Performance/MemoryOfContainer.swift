import Foundation

/// Processes of the host that are there because of a container: its own, and those that stay to look after it.
struct ProcessTable {
  struct Entry {
    var parent: pid_t
    /// Its control groups and its command line.
    var belongs: String
  }

  var entries: [pid_t: Entry] = [:]

  static func now() -> ProcessTable {
    var table = ProcessTable()
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let process = pid_t(name), let status = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
        // The program's name, in parentheses, may hold anything.
        let parent = status.split(separator: ")").last?.split(separator: " ").dropFirst().first.flatMap({ pid_t($0) })
      else { continue }
      let words = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
      let groups = System.text("/proc/\(name)/cgroup")
      table.entries[process] = Entry(parent: parent, belongs: groups + String(decoding: words, as: UTF8.self))
    }
    return table
  }

  /// Whether a process runs this program, or a copy of it.
  static func runs(_ program: String) -> Bool {
    guard let content = FileManager.default.contents(atPath: program) else { return false }
    return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).contains { name in
      guard pid_t(name) != nil, let file = FileHandle(forReadingAtPath: "/proc/\(name)/exe") else { return false }
      defer { try? file.close() }
      guard (try? file.seekToEnd()) == UInt64(content.count), (try? file.seek(toOffset: 0)) != nil else { return false }
      return (try? file.readToEnd()) == content
    }
  }

  /// Those that name the container, what they started, and what started them; only what was not there before.
  func of(_ id: String, also: pid_t? = nil, before: ProcessTable, except own: pid_t) -> Set<pid_t> {
    let new = entries.filter { before.entries[$0.key] == nil && $0.key != own }
    var found = Set(new.filter { $0.value.belongs.contains(id) || $0.key == also }.keys)
    for process in found {
      var parent = new[process]?.parent ?? 0
      while let entry = new[parent], found.insert(parent).inserted { parent = entry.parent }
    }
    var grows = true
    while grows {
      let more = new.filter { found.contains($0.value.parent) && !found.contains($0.key) }.keys
      found.formUnion(more)
      grows = !more.isEmpty
    }
    return found
  }
}

/// What processes have in memory, in KiB, proc_pid_smaps(5).
struct ResidentMemory: Equatable {
  var proportional = 0.0
  var resident = 0.0

  init(rollup: String) {
    for line in rollup.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 1, let size = Double(words[1]) else { continue }
      if words[0] == "Pss:" { proportional = size }
      if words[0] == "Rss:" { resident = size }
    }
  }

  init(_ processes: Set<pid_t>) {
    self.init(rollup: "")
    for process in processes {
      guard let text = try? String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8) else { continue }
      let one = ResidentMemory(rollup: text)
      proportional += one.proportional
      resident += one.resident
    }
  }
}
