import Foundation
import Testing

@testable import AssessKit

struct SurfaceLinesTests {
  private let host = """
    SURFACE syscalls reached read
    SURFACE syscalls reached mount
    SURFACE syscalls absent uselib
    SURFACE socket-families reached unix
    PROBE worked done
    """

  @Test func countsWhatTheKernelHas() throws {
    let reference = try SurfaceLines(host)
    let inside = try SurfaceLines(
      """
      SURFACE syscalls reached read
      SURFACE syscalls refused mount
      SURFACE syscalls absent uselib
      SURFACE socket-families reached unix
      SURFACE number proc-sys-readable 12
      SURFACE proc-sys-readable reached /proc/meminfo
      """, reference: reference)
    let counts = SurfaceSuite.counts(inside, host: reference)
    let calls = try #require(counts.first { $0.id == "syscalls" })
    #expect((calls.value, calls.tried) == (1, 2))
    #expect(calls.names == ["read"])
    let files = try #require(counts.first { $0.id == "proc-sys-readable" })
    #expect((files.value, files.names) == (12, ["/proc/meminfo"]))
    #expect(Set(counts.map(\.id)).count == counts.count)
  }

  @Test(arguments: [
    "SURFACE syscalls reached invented", "SURFACE syscalls maybe read", "SURFACE nothing reached read",
    "SURFACE number devices -1", "SURFACE number devices 9999999999", "SURFACE number words 1",
    "SURFACE syscalls reached", "SURFACE syscalls reached a b", "SURFACE devices reached /dev/\u{1b}[2J",
    "SURFACE number devices 1\nSURFACE number devices 2",
    "SURFACE devices reached /" + String(repeating: "a", count: 600),
  ])
  func takesNothingElse(line: String) throws {
    let reference = try SurfaceLines(host)
    #expect(throws: AssessError.self) { try SurfaceLines(line, reference: reference) }
  }

  @Test func takesNoFlood() {
    let lines = (0...5000).map { "SURFACE devices reached /dev/\($0)" }.joined(separator: "\n")
    #expect(throws: AssessError.self) { try SurfaceLines(lines) }
  }

  @Test func functionsAreCountedOrExplained() throws {
    func outcome(_ text: String) -> Outcome { Outcome(status: 0, output: text, errors: "", seconds: 1) }
    let counts = try SurfaceSuite.functions(outcome("FUNCTIONS 900 120000 0\nPROBE worked x\n"))
    #expect(counts.map(\.value) == [900, 120000])
    #expect(counts.map(\.dimension) == ["breadth", "volume"])
    #expect(throws: AssessError.self) { try SurfaceSuite.functions(outcome("FUNCTIONS 900 120000 5\n")) }
    #expect(throws: AssessError.self) { try SurfaceSuite.functions(outcome("PROBE inconclusive no\n")) }
  }
}

struct BenchLinesTests {
  private let names: Set = ["call-null", "file-write", "net"]

  @Test func readsValuesAndFailures() throws {
    let lines = try BenchLines(
      "noise\nBENCH call-null 1000 2000 3000\nBENCH file-write 512.5\nBENCH-FAILED net socket: EPERM\n", names: names)
    #expect(lines.values == ["call-null": [1000, 2000, 3000], "file-write": [512.5]])
    #expect(lines.failures == ["net": "socket: EPERM"])
  }

  @Test(arguments: [
    "BENCH other 1", "BENCH call-null", "BENCH call-null nan", "BENCH call-null 0", "BENCH call-null -5",
    "BENCH call-null 1e16", "BENCH call-null 1 x", "BENCH call-null 1\nBENCH call-null 2",
    "BENCH call-null" + String(repeating: " 1", count: 401),
  ])
  func takesNothingElse(text: String) { #expect(throws: AssessError.self) { try BenchLines(text, names: names) } }

  @Test func latenciesAreNanoseconds() throws {
    let values = (1...100).map { Double($0) * 1000 }
    let (median, p99) = try #require(BenchLines.latencies(values))
    #expect(abs(median - 50) < 0.5)
    #expect(abs(p99 - 99) < 0.5)
    #expect(BenchLines.latencies([]) == nil)
  }

  @Test func stopwatchNeedsATime() throws {
    func outcome(_ text: String) -> Outcome { Outcome(status: 0, output: text, errors: "", seconds: 1) }
    let line = try StopwatchLine(outcome("STOPWATCH 1500000 4096\n"))
    #expect((line.nanoseconds, line.resident) == (1_500_000, 4096))
    #expect(throws: AssessError.self) { try StopwatchLine(outcome("STOPWATCH-FAILED 1\n")) }
    #expect(throws: AssessError.self) { try StopwatchLine(outcome("STOPWATCH 0 0\n")) }
  }
}

struct SeriesTests {
  private let metric = Metric(id: "m", title: "M", group: "start", unit: "ms", better: .lower, what: "")

