import AssessSample
import Foundation
import Testing

@testable import AssessKit

@Suite struct JSONReportTests {
  @Test func comesBackAsItWas() throws {
    for report in [Sample.report(), Sample.small(), Sample.partial()] {
      let text = try JSONReport.text(report)
      let again = try JSONReport.read(Data(text.utf8), name: "report.json")
      #expect(try JSONReport.text(again) == text)
    }
  }

  @Test func keysAreSorted() throws {
    let text = try JSONReport.text(Sample.small())
    let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.split(separator: "\"")[1] }
    #expect(keys.count > 8 && keys == keys.sorted())
  }

  @Test(arguments: [
    ("{", "no JSON document"), ("[]", "no JSON document"), ("{}", "no member \"schema\""),
    ("{\"schema\": \"other/1\"}", "schema \"other/1\" instead of"),
    ("{\"schema\": \"rcontainer-assessment/1\"}", "has no member"),
  ])
  func refusesWhatIsNoReport(text: String, reason: String) throws {
    let error = try #require(throws: AssessError.self) { try JSONReport.read(Data(text.utf8), name: "old.json") }
    #expect(error.description.hasPrefix("old.json: ") && error.description.contains(reason), "\(error)")
  }

  @Test func refusesResultsOfNobody() throws {
    func refused(_ change: (inout Report) -> Void) throws -> String {
      var report = Sample.report()
      change(&report)
      let data = Data(try JSONReport.text(report).utf8)
      return try #require(throws: AssessError.self) { try JSONReport.read(data, name: "r") }.description
    }
    #expect(try refused { $0.findings[0].subject = "nobody/x" }.contains("unknown subject \"nobody/x\""))
    #expect(try refused { $0.findings[0].probe = "none" }.contains("unknown probe \"none\""))
    #expect(try refused { $0.findings.append($0.findings[0]) }.contains("two findings"))
    #expect(try refused { $0.subjects.append($0.subjects[0]) }.contains("twice"))
    #expect(try refused { $0.performance?.results[0].metric = "none" }.contains("unknown metric"))
    #expect(try refused { $0.performance?.baseline = "nobody/x" }.contains("unknown subject"))
  }

  @Test func saysWhichNumberIsNone() throws {
    var report = Sample.report()
    report.performance?.results[0].median.high = .infinity
    let error = try #require(throws: AssessError.self) { try JSONReport.text(report) }
    #expect(error.description.contains(".performance.results[0].median.high"))
  }
}

@Suite struct SARIFReportTests {
  @Test func hasARuleForEachProbeAndAResultForEachTellingFinding() throws {
    let report = Sample.report()
    let log = try JSON(parsing: Data(try SARIFReport.text(report).utf8))
    #expect(log["version"].string == "2.1.0")
    let run = try #require(log["runs"].elements.first)
    let rules = run["tool"]["driver"]["rules"].elements
    #expect(rules.map { $0["id"].string } == report.probes.map(\.id))
    let telling = report.findings.filter { $0.verdict == .exposed || $0.verdict == .escaped }
    let results = run["results"].elements
    #expect(results.count == telling.count)
    for (finding, result) in zip(telling, results) {
      #expect(result["ruleId"].string == finding.probe)
      #expect(result["level"].string == (finding.verdict == .escaped ? "error" : "warning"))
      let location = result["locations"].elements[0]["logicalLocations"].elements[0]
      #expect(location["fullyQualifiedName"].string == finding.subject)
    }
    let prints = Set(results.compactMap { $0["partialFingerprints"]["probeAndSubject/v1"].string })
    #expect(prints.count == results.count)
  }

  @Test func messagesHoldNoLinksAndNoPlaceholders() throws {
    #expect(SARIFReport.message("[a](b) {0} \\") == "\\[a\\](b) {{0}} \\\\")
    let text = try SARIFReport.text(Sample.report())
    #expect(!text.contains("\\u001b") && !text.contains("\u{202E}"))
    #expect(!text.contains("[link](https"))
  }
}

