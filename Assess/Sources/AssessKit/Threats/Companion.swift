import Foundation

/// A process beside the one that attacks: on the host, or (as a container) a neighbour. It says `READY` when it has begun and
/// `BEAT N` every twentieth of a second, so that silence tells that it was harmed.
final class Companion: Sendable {
  private let output: String
  /// On the host.
  let process: String
  private let task: Task<Void, Never>

  private init(output: String, task: Task<Void, Never>, process: String) {
    (self.output, self.task, self.process) = (output, task, process)
  }

  /// - Parameter secret: what its environment holds.
  static func host(_ words: [String], workspace: Workspace, name: String, secret: String) async throws -> Companion {
    let output = workspace.scratch + "/" + name + "-host"
    let task = Task {
      _ = try? await Command.run(
        words, scratch: workspace.scratch, limit: 120, environment: ["CANARY_SECRET": secret], keep: output)
    }
    guard await ready(output + ".out") else {
      task.cancel()
      throw AssessError("\(words.joined(separator: " ")) did not begin on the host")
    }
    return Companion(output: output + ".out", task: task, process: process(output + ".out"))
  }

  private static func process(_ path: String) -> String {
    let text = System.text(path)
    let line = text.split(separator: "\n").first { $0.hasPrefix("READY ") }
    return line.map { String($0.dropFirst("READY ".count)) } ?? ""
  }

  /// Waits up to five seconds for `READY` and the line's end.
  static func ready(_ path: String) async -> Bool {
    for _ in 0..<500 {
      if let text = try? String(contentsOfFile: path, encoding: .utf8), text.hasSuffix("\n") {
        if text.contains("READY") { return true }
        if PayloadWord(text) != nil { return false }
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  /// What was done to it, in a sentence; nil if it is well.
  func hurt() async -> String? {
    if let noticed = Self.noticed(output, "the host") { return noticed }
    return await Self.silent(output, "a process of the host")
  }

  /// What it says itself that was done to it.
  static func noticed(_ path: String, _ who: String) -> String? {
    System.text(path).split(separator: "\n").last { $0.hasPrefix("HURT ") }.map { who + " noticed: " + $0.dropFirst(5) }
  }

  func end() { task.cancel() }

  /// Waits up to two seconds for the next beat.
  static func silent(_ path: String, _ who: String) async -> String? {
    func beats() -> Int {
      System.text(path).components(separatedBy: "BEAT ").count
    }
    let before = beats()
    for _ in 0..<200 {
      if beats() > before { return nil }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return who + " was ended or stopped"
  }
}
