import AssessKit
import AssessSample
import Foundation

/// Prints a report for tests: `assess-sample [small | partial]`.
@main
struct Main {
  static func main() throws {
    let report =
      switch CommandLine.arguments.dropFirst().first {
      case "small": Sample.small()
      case "partial": Sample.partial()
      default: Sample.report()
      }
    FileHandle.standardOutput.write(Data(try JSONReport.text(report).utf8))
  }
}
