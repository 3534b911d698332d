import Foundation
import Testing

@testable import CommandLineInterface

/// The one line that a wrong command line gets; nil if it is accepted.
func complaint(_ words: String...) -> String? { complaint(words) }

func complaint(_ words: [String]) -> String? {
  do throws(UsageError) {
    _ = try Invocation(words)
    return nil
  } catch { return error.description }
}

extension Argument {
  /// Texts that it accepts, and texts that it does not.
  var samples: (good: [String], bad: [String]) {
    switch kind {
    case .text: (["a", "", "-x", "--bundle"], [])
    case .file, .directory: (["/a", "-", "a=b"], [""])
    case .choice(let words): (words, ["", "x", words[0].uppercased(), words[0] + " "])
    case .count(let low, let high):
      (["\(low)", "\(high)", "0\(low)"], ["", "-1", "+1", "1 ", "0x1", "1.0", "18446744073709551616"])
    case .integer: (["-1", "0", "9223372036854775807"], ["", "-", "+1", "9223372036854775808", "1k"])
    case .size: (["0", "1k", "-1"], ["", "k", "-2", "1q"])
    case .time: (["1", "1ms", "1m30s"], ["", "0", "0.0001s", "1d", "-1s"])
    case .cpus: (["1", "0.5"], ["", "0", "-1", "1,5"])
    case .user: (["0", "1:2"], ["", "root", "1:", "4294967295"])
    case .group: (["0", "7"], ["", "wheel", "4294967295", "-1"])
    case .assignment: (["A=", "A=b=c"], ["", "A", "=b"])
    case .variable: (["A", "A="], ["", "=b"])
    }
  }
}

extension Verb {
  /// Operands that are enough.
  var someOperands: [String] {
    (0..<(commandUnless == nil ? required : operands.count)).map { "operand\($0)" }
  }
}

/// Where a program is; nil where it is not installed.
func installed(_ program: String) -> String? {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
  return folders.map { "\($0)/\(program)" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// What a program printed, and how it ended.
func output(
  of program: String, _ arguments: [String], input: String = ""
) throws -> (text: String, status: Int32) {
  let path = try #require(installed(program))
  let directory = FileManager.default.temporaryDirectory.appending(
    path: "rcontainer-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  let (source, sink) = (directory.appending(path: "in"), directory.appending(path: "out"))
  try Data(input.utf8).write(to: source)
  try Data().write(to: sink)
  let process = Process()
  process.executableURL = URL(filePath: path)
  process.arguments = arguments
  process.standardInput = try FileHandle(forReadingFrom: source)
  let output = try FileHandle(forWritingTo: sink)
  process.standardOutput = output
  process.standardError = output
  try process.run()
  process.waitUntilExit()
  return (try String(contentsOf: sink, encoding: .utf8), process.terminationStatus)
}