@Suite struct MarkdownReportTests {
  @Test func hostileTextIsNoMarkup() throws {
    #expect(
      MarkdownReport.escaped("<b> [a](https://x) @me #1 *b* `c` |") == "&lt;b&gt; \\[a\\](https&#58;//x) \\@\u{2060}me "
        + "\\#\u{2060}1 \\*b\\* \\`c\\` \\|")
    #expect(MarkdownReport.code("a ``b` c") == "``` a ``b` c ```")
    #expect(!MarkdownReport.code("a | b", cell: true).contains("|"))
  }

  /// Outside of code, nothing of what a container printed is left as it was.
  @Test func outputStaysInsideOfCode() throws {
    let text = try MarkdownReport.text(Sample.report())
    #expect(text.contains("<script>"))
    for line in text.split(separator: "\n") where line.contains("<script>") {
      let start = try #require(line.firstIndex(of: "`"))
      #expect(!line[..<start].contains("<"))
      let ticks = line[start...].prefix { $0 == "`" }
      let end = try #require(
        line[line.index(start, offsetBy: ticks.count)...].range(of: String(ticks), options: .backwards))
      #expect(!line[end.upperBound...].contains("<"))
    }
    #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"))
  }

  @Test func tablesHaveAsManyCellsInEveryRow() throws {
    var cells: Int?
    for line in try MarkdownReport.text(Sample.report()).split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else {
        cells = nil
        continue
      }
      let count = line.replacing("\\|", with: "").count { $0 == "|" }
      #expect(cells == nil || cells == count, "\(line)")
      cells = count
    }
  }

  @Test func saysWhatWasNotRun() throws {
    let text = try MarkdownReport.text(Sample.small())
    #expect(text.contains("The suite performance was not run"))
    #expect(text.contains("Not run: surface and performance."))
    #expect(!text.contains("## What it costs"))
    #expect(try MarkdownReport.text(Sample.partial()).contains("This report is partial"))
    #expect(!text.contains("partial"))
  }
}

@Suite struct HTMLReportTests {
  @Test func noTemplateHasAValueThatIsNotEscaped() {
    for (name, bytes) in HTMLReport.templates {
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("{{{") && !text.contains("{{&"), "\(name)")
    }
  }

  @Test func escapesScalarsAndNotCharacters() {
    #expect(
      HTMLText().escapeText("\"\u{301}'\u{301}<\u{301}&\u{301}>")
        == "&quot;\u{301}&#39;\u{301}&lt;\u{301}&amp;\u{301}&gt;")
    #expect(HTMLText().escapeText("\u{1B}[0m\u{202E}a\u{0}\n") == "⟨U+001B⟩[0m⟨U+202E⟩a⟨U+0000⟩\n")
  }

  /// Every element of the page is one that a template wrote: hostile text adds none, and no attribute.
  @Test func hostileTextAddsNoElement() throws {
    let text = try HTMLReport.text(Sample.report())
    #expect(text.contains("&lt;script&gt;document.title"))
    for bad in ["<img", "<b>", "<script>document", "\"\u{301}", "\u{1B}", "\u{202E}", "\u{0}"] {
      #expect(!text.unicodeScalars.contains(bad.unicodeScalars), "\(bad.debugDescription)")
    }
    #expect(text.unicodeScalars.ranges(of: "<script".unicodeScalars).count == 1)
    // What looks like a template's name is text, too.
    #expect(text.contains("{{title}} {{{title}}}"))
  }

  @Test func loadsNothingFromElsewhere() throws {
    let text = try HTMLReport.text(Sample.report())
    for bad in [
      " src=", "<link", "@import", "url(", "style=\"", " onclick", "<base", "<iframe", "<object", "href=\"http",
    ] {
      let found = text.replacing("&lt;img src=", with: "").contains(bad)
      #expect(!found, "\(bad)")
    }
  }

  @Test func everyLinkInsideHasATarget() throws {
    for report in [Sample.report(), Sample.small(), Sample.partial()] {
      let text = try HTMLReport.text(report)
      let ids = text.matches(of: /\bid="([^"]+)"/).map { String($0.1) }
      #expect(Set(ids).count == ids.count)
      for link in text.matches(of: /href="#([^"]+)"/) { #expect(ids.contains(String(link.1)), "\(link.1)") }
    }
  }

  @Test func suitesThatWereNotRunAreSentences() throws {
    let text = try HTMLReport.text(Sample.small())
    #expect(text.contains("The suite surface was not run."))
    #expect(text.contains("The suite performance was not run."))
    #expect(text.contains("There is no picture of containment against cost"))
    #expect(!text.contains("class=\"chart"))
    #expect(!text.contains("This report is partial."))
    #expect(try HTMLReport.text(Sample.partial()).contains("This report is partial."))
  }

  @Test func equalCountsAreASentence() throws {
    var report = Sample.report()
    #expect(try !HTMLReport.text(report).contains("the same for every subject"))
    for index in report.surface.indices { report.surface[index].counts[1].value = 3 }
    #expect(try HTMLReport.text(report).contains("3 of 46, the same for every subject."))
  }

  @Test func aNoisyMachineIsSaidFirst() throws {
    var report = Sample.report()
    let words = "The machine was too noisy for small differences in cost."
    #expect(try !HTMLReport.text(report).contains(words) && !MarkdownReport.text(report).contains(words))
    report.performance?.noise = Noise(width: 0.4, tooNoisy: true, reason: "It was too noisy.")
    #expect(try HTMLReport.text(report).contains(words) && MarkdownReport.text(report).contains(words))
  }

  @Test func aReportOfNothingIsStillAPage() throws {
    var report = Sample.small()
    (report.subjects, report.probes, report.findings, report.suites) = ([], [], [], [])
    #expect(try HTMLReport.text(report).contains("</html>"))
    #expect(try MarkdownReport.text(report).contains("Not run: threats, surface and performance."))
    #expect(try SARIFReport.text(report).contains("2.1.0"))
  }

  @Test func outputIsCutWhenItIsTooLong() throws {
    var report = Sample.small()
    report.findings[0].evidence?.output = String(repeating: "x", count: 100_000)
    let text = try HTMLReport.text(report)
    #expect(text.contains("… cut") && !text.contains(String(repeating: "x", count: 9000)))
  }
}

