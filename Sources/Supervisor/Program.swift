import CLinux
import GranuleLedger
import LinuxSystem
import ShimPolicy

/// The file of a program, and what a rule says of it.
struct Program {
  /// Where it is, as far as this process can see.
  var path = ""
  let status: FileStatus
  /// Lower-case hexadecimal; empty if it was not taken.
  var digest = ""
}

/// Says of files whether they may be executed.
struct ProgramJudge {
  let rule: ExecRule
  /// See `Supervisor.Mediation.begin`.
  let begin: Int64
  /// The container's root, once it is known.
  private(set) var root: Int32 = -1
  /// Digests of files that have not changed since, the last ones used.
  private var known: [(status: FileStatus, digest: String)] = []

  private static let knownCount = 64
  /// Programs are read for their digests in pieces of so many bytes.
  private static let piece = 65536

  init(rule: ExecRule, begin: Int64) {
    self.rule = rule
    self.begin = begin
  }

  /// The first process that executes something has the container's root, and can't have changed it yet.
  mutating func learnRoot(_ thread: Int32) {
    if root >= 0 { return }
    guard let directory = try? open("/proc/\(thread)/root", O_PATH | O_DIRECTORY) else { return }
    root = directory.release()
    // Whatever changes from now on is stamped with a later time than `begin`.
    while fileClock() <= begin { sleep(milliseconds: 1) }
  }

  /// Why a file may not be executed; nil if it may.
  /// - Parameter file: it is open, without the right to read it.
  func objection(_ file: Int32, _ status: FileStatus) -> String? {
    if case .any = rule { return nil }
    if !status.isRegular { return "it is no file" }
    // No call sets this time, so that even who owns the file cannot hide a change.
    if status.changed > begin { return "it changed after the container was started" }
    if Self.hidesChanges(file) { return "it is in memory that is written without a trace" }
    guard case .paths(let paths) = rule else { return nil }
    for path in paths {
      guard let file = try? open(path, at: root, O_PATH, resolve: .inRoot),
        let listed = try? LinuxSystem.status(at: file.raw)
      else { continue }
      if listed.isSameFile(as: status) { return nil }
    }
    return "it is not listed"
  }

  /// Whether the file system does not stamp what is written through a mapping (mmap(2)): those in memory. On a mount that is
  /// read-only nobody in the container can write.
  private static func hidesChanges(_ file: Int32) -> Bool {
    guard let kind = try? fileSystem(of: file) else { return true }
    let kinds = [RC_TMPFS_MAGIC, RC_RAMFS_MAGIC, RC_HUGETLBFS_MAGIC].map { UInt32(truncatingIfNeeded: $0) }
    return kinds.contains(kind.magic) && kind.flags & UInt64(RC_ST_RDONLY) == 0
  }

  /// The digest of an open file (SHA-256).
  mutating func digest(_ file: Int32, _ status: FileStatus) -> String {
    if let place = known.firstIndex(where: {
      $0.status.isSameFile(as: status) && $0.status.changed == status.changed && $0.status.size == status.size
    }) {
      let entry = known.remove(at: place)
      known.append(entry)
      return entry.digest
    }
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: Self.piece)
    while true {
      guard let count = try? read(file, into: &buffer) else { return "" }
      if count == 0 { break }
      for index in 0..<count { hash.update(buffer[index]) }
    }
    let words = hash.finish()
    var text = ""
    for place in 0..<4 {
      let word = String(words[place], radix: 16)
      text += String(repeating: "0", count: 16 - word.utf8.count) + word
    }
    // A file that changed a moment ago may change again without another time.
    if status.changed + 1_000_000_000 < fileClock() {
      if known.count == Self.knownCount { known.removeFirst() }
      known.append((status, text))
    }
    return text
  }
}
