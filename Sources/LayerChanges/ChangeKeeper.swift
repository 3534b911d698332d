import CLinux
import LinuxSystem
import OCISpec

/// Copies changed files into a directory of the host:
///
///     files/…          what was added or modified, below the path that it had
///     changes.jsonl    all changes, deletions too, a JSON object each
///
/// Regular files, directories and symbolic links are copied, with their permissions but no set-user-ID, set-group-ID and
/// sticky bits, as the caller's. Links are copied as they are and never followed.
struct ChangeKeeper {
  private let opened = DescriptorSet()
  private let files: Int32
  private let lines: Int32
  /// Where the copy of a file with several names is, by its inode.
  private var links: [UInt64: [UInt8]] = [:]

  private static let linkLimit = 65536

  /// - Parameter directory: empty.
  init(_ directory: Int32) throws(Errno) {
    try makeDirectory("files", at: directory, mode: 0o700)
    files = opened.insert(try open("files", at: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    lines = opened.insert(
      try open("changes.jsonl", at: directory, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600))
  }

  func top() throws(Errno) -> Int32 { files }

  /// Adds a line to `changes.jsonl`.
  func record(_ change: Change) {
    var writer = JSONWriter()
    change.write(&writer)
    try? writeAll(lines, writer.text + "\n")
  }

  /// Copies what is no directory.
  /// - Returns: why it was left out, if it was.
  mutating func keep(
    _ name: FileName, at directory: Int32, _ file: FileStatus, in target: Int32, path: [UInt8]
  ) -> String? {
    switch file.type {
    case UInt32(S_IFREG), UInt32(S_IFLNK): break
    case UInt32(S_IFIFO): return "it is a pipe"
    case UInt32(S_IFSOCK): return "it is a socket"
    default: return "it is a device"
    }
    do throws(Errno) {
      if file.isSymbolicLink {
        guard let link = FileName(try readLink(name, at: directory)) else { return "it is an empty link" }
        try makeSymbolicLink(name, at: target, target: link)
        return nil
      }
      if file.links > 1 {
        // Copied once: a million names of one file must not become a million files.
        if let first = links[file.inode], let first = FileName(first) {
          try makeLink(name, at: target, to: first, at: files)
          return nil
        }
        if links.count >= Self.linkLimit { return "too many files have several names" }
        links[file.inode] = Array(path.dropFirst())
      }
      try copy(name, at: directory, in: target)
      return nil
    } catch { return error.description }
  }

  /// Copies data and leaves holes as they are: a file may be larger than any disk, and hold nothing.
  private func copy(_ name: FileName, at directory: Int32, in target: Int32) throws(Errno) {
    // First without opening it, so that it is known what is opened.
    let found = try open(name, at: directory, O_PATH | O_NOFOLLOW)
    let file = try status(at: found.raw)
    guard file.isRegular else { throw .invalid }
    let place = "/proc/self/fd/\(found.raw)"
    let source = try Self.readable(place)
    let copy = try open(name, at: target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    try setSize(copy.raw, Int64(clamping: file.size))
    var buffer = [UInt8](repeating: 0, count: 65536)
    var offset: Int64 = 0
    while let begin = try nextExtent(source.raw, from: offset, isData: true) {
      let end = try nextExtent(source.raw, from: begin, isData: false) ?? Int64(clamping: file.size)
      try seek(source.raw, to: begin)
      try seek(copy.raw, to: begin)
      var left = end - begin
      while left > 0 {
        let count = try read(source.raw, into: &buffer)
        if count == 0 { break }
        let used = min(count, Int(clamping: left))
        var done = 0
        while done < used { done += try writeSome(copy.raw, buffer[done..<used]) }
        left -= Int64(used)
      }
      offset = end
    }
    try setMode(copy.raw, file.mode & 0o777)
  }

  private static func readable(_ place: String) throws(Errno) -> Descriptor {
    do throws(Errno) { return try open(place, O_RDONLY) } catch  where error == .accessDenied {
      try setMode(place, at: Directory.current, 0o600)
      return try open(place, O_RDONLY)
    }
  }
}