@Suite struct SummaryTests {
  @Test func sharesLeaveOutWhatToldNothing() throws {
    let standing = try #require(Summary(Sample.report()).standings.first { $0.subject.id == "podman:crun/rootless" })
    #expect(standing.notApplicable > 0 && standing.inconclusive > 0)
    #expect(standing.told + standing.notApplicable + standing.inconclusive == 80)
    #expect(
      standing.share == Double(standing.contained) / Double(standing.contained + standing.exposed + standing.escaped))
    let range = try #require(standing.shareRange)
    #expect(range.low < standing.share! && standing.share! < range.high)
  }

  @Test func costsAreComparedOverSharedMetricsOnly() throws {
    let summary = Summary(Sample.report())
    // redis-get failed for one subject, so it counts for none.
    #expect(!summary.sharedMetrics.contains("redis-get") && summary.sharedMetrics.count == 7)
    let baseline = try #require(summary.standings.first { $0.isBaseline })
    #expect(baseline.subject.id == "runc/docker" && baseline.cost == Interval(value: 1, low: 1, high: 1))
    let crun = try #require(summary.standings.first { $0.subject.id == "crun/docker" }?.cost)
    #expect(crun.high < 1)
  }

  @Test func aSubjectWithFewCostsDoesNotSpoilTheOthers() throws {
    var report = Sample.report()
    report.performance?.results.removeAll { $0.subject == "runc/bare" && $0.metric != "call-null" }
    let summary = Summary(report)
    #expect(summary.sharedMetrics.count == 7)
    #expect(summary.standings[0].cost == nil && summary.standings[0].metrics == 1)
    #expect(Answers(summary).price.joined().contains("runc/bare (1 of 8)"))
  }

  @Test func aSubjectWithHalfOfTheCostsIsDrawnButNotCompared() throws {
    var report = Sample.report()
    let kept = Set(report.performance!.metrics.map(\.id).prefix(5))
    report.performance?.results.removeAll { $0.subject == "runc/bare" && !kept.contains($0.metric) }
    let summary = Summary(report)
    let standing = try #require(summary.standings.first { $0.subject.id == "runc/bare" })
    #expect(summary.sharedMetrics.count == 7)
    #expect(standing.cost == nil && standing.metrics == 5)
    let own = kept.compactMap { summary.result($0, "runc/bare")?.cost }
    #expect(standing.partialCost == Statistics.geometricMean(own))
    #expect(
      summary.drawn.contains { $0.subject.id == "runc/bare" }
        && !summary.placed.contains { $0.subject.id == "runc/bare" })
    let price = Answers(summary).price.joined()
    #expect(price.contains("runc/bare, ") && price.contains("over 5 of 8 metrics") && !price.contains("Too few"))
    #expect(try MarkdownReport.text(report).contains("over 5 of 8 metrics"))
  }

  @Test func answersCountWhatFailedAndWhatIsUnclear() {
    let answers = Answers(Summary(Sample.report()))
    let containment = answers.containment.joined(separator: " ")
    #expect(containment.contains("An escape was shown against runc/bare (7 probes)."))
    #expect(containment.contains("14 findings are inconclusive"))
    #expect(containment.contains("Nothing is known of youki/docker"))
    #expect(containment.contains("no sample of all attacks"))
    let price = answers.price.joined(separator: " ")
    #expect(price.contains("7 too noisy to tell, and 1 failed"))
    #expect(price.contains("by chance alone"))
    #expect(price.contains("The baseline against itself"))
    #expect(
      Answers(Summary(Sample.small())).price == [
        "The suite performance was not run, so this assessment says nothing about it."
      ])
  }

  @Test func numbersForPeople() {
    #expect(Plain.number(1234.0) == "1234" && Plain.number(12345) == "12\u{2009}345" && Plain.number(0.5) == "0.500")
    #expect(Plain.factor(1.0437) == "1.044" && Plain.factor(3.214) == "3.21" && Plain.factor(123.4) == "123")
    #expect(Plain.cost(Interval(value: 0.5, low: 0.4512, high: 2.25)) == "0.500 [0.451, 2.250]")
    #expect(Plain.list(["a", "b", "c"]) == "a, b and c" && Plain.list([]) == "")
    #expect(Plain.command(["a", "b c", "it's", ""]) == "a 'b c' 'it'\\''s' ''")
    #expect(Plain.bytes(16 << 30) == "16 GiB")
    #expect(Page.status(Evidence(command: [], output: "", status: 159, seconds: 0)) == "signal 31")
    #expect(Page.status(Evidence(command: [], output: "", status: nil, seconds: 0)) == "the time was up")
  }

  @Test func aKernelOfItsOwnIsSaid() throws {
    let report = Sample.report()
    let id = try #require(report.subjects.first { $0.ownKernel == true }).id
    let said = "A kernel of the runtime's own answers in \(id): "
    #expect(try MarkdownReport.text(report).contains(said))
    let page = try HTMLReport.text(report)
    #expect(page.components(separatedBy: "its own; what its containers ask").count == 2)
  }

  @Test func publishedSystemsLeaveOutWhatIsInstalled() {
    let names = PublishedSystem.all(except: ["runc", "podman:runsc"]).map(\.name)
    #expect(!names.contains("gVisor") && names.contains("Kata Containers"))
    for system in PublishedSystem.all(except: []) {
      #expect(
        !system.figures.isEmpty
          && system.figures.allSatisfy {
            $0.source.contains("http") || $0.source.contains("doi:") || $0.source.contains("20")
          })
    }
  }

  @Test func trustedLinesAreReadFromTheScript() throws {
    let counted = try #require(
      TrustedCode.counted(
        """
        Monitor  board set-up                      300
        Monitor  total                           1,400 of 1,500
        mini-OS  total                           5,201 of 8,000
        """))
    #expect(counted.lines == 6601)
    #expect(TrustedCode.counted("something else") == nil)
    #expect(TrustedCode.known(runtime: "runc") == nil)
  }
}

