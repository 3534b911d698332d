import Foundation

/// The files of one report in a directory.
public enum ReportFiles {
  /// Writes `report.json`, `report.html`, `report.sarif` and `report.md`; each appears whole or not at all.
  public static func write(_ report: Report, to directory: String) throws {
    let texts = [
      ("report.json", try JSONReport.text(report)), ("report.html", try HTMLReport.text(report)),
      ("report.sarif", try SARIFReport.text(report)), ("report.md", try MarkdownReport.text(report)),
    ]
    for (name, text) in texts {
      try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/" + name), options: .atomic)
    }
  }
}
