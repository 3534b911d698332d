import Foundation

/// What must not be touched: a private directory on the host with a secret to be kept and files to be left alone.
struct Canary: Sendable {
  let path: String
  /// The secret: read by a container, it shows up in what the container says.
  let token: String

  private static let guarded = "nobody writes here\n"
  private static let program = "#!/bin/sh\nexit 0\n"

  init(_ workspace: Workspace, name: String) throws {
    path = workspace.path + "/canary-" + name
    token = "canary" + UUID().uuidString.replacing("-", with: "").lowercased()
    try? FileManager.default.removeItem(atPath: path)
    try workspace.makeDirectory(path, mode: 0o755)
    try workspace.makeDirectory(path + "/drop", mode: 0o777)
    do {
      try System.write(token + "\n", to: path + "/secret")
      try System.write(Self.guarded, to: path + "/guard")
      try System.write(Self.program, to: path + "/program")
    } catch { throw AssessError("the canary \(path) cannot be made: \(error)") }
    guard !changed("/guard", Self.guarded), !changed("/program", Self.program) else {
      throw AssessError("the canary \(path) is not what was written; is the disk full?")
    }
    System.mode(path + "/secret", 0o600)
    System.mode(path + "/guard", 0o644)
    System.mode(path + "/program", 0o755)
  }

  /// What happened to it, in a sentence; nil if nothing did.
  func touched(output: String) -> String? {
    if output.contains(token) { return "the host's secret was read" }
    if changed("/guard", Self.guarded) { return "a file of the host was changed" }
    if changed("/program", Self.program) { return "a program of the host was changed" }
    if let dropped = try? FileManager.default.contentsOfDirectory(atPath: path + "/drop"), !dropped.isEmpty {
      return "a file was made on the host"
    }
    let expected: Set = ["drop", "secret", "guard", "program", "runtime", "engine.sock"]
    let found = Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
    if let odd = found.subtracting(expected).first { return "\(odd) was made on the host" }
    return nil
  }

  /// Whether a file has other content, or is gone. One that this host can't read for want of something is not a change.
  private func changed(_ name: String, _ content: String) -> Bool {
    guard let now = try? String(contentsOfFile: path + name, encoding: .utf8) else {
      return !System.exists(path + name)
    }
    return now != content
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