  @Test func secondRoundsGoTheOtherWay() {
    #expect(Series.order(0, columns: 3) == [0, 1, 2])
    #expect(Series.order(1, columns: 3) == [2, 1, 0])
  }

  /// The machine becomes slower and slower; pairs do not notice.
  @Test func pairsAreOfTheSameRound() throws {
    var series = Series(columns: 3)
    series.samples = [[1, 2, 3, 4, 5, 6, 7], [2, 4, 6, 8, 10, 12, 14], [1, 2, 3, 4, 5, 6, 7]]
    let baseline = series.measured(metric, "a", column: 0)
    #expect(baseline.judgement == .baseline && baseline.cost == nil)
    let other = series.measured(metric, "b", column: 1)
    #expect(other.judgement == .worse)
    #expect(other.cost == Interval(value: 2, low: 2, high: 2))
    #expect(series.ofItself(.lower) == Interval(value: 1, low: 1, high: 1))
  }

  @Test func failuresStayOfTheirColumn() {
    var series = Series(columns: 3)
    series.samples = [[1, 1, 1, 1, 1, 1, 1], [2], [1, 1, 1, 1, 1, 1, 1]]
    series.failures[1] = "it crashed"
    let failed = series.measured(metric, "b", column: 1)
    #expect(failed.judgement == .failed && failed.reason == "it crashed" && failed.cost == nil)
    #expect(series.measured(metric, "a", column: 0).judgement == .baseline)
    series.failures[0] = "gone"
    series.failures[1] = nil
    #expect(series.measured(metric, "b", column: 1).judgement == .noisy)
    #expect(series.ofItself(.lower) == nil)
  }
}

struct ContainerProcessesTests {
  @Test func supervisorsAndChildrenBelongToIt() {
    func table(_ entries: [pid_t: (pid_t, String)]) -> ProcessTable {
      ProcessTable(entries: entries.mapValues { ProcessTable.Entry(parent: $0.0, belongs: $0.1) })
    }
    let before = table([1: (0, "init"), 5: (1, "other x-1")])
    let now = table([
      1: (0, "init"), 5: (1, "other x-1"), 10: (1, "monitor"), 11: (10, "0::/x-1"), 12: (11, "child"),
      20: (1, "foreign"),
      30: (1, "assess x-1"),
    ])
    #expect(now.of("x-1", before: before, except: 30) == [10, 11, 12])
    #expect(now.of("y", also: 20, before: before, except: 30) == [20])
  }

  @Test func memoryIsReadFromTheRollup() {
    let memory = ResidentMemory(
      rollup: "00400000-7ffe r--p 00000000 00:00 0 [rollup]\nRss:     880 kB\nPss:     700 kB\nPss_Dirty: 1 kB\n")
    #expect(memory.resident == 880 && memory.proportional == 700)
  }
}

@Test func whatIsLeftOutIsSaidOnce() {
  var report = Report(
    tool: "1", command: [], started: "", mode: .quick, suites: [.surface],
    machine: Machine(
      kernel: "", architecture: "", processor: "", processors: 1, memory: 1, cgroups: "v2", distribution: "", root: true
    ),
    subjects: [])
  report.surface = ["a", "b"].map { SurfaceRecord(subject: $0, counts: []) }
  #expect(report.surfaceLeftOut.isEmpty)
  report.surface[0].leftOut = ["No ftrace."]
  #expect(report.surfaceLeftOut == ["Left out for a. No ftrace."])
  report.surface[1].leftOut = ["No ftrace."]
  #expect(report.surfaceLeftOut == ["Left out. No ftrace."])
}
