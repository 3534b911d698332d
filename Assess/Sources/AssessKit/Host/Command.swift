import Foundation
import Subprocess
import SystemPackage

/// How a command ended, with what it said.
public struct Outcome: Sendable {
  /// The exit code; 128 and the signal's number if a signal ended it; nil if its time was up.
  public var status: Int?
  public var output: String
  public var errors: String
  public var seconds: Double

  public var succeeded: Bool { status == 0 }
  /// The last line of its errors, or of its output: what went wrong, mostly.
  public var lastLine: String {
    let lines = (errors.isEmpty ? output : errors).split(separator: "\n")
    return lines.last.map(String.init) ?? (status.map { "it ended with status \($0)" } ?? "its time was up")
  }
}

/// Commands of the host, each in a session of its own that ends with it.
public enum Command {
  /// What is kept of a stream: its end.
  static let kept: UInt64 = 256 * 1024

  /// - Parameters:
  ///   - scratch: a directory for the streams. They are files, so that a process which outlives the command holds nothing up.
  ///   - keep: where the streams stay, as `keep.out` and `keep.err`, for a process that goes on writing.
  ///   - limit: seconds after which the command and its process group are killed.
  /// - Throws: `AssessError` if the program cannot be started.
  public static func run(
    _ words: [String], scratch: String, limit: Double = 60, environment: [String: String] = [:],
    directory: String? = nil, input: String? = nil, keep: String? = nil
  ) async throws -> Outcome {
    let name = keep ?? scratch + "/stream-" + UUID().uuidString
    let (outputPath, errorPath) = (name + ".out", name + ".err")
    defer {
      if keep == nil {
        System.unlink(outputPath)
        System.unlink(errorPath)
      }
    }
    let streams = try (System.createFile(outputPath), System.createFile(errorPath))
    defer {
      try? streams.0.close()
      try? streams.1.close()
    }
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100))
    ]
    let changes = Dictionary(
      uniqueKeysWithValues: environment.map { (Environment.Key(rawValue: $0.key)!, Optional($0.value)) })
    let configuration = Subprocess.Configuration(
      executable: words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0]),
      arguments: Arguments(Array(words.dropFirst())), environment: .inherit.updating(changes),
      workingDirectory: directory.map { FilePath($0) }, platformOptions: options)
    let begin = ContinuousClock.now
    let status: Int? = try await withThrowingTaskGroup(of: Int?.self) { group in
      group.addTask {
        let (out, error) = streams
        func end(_ input: some InputProtocol) async throws -> TerminationStatus {
          try await Subprocess.run(
            configuration, input: input,
            output: .fileDescriptor(out, closeAfterSpawningProcess: false),
            error: .fileDescriptor(error, closeAfterSpawningProcess: false)
          ).terminationStatus
        }
        let ended: TerminationStatus
        do {
          if let input { ended = try await end(.string(input)) } else { ended = try await end(.none) }
        } catch is CancellationError {
          return nil
        } catch {
          if Task.isCancelled { return nil }
          throw AssessError("\(words[0]) cannot be started: \(error)")
        }
        switch ended {
        case .exited(let code): return Task.isCancelled ? nil : Int(code)
        case .signaled(let signal): return Task.isCancelled ? nil : 128 + Int(signal)
        }
      }
      group.addTask {
        try await Task.sleep(for: .seconds(limit))
        return nil
      }
      let first = try await group.next() ?? nil
      group.cancelAll()
      // The command is waited for, not the clock.
      while let _ = try? await group.next() {}
      return first
    }
    try Task.checkCancellation()
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    return Outcome(status: status, output: tail(outputPath), errors: tail(errorPath), seconds: seconds)
  }

  private static func tail(_ path: String) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else { return "" }
    defer { try? file.close() }
    let size = (try? file.seekToEnd()) ?? 0
    try? file.seek(toOffset: size > kept ? size - kept : 0)
    return String(decoding: (try? file.read(upToCount: Int(kept))) ?? Data(), as: UTF8.self)
  }
}
