extension PublishedSystem {
  /// Systems with figures that others published, without those that are installed, and so measured, here. `installed` are names of runtimes.
  ///
  /// Each figure is what its source says, on the machine and with the work of its authors.
  public static func all(except installed: [String]) -> [PublishedSystem] {
    let words = Set(installed.flatMap { $0.lowercased().split(separator: ":").map(String.init) })
    return catalogue.filter { entry in !entry.programs.contains { words.contains($0) } }.map(\.system)
  }

  private struct Entry { var programs: [String], system: PublishedSystem }

  private static let functions =
    "https://github.com/nabla-containers/nabla-measurements (ftrace, without the start of the container)"
  private static let sameCode =
    "Anjali, Caraza-Harter, Swift: Blending Containers and Virtual Machines, VEE 2020, doi:10.1145/3381052.3381315"

  private static let catalogue: [Entry] = [
    Entry(
      programs: ["runsc", "gvisor"],
      system: PublishedSystem(
        name: "gVisor", how: "A kernel in user space answers the container's system calls.",
        figures: [
          Figure(
            what: "System calls of amd64 that it implements, in full or in part", value: "274 of 350",
            source: "https://gvisor.dev/docs/user_guide/compatibility/linux/amd64/ (generated from its source)"),
          Figure(
            what: "Functions of the host's kernel that applications reach", value: "280 to 472; with runc 385 to 536",
            source: functions),
          Figure(
            what: "Redis, GET, against runc", value: "15 300 of 30 300 requests per second",
            source: "https://gvisor.dev/docs/architecture_guide/performance/ (2020, platform ptrace)"),
          Figure(
            what: "Code of the host's kernel that is run",
            value: "more than natively; about the same code as with containers, at other rates",
            source: sameCode),
        ])),
    Entry(
      programs: ["kata", "kata-runtime"],
      system: PublishedSystem(
        name: "Kata Containers", how: "A virtual machine for each pod.",
        figures: [
          Figure(
            what: "Start of a container with containerd", value: "0.82 s; 0.50 s with a template (means of ten)",
            source:
              "https://gist.github.com/bergwolf/06974a3c5981494a40e2c408681c085d, which Kata's guide to templates names"
          ),
          Figure(
            what: "Functions of the host's kernel that applications reach", value: "268 to 412; with runc 385 to 536",
            source: functions),
        ])),
    Entry(
      programs: ["runnc"],
      system: PublishedSystem(
        name: "Nabla containers",
        how: "A library operating system in the process, and a filter that leaves few system calls.",
        figures: [
          Figure(
            what: "System calls that it may make to the host", value: "7", source: "https://nabla-containers.github.io/"
          ),
          Figure(
            what: "Functions of the host's kernel that applications reach", value: "155; with runc 385 to 536",
            source: functions),
        ])),
    Entry(
      programs: ["firecracker", "kata-fc"],
      system: PublishedSystem(
        name: "Firecracker", how: "A small virtual machine monitor, for one virtual machine each.",
        figures: [
          Figure(
            what: "From the call that starts it to the guest's init",
            value: "at most 125 ms, without its serial console",
            source: "https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md"),
          Figure(
            what: "Memory of the monitor's threads", value: "at most 5 MiB, for one processor and 128 MiB",
            source: "https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md"),
          Figure(
            what: "Code of the host's kernel that is run", value: "more than natively", source: sameCode),
        ])),
    Entry(
      programs: [],
      system: PublishedSystem(
        name: "RContainer (the paper)",
        how: "A trusted mini-OS beside the operating system, and a physical address space for each container "
          + "with Arm CCA.",
        figures: [
          Figure(
            what: "Code that it adds to the firmware at EL3", value: "about 130 lines",
            source:
              "Zhou and others: RContainer, NDSS 2025, doi:10.14722/ndss.2025.240328 (emulated CCA, performance on Armv8)"
          )
        ])),
    Entry(
      programs: [],
      system: PublishedSystem(
        name: "BlackBox", how: "A monitor at EL2 gives each container a protected physical address space.",
        figures: [
          Figure(
            what: "Trusted code", value: "a few thousand lines",
            source:
              "Van't Hof, Nieh: BlackBox, OSDI 2022, https://www.usenix.org/conference/osdi22/presentation/vant-hof")
        ])),
    Entry(
      programs: [],
      system: PublishedSystem(
        name: "SHELTER", how: "User-space programs isolated by several granule protection tables of Arm CCA.",
        figures: [
          Figure(
            what: "Overhead of real programs", value: "below 15 %",
            source: "Zhang and others: SHELTER, USENIX Security 2023, "
              + "https://www.usenix.org/conference/usenixsecurity23/presentation/zhang-yiming")
        ])),
  ]
}

extension TrustedCode {
  /// How much code of a runtime has to be trusted, where somebody published a figure that fits what is measured; nil otherwise.
  public static func known(runtime: String) -> TrustedCode? {
    switch runtime.lowercased() {
    case "kata-fc", "firecracker":
      TrustedCode(
        lines: 50_000, what: "the virtual machine monitor, about; the host's kernel with KVM comes on top",
        source: "Agache and others: Firecracker, NSDI 2020")
    default: nil
    }
  }

  /// The lines of a CCA con-shim, from what `scripts/count-trusted` prints; nil if that is something else.
  public static func counted(_ output: String) -> TrustedCode? {
    var parts: [(name: String, lines: Int)] = []
    for line in output.split(separator: "\n") {
      // `mini-OS  total       5,201 of 8,000`
      let words = line.split(separator: " ")
      guard words.count == 5, words[1] == "total", words[3] == "of",
        let lines = Int(words[2].replacing(",", with: ""))
      else { continue }
      parts.append((String(words[0]), lines))
    }
    guard !parts.isEmpty else { return nil }
    return TrustedCode(
      lines: parts.reduce(0) { $0 + $1.lines },
      what: Plain.list(parts.map { "\($0.name) \(Plain.number($0.lines))" })
        + ", for a CCA con-shim; a software con-shim trusts the runtime and the host's kernel",
      source: "scripts/count-trusted")
  }
}