@Suite struct ChartTests {
  private struct Area {
    var left: Double
    var top: Double
    var right: Double
    var bottom: Double

    func apart(_ other: Area) -> Bool {
      if right <= other.left || other.right <= left { return true }
      return bottom <= other.top || other.bottom <= top
    }
  }

  /// Twelve points in three heaps: no label lies over another, over a point, or outside.
  @Test func labelsDoNotCollide() {
    var points: [Labels.Point] = []
    for index in 0..<12 {
      let x = Double(200 + index % 3 * 250 + index / 3 * 3)
      let y = Double(60 + index / 3 * 4)
      points.append(Labels.Point(x: x, y: y, text: "\(Summary.key(index)) runtime/configuration"))
    }
    let placed = Labels.place(points, bounds: (0, 0, 980, 460), size: 13, radius: 8)
    #expect(placed.count == points.count)
    var areas: [Area] = []
    for (point, label) in zip(points, placed) {
      let width = Double(point.text.count) * 13 * 0.56
      let left = label.anchor == "start" ? label.x : label.anchor == "end" ? label.x - width : label.x - width / 2
      areas.append(Area(left: left, top: label.y - 10, right: left + width, bottom: label.y + 2))
    }
    for (index, one) in areas.enumerated() {
      #expect(one.left >= 0 && one.right <= 980)
      #expect(one.top >= 0 && one.bottom <= 460)
      for other in areas[(index + 1)...] { #expect(one.apart(other)) }
      for point in points {
        #expect(one.apart(Area(left: point.x, top: point.y, right: point.x, bottom: point.y)))
      }
    }
  }

  @Test func axesHoldAllValuesAndHaveReadableTicks() {
    for values in [[1.0], [0.99, 1.01], [0.6, 3], [0.2, 40], [1, 900], [0.9, 1.001, 1.6]] {
      let axis = CostAxis(values, gap: 0.09)
      #expect(axis.ticks.contains(1), "\(values)")
      for value in values { #expect((0...1).contains(axis.place(value))) }
      let places = axis.ticks.map(axis.place)
      for (one, next) in zip(places, places.dropFirst()) { #expect(next - one >= 0.089, "\(values): \(axis.ticks)") }
    }
    #expect(CostAxis.label(1.25) == "1.25×" && CostAxis.label(10) == "10×" && CostAxis.label(1) == "1×")
    #expect(Charts.roundTicks(381) == [0, 100, 200, 300])
    #expect(Charts.roundTicks(1) == [0, 1])
  }

  @Test func subjectsDifferInColourOrShape() {
    let looks = Look.all(Sample.report().subjects)
    let paths = looks.map { $0.colour + $0.path(0, 0, 5) }
    #expect(Set(paths).count == paths.count)
  }
}
