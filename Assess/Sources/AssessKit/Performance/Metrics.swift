/// What is measured together, by one start of a container or a few.
enum Work: Hashable, Sendable {
  case cold, warm, spaced, many
  case memory
  /// Calls, files and the loopback, in one container.
  case inside
  /// Calls by which two processes wait for each other, in a container that is kept on one processor.
  case together
  case service(String)
}

extension PerformanceSuite {
  /// How many containers are started at once.
  var crowd: Int { mode == .quick ? 6 : 50 }
  /// Milliseconds that each measurement inside a container takes.
  var budget: Int { mode == .quick ? 12 : 60 }
  /// MiB of the file that is written and read.
  var mebibytes: Int { mode == .quick ? 16 : 64 }
  /// Never fewer than what an interval needs, see `Statistics.minimumSamples`.
  func rounds(_ work: Work) -> Int {
    guard mode == .full else { return 7 }
    switch work {
    case .many, .service: return 7
    case .memory: return 9
    case .cold, .warm, .spaced, .inside, .together: return 15
    }
  }

  /// Every metric with the work that it comes from.
  var table: [(metric: Metric, work: Work)] {
    var all: [(Metric, Work)] = []
    func add(
      _ id: String, _ title: String, _ group: String, _ unit: String, _ better: Metric.Better, _ work: Work,
      _ what: String
    ) { all.append((Metric(id: id, title: title, group: group, unit: unit, better: better, what: what), work)) }
    let whole = "from the runtime's start until the container, whose program ends at once, is deleted"
    add(
      "start-cold", "Start, cold", "start", "ms", .lower, .cold,
      "Time \(whole); the runtime's program is read from the disk anew.")
    add("start-warm", "Start, warm", "start", "ms", .lower, .warm, "Time \(whole); one after the other.")
    if mode == .full {
      add(
        "start-spaced", "Start, spaced", "start", "ms", .lower, .spaced,
        "Time \(whole), after a quarter of a second in which nothing is started.")
    }
    add(
      "start-many", "Start, \(crowd) at once", "start", "ms", .lower, .many,
      "Time until \(crowd) containers that were started at once are deleted.")
    add(
      "memory-pss", "Memory of an idle container", "memory", "KiB", .lower, .memory,
      "Proportional set size of all processes of the host that are there because of it, the container's own one among them."
    )
    add(
      "memory-rss", "Memory, shared pages counted fully", "memory", "KiB", .lower, .memory,
      "Resident set size of the same processes.")
    add(
      "memory-density", "Idle containers in a GiB", "memory", "containers", .higher, .memory,
      "How often the proportional set size of one fits into a GiB.")
    add(
      "memory-peak", "Memory of the runtime at a start", "memory", "KiB", .lower, .warm,
      "The largest resident set of the runtime's process.")
    for (id, title, what) in Self.calls {
      let work: Work = Self.ofTwo.contains(id) ? .together : .inside
      add(id, title, "calls", "ns", .lower, work, "\(what); median of batches.")
      if mode == .full {
        add(id + "-p99", title + ", p99", "calls", "ns", .lower, work, "\(what); 99th percentile of batches.")
      }
    }
    let file = "a file of \(mebibytes) MiB on a volume, a MiB at a time"
    add("file-write", "Writing a file", "files", "MB/s", .higher, .inside, "Writing again \(file).")
    add("file-read", "Reading a file", "files", "MB/s", .higher, .inside, "Reading \(file).")
    add(
      "file-metadata", "Files made and removed", "files", "files/s", .higher, .inside,
      "Creating, stat and unlink of an empty file.")
    add(
      "net-throughput", "Loopback, throughput", "network", "MB/s", .higher, .inside,
      "TCP over the container's loopback; both ends on a processor of their own.")
    add(
      "net-pingpong", "Loopback, ping-pong", "network", "round trips/s", .higher, .inside,
      "One byte there and back over the container's loopback.")
    if mode == .full {
      for service in Service.all {
        add(service.id, service.title, "services", service.unit, .higher, .service(service.id), service.what)
      }
    }
    return all
  }

  /// What the payload `bench` is told to measure.
  static func names(_ work: Work) -> [String] {
    let calls = Self.calls.map(\.id)
    return work == .together
      ? calls.filter(ofTwo.contains) : calls.filter { !ofTwo.contains($0) } + ["file", "file-metadata", "net"]
  }

  /// Calls by which two processes wait for each other: on two processors they would cost what waking a processor costs.
  private static let ofTwo: Set = ["call-pipe", "call-futex", "call-fork", "call-unix"]

  private static let calls: [(id: String, title: String, what: String)] = [
    ("call-null", "The least system call", "getppid"),
    ("call-open", "Opening a file", "open and close of /etc/passwd"),
    ("call-file", "4 KiB of a file", "pwrite and pread of 4 KiB"),
    ("call-pipe", "Pipe, ping-pong", "A byte through a pipe to a process on the same processor, and back"),
    ("call-futex", "Futex, ping-pong", "Waking another process on the same processor, and being woken"),
    ("call-fork", "Starting a program", "fork, execve and wait of a static program"),
    ("call-map", "256 KiB of memory", "mmap, a write to each page, munmap"),
    (
      "call-unix", "Unix socket, ping-pong", "A byte through a Unix socket to a process on the same processor, and back"
    ),
  ]
}
