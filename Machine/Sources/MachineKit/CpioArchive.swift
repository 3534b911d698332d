import Foundation

/// Writes the archive format that the kernel unpacks ("newc", Documentation/driver-api/early-userspace). The
/// same files give the same bytes: owner, times and numbers are fixed, and entries are sorted.
public struct CpioArchive {
  private enum Kind: Equatable {
    case directory
    case file(Data)
    case link(String)
  }

  private struct Entry {
    var mode: UInt32
    var kind: Kind
  }

  private var entries: [String: Entry] = [:]

  public init() {}

  /// Paths are those in the machine; a leading slash makes no difference.
  public mutating func addDirectory(_ path: String, mode: UInt32 = 0o755) {
    add(path, Entry(mode: mode, kind: .directory))
  }

  public mutating func addFile(_ path: String, _ data: Data, mode: UInt32 = 0o644) {
    add(path, Entry(mode: mode, kind: .file(data)))
  }

  public mutating func addLink(_ path: String, to target: String) {
    add(path, Entry(mode: 0o777, kind: .link(target)))
  }

  /// Adds a file, a link or a directory with all it holds. What is there already is replaced.
  public mutating func add(_ source: URL, at path: String) throws {
    let manager = FileManager.default
    let attributes = try manager.attributesOfItem(atPath: source.plainPath)
    let mode = (attributes[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o644
    switch attributes[.type] as? FileAttributeType {
    case .typeDirectory:
      if !Self.normal(path).isEmpty { addDirectory(path, mode: mode) }
      for name in try manager.contentsOfDirectory(atPath: source.plainPath) {
        try add(source.appending(path: name), at: "\(path)/\(name)")
      }
    case .typeSymbolicLink:
      addLink(path, to: try manager.destinationOfSymbolicLink(atPath: source.plainPath))
    case .typeRegular:
      addFile(path, try Data(contentsOf: source), mode: mode)
    default:
      throw MachineError("\(source.plainPath) is neither file, directory nor link")
    }
  }

  public func contains(_ path: String) -> Bool { entries[Self.normal(path)] != nil }

  private mutating func add(_ path: String, _ entry: Entry) {
    let path = Self.normal(path)
    var parent = path
    while let slash = parent.lastIndex(of: "/") {
      parent = String(parent[..<slash])
      if entries[parent] == nil { entries[parent] = Entry(mode: 0o755, kind: .directory) }
    }
    entries[path] = entry
  }

  private static func normal(_ path: String) -> String {
    path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  /// The archive. Its size is a multiple of 512, so that another one can follow.
  public var data: Data {
    var result = Data()
    // A parent sorts before what it holds: its path is a prefix.
    for (number, path) in entries.keys.sorted().enumerated() {
      guard let entry = entries[path] else { continue }
      let (type, contents): (UInt32, Data) =
        switch entry.kind {
        case .directory: (0o040000, Data())
        case .file(let data): (0o100000, data)
        case .link(let target): (0o120000, Data(target.utf8))
        }
      Self.append(path, mode: type | entry.mode, number: UInt32(number + 1), contents, to: &result)
    }
    Self.append("TRAILER!!!", mode: 0, number: 0, Data(), to: &result)
    result.append(Data(count: (512 - result.count % 512) % 512))
    return result
  }

  private static func append(
    _ path: String, mode: UInt32, number: UInt32, _ contents: Data, to result: inout Data
  ) {
    // inode, mode, user, group, links, time, size, device (2), special device (2), size of the name, checksum
    let fields: [UInt32] = [
      number, mode, 0, 0, 1, 0, UInt32(contents.count), 0, 0, 0, 0, UInt32(path.utf8.count + 1), 0,
    ]
    result.append(Data("070701".utf8))
    for field in fields {
      let digits = String(field, radix: 16)
      result.append(Data((String(repeating: "0", count: 8 - digits.count) + digits).utf8))
    }
    result.append(Data(path.utf8))
    result.append(0)
    result.append(Data(count: (4 - result.count % 4) % 4))
    result.append(contents)
    result.append(Data(count: (4 - result.count % 4) % 4))
  }
}
