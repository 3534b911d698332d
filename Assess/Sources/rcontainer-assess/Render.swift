import ArgumentParser
import AssessKit
import Foundation

/// Makes the readable reports from a `report.json` again.
struct Render: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Write the reports of an assessment again, from its report.json.")

  @Argument(help: ArgumentHelp("The report to read.", valueName: "report.json"), completion: .file())
  var report: String

  @Option(help: ArgumentHelp("Where to write the reports; made if it is not there.", valueName: "directory"))
  var out: String

  func run() throws {
    guard let data = FileManager.default.contents(atPath: report) else {
      throw ValidationError("\(report): it can't be read; name the report.json of an assessment")
    }
    let report = try JSONReport.read(data, name: report)
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    try ReportFiles.write(report, to: out)
  }
}
