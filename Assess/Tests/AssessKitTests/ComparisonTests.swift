import AssessSample
import Foundation
import Testing

@testable import AssessKit

@Suite struct ComparisonTests {
  private func compare(_ change: (inout Report) -> Void) throws -> Comparison {
    var new = Sample.report()
    change(&new)
    return try Comparison(old: Sample.report(), new: new)
  }

  private func index(_ report: Report, _ verdict: Verdict) -> Int {
    report.findings.firstIndex { $0.verdict == verdict }!
  }

  @Test func theSameReportHasNoDifferences() throws {
    let comparison = try compare { _ in }
    #expect(comparison.regressions.isEmpty && comparison.improvements.isEmpty && comparison.warnings.isEmpty)
    #expect(comparison.lines == ["no differences found"])
  }

  @Test func verdicts() throws {
    let old = Sample.report()
    let steps: [(Verdict, Verdict, Int, Int, Int)] = [
      (.contained, .exposed, 1, 0, 0), (.contained, .escaped, 1, 0, 0), (.exposed, .escaped, 1, 0, 0),
      (.escaped, .exposed, 0, 1, 0), (.exposed, .contained, 0, 1, 0), (.inconclusive, .exposed, 1, 0, 0),
      (.contained, .inconclusive, 0, 0, 1), (.inconclusive, .contained, 0, 0, 0),
    ]
    for (before, after, worse, better, notes) in steps {
      let comparison = try compare { $0.findings[index(old, before)].verdict = after }
      #expect(comparison.regressions.count == worse, "\(before) → \(after)")
      #expect(comparison.improvements.count == better, "\(before) → \(after)")
      #expect(comparison.warnings.count == notes, "\(before) → \(after)")
      #expect(comparison.regressions.allSatisfy { $0.kind == .verdict && $0.subject != nil })
    }
  }

  @Test func whatVanishes() throws {
    let probe = try compare { report in
      let id = report.probes.removeFirst().id
      report.findings.removeAll { $0.probe == id }
    }
    #expect(probe.regressions.map(\.kind) == [.vanished] && probe.regressions[0].text.contains("probe-0"))
    let finding = try compare { $0.findings.removeFirst() }
    #expect(finding.regressions.map(\.kind) == [.vanished])
    let failed = try compare { $0.subjects[0].state = .failed(reason: "hung") }
    #expect(failed.regressions.map(\.kind) == [.subject])
    let left = try compare { report in
      let id = report.subjects.removeFirst().id
      report.findings.removeAll { $0.subject == id }
      report.surface.removeAll { $0.subject == id }
      report.performance?.results.removeAll { $0.subject == id }
    }
    #expect(left.regressions.isEmpty && left.warnings.count == 1)
  }

  @Test func surface() throws {
    let grown = try compare {
      $0.surface[0].counts[0].value += 1
      $0.surface[0].counts[0].names.append("mount_setattr")
    }
    #expect(grown.regressions.map(\.kind) == [.surface] && grown.regressions[0].text.contains("new: mount_setattr"))
    #expect(try compare { $0.surface[0].counts[0].value -= 1 }.improvements.count == 1)
    // Volume varies from run to run.
    #expect(try compare { $0.surface[0].counts[2].value += 100 }.regressions.isEmpty)
    #expect(try compare { $0.surface[0].counts[2].value *= 2 }.regressions.count == 1)
  }

  @Test func performance() throws {
    func change(_ factor: Double) throws -> Comparison {
      try compare { report in
        let index = report.performance!.results.firstIndex { $0.cost != nil }!
        let cost = report.performance!.results[index].cost!
        report.performance!.results[index].cost = Interval(
          value: cost.value * factor, low: cost.low * factor, high: cost.high * factor)
      }
    }
    #expect(try change(1.5).regressions.map(\.kind) == [.performance])
    #expect(try change(1.005).regressions.isEmpty)
    #expect(try change(0.5).improvements.count == 1)
    let failed = try compare { report in
      let index = report.performance!.results.firstIndex { $0.cost != nil }!
      report.performance!.results[index].judgement = .failed
    }
    #expect(failed.regressions.map(\.kind) == [.performance])
  }

  @Test func otherMachinesAndSchemas() throws {
    let kernel = try compare { $0.machine.kernel = "7.0" }
    #expect(kernel.warnings.count == 1 && kernel.warnings[0].contains("7.0"))
    let processor = try compare { report in
      report.machine.processor = "Another"
      for index in report.performance!.results.indices { report.performance!.results[index].cost?.low *= 9 }
    }
    #expect(processor.regressions.isEmpty)
    #expect(processor.warnings.contains { $0.contains("performance is not compared") })
    var other = Sample.report()
    other.schema = "rcontainer-assessment/2"
    let error = try #require(throws: AssessError.self) { try Comparison(old: other, new: Sample.report()) }
    #expect(error.description.contains("rcontainer-assessment/2"))
  }

  @Test func linesAreOneLineEachAndHoldNoEscapes() throws {
    let comparison = try compare { report in
      for index in report.findings.indices where report.findings[index].verdict == .contained {
        report.findings[index].verdict = .escaped
        report.findings[index].reason = Sample.hostile
      }
    }
    #expect(!comparison.regressions.isEmpty)
    for line in comparison.lines { #expect(!line.contains("\n") && !line.contains("\u{1B}")) }
  }
}
