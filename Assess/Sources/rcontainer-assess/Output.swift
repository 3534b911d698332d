import AssessKit
import Foundation

/// What an assessment says at its end.
enum Output {
  /// A table of verdicts per subject.
  static func summary(_ report: Report, in directory: String) -> String {
    var lines: [String] = []
    func padded(_ text: String, _ width: Int) -> String {
      text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
    }
    let width = (report.subjects.map(\.id.count).max() ?? 0) + 2
    if report.suites.contains(.threats) {
      lines.append(padded("", width) + "contained  exposed  escaped  n/a  inconclusive")
      for subject in report.subjects {
        if case .failed(let reason) = subject.state {
          lines.append(padded(subject.id, width) + "failed: " + reason)
          continue
        }
        let own = report.findings.filter { $0.subject == subject.id }
        let counts = Verdict.allCases.map { verdict in own.count { $0.verdict == verdict } }
        lines.append(
          padded(subject.id, width)
            + zip(counts, [9, 9, 9, 5, 14]).map { count, size in
              String(repeating: " ", count: max(0, size - "\(count)".count)) + "\(count)"
            }.joined())
      }
    }
    lines.append("\(directory)/report.html")
    return lines.joined(separator: "\n")
  }
}
