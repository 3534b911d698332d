import AssessKit

/// A report as a real assessment makes it, with the worst that a container may put into it. Always the same.
public enum Sample {
  /// What a hostile container prints: markup, an attribute's end with a combining accent, terminal escapes, turned text, bytes that were no
  /// UTF-8, and a link that a browser or a Markdown reader would follow.
  public static let hostile = """
    </script></title></svg><script>document.title='owned'</script><img src=x onerror="document.title='owned'">
    "\u{301} onmouseover="document.title='owned'" '\u{301} <\u{301}b>
    \u{1B}[31mred\u{1B}[0m \u{1B}]0;owned\u{7} \u{202E}desrever \u{200B}\u{0} \u{FFFD}\u{FFFD}
    [link](https://evil.example/) ![image](https://evil.example/x.png) `code` | cell | {0} @someone #1 --> <!-- {{title}} {{{title}}}
    """

  public static let longLine = String(repeating: "AAAAAAAAAA", count: 400)

  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let mixed = (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
      return mixed ^ (mixed >> 33)
    }
  }

  private static let groups = [
    "System calls", "Mounts and files", "Escapes of the past", "Devices", "Processes and namespaces", "Network",
    "Resources", "Information about the host",
  ]

  /// Runtime, configuration, sentence, how well it contains (0 to 1), and what it costs.
  private static let columns: [(String, String, String, Double, Double)] = [
    ("runc", "bare", "No filter, all namespaces, the default capabilities.", 0.62, 0.99),
    ("runc", "docker", "What Docker gives to a container.", 0.88, 1.0),
    ("runc", "hardened", "No capabilities, no new privileges, a read-only root.", 0.95, 1.02),
    ("crun", "docker", "What Docker gives to a container.", 0.88, 0.71),
    ("crun", "hardened", "No capabilities, no new privileges, a read-only root.", 0.95, 0.73),
    ("rcontainer", "default", "The policy default.", 0.985, 0.62),
    ("rcontainer", "strict", "The policy strict, without the network.", 1.0, 0.64),
    ("podman:crun", "rootless", "Podman without root, over crun.", 0.93, 2.9),
    ("youki", "docker", "What Docker gives to a container.", 0, 1),
  ]

  private static let metrics: [(String, String, String, String, Metric.Better, Double)] = [
    ("start-cold", "Create, start and delete", "start", "ms", .lower, 41),
    ("start-warm", "Start with a warm cache", "start", "ms", .lower, 28),
    ("memory-idle", "Memory of an idle container", "memory", "KiB", .lower, 2300),
    ("call-null", "getppid", "calls", "ns", .lower, 121),
    ("call-open", "open and close", "calls", "µs", .lower, 1.4),
    ("files-read", "Sequential reads", "files", "MB/s", .higher, 4200),
    ("network-rtt", "Round trip on loopback", "network", "µs", .lower, 24),
    ("redis-get", "Redis, GET", "services", "requests/s", .higher, 118_000),
  ]

  /// 9 subjects, one of which failed, 80 probes, all suites.
  public static func report() -> Report { whole }

  private static let whole = make()

  private static func make() -> Report {
    var generator = Generator(state: 7)
    var report = Report(
      tool: "0.9.0", command: ["rcontainer", "assess", "--full", "--out", "a directory's name"],
      started: "2026-11-21T10:00:00Z", mode: .full, suites: Report.Suite.allCases, machine: machine,
      subjects: columns.map { runtime, configuration, summary, _, _ in
        SubjectRecord(
          id: "\(runtime)/\(configuration)", runtime: runtime, configuration: configuration, summary: summary,
          path: "/usr/bin/\(runtime)", version: "\(runtime) version 1.2.3\ncommit: abc", state: .measured)
      })
    report.finished = "2026-11-21T10:47:12Z"
    report.subjects[5].trusted = TrustedCode(lines: 6812, what: "Monitor and mini-OS", source: "scripts/count-trusted")
    report.subjects[8].state = .failed(reason: "it did not start a container: \(hostile)")
    report.subjects[6].ownKernel = true
    report.subjects[3].problems = [
      "create hung for 20 seconds, 2 times", "says that it is version 9 <b>and</b> 8: \(hostile)",
    ]
    report.probes = (0..<80).map(probe)
    addFindings(&report, &generator)
    addSurface(&report, &generator)
    addPerformance(&report, &generator)
    report.published = PublishedSystem.all(except: report.subjects.map(\.runtime))
    return report
  }

  /// One suite, two subjects.
  public static func small() -> Report {
    var report = report()
    report.suites = [.threats]
    report.surface = []
    report.performance = nil
    report.published = []
    report.subjects = Array(report.subjects.prefix(2))
    let ids = Set(report.subjects.map(\.id))
    report.findings = report.findings.filter { ids.contains($0.subject) }
    return report
  }

  /// Ended early: some findings are missing, and there are no costs.
  public static func partial() -> Report {
    var report = report()
    report.finished = nil
    report.findings = Array(report.findings.prefix(200))
    report.performance = nil
    return report
  }

  private static let machine = Machine(
    kernel: "6.1.0-28-amd64", architecture: "x86_64", processor: "Example CPU @ 2.40GHz", processors: 8,
    memory: 16 * 1024 * 1024 * 1024, cgroups: "v2", distribution: "Debian GNU/Linux 12 (bookworm)", root: true)

  private static func probe(_ number: Int) -> ProbeRecord {
    ProbeRecord(
      id: "probe-\(number)",
      title: number == 13
        ? "A probe <b>with</b> markup & a rather long title that has to wrap" : "Probe number \(number)",
      group: groups[number * groups.count / 80], technique: number % 3 == 0 ? "T1611" : "T1068",
      cve: number % 4 == 0 ? ["CVE-2024-\(21000 + number)"] : [],
      source: "man 7 example, section \(number)",
      meaning: "A container could do what number \(number) stands for.")
  }

  private static func addFindings(_ report: inout Report, _ generator: inout Generator) {
    for (number, probe) in report.probes.enumerated() {
      for (column, subject) in report.subjects.enumerated() where subject.state == .measured {
        let strength = columns[column].3
        // Every probe is hard to the same degree for all, so that better subjects contain what worse ones do not.
        let difficulty = Double(number * 37 % 80) / 80
        var verdict: Verdict =
          difficulty < strength ? .contained : difficulty > 0.9 && strength < 0.8 ? .escaped : .exposed
        if number % 17 == 5, column == 7 { verdict = .notApplicable }
        if number % 11 == 3, column == 3 || column == 7 { verdict = .inconclusive }
        var evidence: Evidence? = Evidence(
          command: ["/payload", "probe-\(number)", "--path", "/proc/self/it's"],
          output: "open: Operation not permitted\n",
          status: 1, seconds: Double.random(in: 0.01..<0.4, using: &generator))
        if verdict == .escaped { evidence?.output = hostile }
        if number == 20 { evidence?.output = longLine }
        if number == 21 { evidence?.output = "" }
        if number == 22 { evidence?.status = nil }
        if number == 23 { evidence?.status = 159 }
        if verdict == .notApplicable { evidence = nil }
        let reason =
          switch verdict {
          case .contained: "refused with EPERM"
          case .exposed: "the call succeeded inside"
          case .escaped: "the canary was touched: \(hostile)"
          case .notApplicable: "there is no root to lose"
          case .inconclusive: "the payload did not start"
          }
        report.findings.append(
          Finding(probe: probe.id, subject: subject.id, verdict: verdict, reason: reason, evidence: evidence))
      }
    }
  }

  private static func addSurface(_ report: inout Report, _ generator: inout Generator) {
    for (column, subject) in report.subjects.enumerated() where subject.state == .measured {
      let open = 1.3 - columns[column].3
      let calls = Int(360 * open)
      report.surface.append(
        SurfaceRecord(
          subject: subject.id,
          counts: [
            .init(
              id: "syscalls", title: "System calls", dimension: "breadth", value: calls, tried: 381,
              names: (0..<calls).map { "call_\($0)" }),
            .init(
              id: "socket-families", title: "Socket families", dimension: "breadth", value: Int(20 * open), tried: 46,
              names: (0..<Int(20 * open)).map { "AF_\($0)" }),
            .init(
              id: "host-calls", title: "Calls to the host while redis runs", dimension: "volume",
              value: Int.random(in: 110_000...130_000, using: &generator), tried: nil, names: []),
            .init(
              id: "kernel-functions", title: "Functions of the kernel that are run", dimension: "complexity",
              value: Int(2400 * open), tried: nil, names: []),
          ]))
    }
  }

  private static func addPerformance(_ report: inout Report, _ generator: inout Generator) {
    let baseline = "runc/docker"
    func samples(_ middle: Double, _ spread: Double) -> [Double] {
      (0..<20).map { _ in
        middle
          * (1 + spread * (Double.random(in: -1...1, using: &generator) + Double.random(in: -1...1, using: &generator)))
      }
    }
    var results: [Measured] = []
    for (number, metric) in metrics.enumerated() {
      let reference = samples(metric.5, 0.02)
      for (column, subject) in report.subjects.enumerated() where subject.state == .measured {
        let id = subject.id
        if id == baseline {
          results.append(
            Measured(
              metric: metric.0, subject: id, samples: reference, median: Statistics.interval(reference)!, cost: nil,
              judgement: .baseline))
          continue
        }
        if number == 7, column == 4 {
          results.append(
            Measured(
              metric: metric.0, subject: id, samples: [], median: Interval(value: 0, low: 0, high: 0), cost: nil,
              judgement: .failed, reason: "the service did not answer: \(hostile)"))
          continue
        }
        let cost = metric.2 == "start" ? columns[column].4 : 1 + (columns[column].4 - 1) * 0.05
        let middle = metric.4 == .lower ? metric.5 * cost : metric.5 / cost
        let own = samples(middle, number == 6 ? 0.4 : 0.03)
        let interval = Statistics.cost(own, baseline: reference, better: metric.4)!
        results.append(
          Measured(
            metric: metric.0, subject: id, samples: own, median: Statistics.interval(own)!, cost: interval,
            judgement: Statistics.judge(interval, pairs: own.count)))
      }
    }
    report.performance = PerformanceRecord(
      baseline: baseline,
      metrics: metrics.map {
        Metric(id: $0.0, title: $0.1, group: $0.2, unit: $0.3, better: $0.4, what: "What it takes, from outside.")
      },
      results: results,
      noise: Statistics.noise([
        Statistics.cost(samples(10, 0.02), baseline: samples(10, 0.02), better: .lower)!,
        Statistics.cost(samples(30, 0.02), baseline: samples(30, 0.02), better: .lower)!,
      ]))
  }
}
