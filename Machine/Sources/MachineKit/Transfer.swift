import Foundation

/// A pair of paths, one here and one in the machine.
public struct Transfer: Equatable, Sendable {
  public var from: String
  public var to: String

  /// `FROM:TO`. The last colon counts when the machine's path comes second, the first one otherwise.
  public init?(_ text: String, guestFirst: Bool) {
    guard let colon = guestFirst ? text.firstIndex(of: ":") : text.lastIndex(of: ":") else { return nil }
    from = String(text[..<colon])
    to = String(text[text.index(after: colon)...])
    guard !from.isEmpty, !to.isEmpty, (guestFirst ? from : to).hasPrefix("/") else { return nil }
  }
}

extension Agent {
  /// Copies a file or a directory into the machine.
  public func copyIn(_ transfer: Transfer, deadline: Deadline) throws {
    let source = URL(fileURLWithPath: transfer.from).resolvingSymlinksInPath()
    guard source.exists else { throw MachineError("\(transfer.from) does not exist") }
    var archive = CpioArchive()
    try archive.add(source, at: transfer.to)
    try expect(
      ["cpio", "-idmu", "--quiet"], prefix: ["sh", "-c", "cd / && exec \"$@\"", "sh"],
      input: .bytes(Array(archive.data)[...]), deadline: deadline, "copy to \(transfer.to)")
  }

  /// Copies a file or a directory out of the machine.
  public func copyOut(_ transfer: Transfer, deadline: Deadline) throws {
    let target = URL(fileURLWithPath: transfer.to)
    let isDirectory = try run(["test", "-d", transfer.from], deadline: deadline) { _, _ in } == .exited(0)
    let arguments = isDirectory ? ["tar", "-C", transfer.from, "-cf", "-", "."] : ["cat", transfer.from]
    let bytes = try expect(arguments, input: .none, deadline: deadline, "copy of \(transfer.from)")
    guard isDirectory else {
      try Data(bytes).write(to: target)
      let mode = try expect(["stat", "-L", "-c", "%a", transfer.from], input: .none, deadline: deadline, transfer.from)
      if let mode = Int(String(decoding: mode, as: UTF8.self).trimmed, radix: 8) {
        try FileManager.default.setAttributes(
          [.posixPermissions: NSNumber(value: mode & 0o777)], ofItemAtPath: target.plainPath)
      }
      return
    }
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    let archive = FileManager.default.temporaryDirectory.appending(path: "rcontainer-machine-\(UUID().uuidString)")
    try Data(bytes).write(to: archive)
    defer { try? FileManager.default.removeItem(at: archive) }
    try Tool.run(
      ["tar", "-C", target.plainPath, "--no-same-owner", "-xf", archive.plainPath], package: "tar")
  }

  @discardableResult
  private func expect(
    _ arguments: [String], prefix: [String] = [], input: Input, deadline: Deadline, _ what: String
  ) throws -> [UInt8] {
    var result: [UInt8] = []
    var errors: [UInt8] = []
    let outcome = try run(prefix + arguments, input: input, deadline: deadline) { bytes, isError in
      if isError { errors += bytes } else { result += bytes }
    }
    guard outcome == .exited(0) else {
      throw MachineError("\(what) failed: \(String(decoding: errors, as: UTF8.self).trimmed) (\(outcome))")
    }
    return result
  }
}
