import Foundation

/// What an assessment found so far, so that one which was interrupted goes on where it was: `journal.jsonl` beside the reports.
public final class Journal {
  private enum Entry: Codable {
    case begun(String)
    case finding(Finding)
    case surface(SurfaceRecord)
    case measured(Measured)
  }

  public let path: String
  private let file: FileHandle
  public private(set) var findings: [String: Finding] = [:]
  public private(set) var surface: [String: SurfaceRecord] = [:]
  public private(set) var measured: [String: Measured] = [:]
  /// Whether there was something to go on from.
  public var resumed: Bool { !findings.isEmpty || !surface.isEmpty || !measured.isEmpty }

  /// - Parameter key: what has to be the same for results to be taken over: runtimes, their versions, probes, the boot.
  /// - Throws: `AssessError` if the directory can't be written.
  public init(directory: String, key: String) throws {
    path = directory + "/journal.jsonl"
    let old = System.text(path)
    var lines: [Entry] = []
    for line in old.split(separator: "\n") {
      // The last line may be half: whoever wrote it was killed.
      guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)) else { break }
      lines.append(entry)
    }
    if case .begun(let before)? = lines.first, before == key {
      for entry in lines {
        switch entry {
        case .begun: continue
        case .finding(let finding): findings[Self.name(finding.probe, finding.subject)] = finding
        case .surface(let record): surface[record.subject] = record
        case .measured(let result): measured[Self.name(result.metric, result.subject)] = result
        }
      }
    } else {
      lines = [.begun(key)]
    }
    var data = Data()
    for entry in lines { data += try JSONEncoder().encode(entry) + Data("\n".utf8) }
    do {
      try data.write(to: URL(fileURLWithPath: path))
      file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.seekToEnd()
    } catch {
      throw AssessError(
        "\(path) cannot be written: \(error.localizedDescription)", hint: "choose another directory with --out")
    }
  }

  public static func name(_ what: String, _ subject: String) -> String { what + " " + subject }

  public func add(_ finding: Finding) throws {
    findings[Self.name(finding.probe, finding.subject)] = finding
    try append(.finding(finding))
  }
  public func add(_ record: SurfaceRecord) throws {
    surface[record.subject] = record
    try append(.surface(record))
  }
  public func add(_ result: Measured) throws {
    measured[Self.name(result.metric, result.subject)] = result
    try append(.measured(result))
  }

  private func append(_ entry: Entry) throws {
    do { try file.write(contentsOf: try JSONEncoder().encode(entry) + Data("\n".utf8)) } catch {
      throw AssessError("\(path) cannot be written: \(error.localizedDescription)", hint: "is the disk full?")
    }
  }

  /// The assessment is complete.
  public func remove() { System.unlink(path) }
}
