import ArgumentParser
import Foundation
import MachineKit

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a command in the machine.",
    discussion: """
      In the started machine if there is one and it has the options that were asked for, otherwise in a machine of \
      its own, which is gone afterwards. The exit status is that of the command, 128 + N if signal N ended it, 124 \
      when the time was up, 125 when the machine failed.
      """)

  @Option(help: ArgumentHelp("How long the command may take.", valueName: "seconds")) var timeout: Double?
  @Flag(help: "A machine of its own even if one was started.") var fresh = false
  @Flag(name: .shortAndLong, help: "Pass standard input on to the command.") var interactive = false
  @Option(
    help: ArgumentHelp("Copy a file or directory into the machine first; can be repeated.", valueName: "local:guest"))
  var copyIn: [String] = []
  @Option(
    help: ArgumentHelp("Copy a file or directory out of it afterwards; can be repeated.", valueName: "guest:local"))
  var copyOut: [String] = []
  @OptionGroup var options: MachineOptions
  @OptionGroup var place: Place
  @Argument(parsing: .postTerminator, help: "The command, after --.") var command: [String]

  func validate() throws {
    guard !command.isEmpty else { throw ValidationError("which command? rcontainer-machine run -- COMMAND...") }
    if let timeout, timeout <= 0 { throw ValidationError("--timeout is more than 0 seconds") }
    if interactive && options.icount { throw ValidationError("--icount and --interactive exclude each other") }
    for text in copyIn where Transfer(text, guestFirst: false) == nil {
      throw ValidationError("--copy-in \(text): LOCAL:GUEST is expected, with an absolute path in the machine")
    }
    for text in copyOut where Transfer(text, guestFirst: true) == nil {
      throw ValidationError("--copy-out \(text): GUEST:LOCAL is expected, with an absolute path in the machine")
    }
  }

  func run() throws {
    let outcome: Agent.Outcome
    if !fresh, let record = try place.machine.running(), options.accepts(record) {
      outcome = try carryOut(in: place.machine, Interruptions.descriptor())
    } else if options.icount {
      outcome = try carryOutJob()
    } else {
      outcome = try Session(options: options, place: place).withMachine { try carryOut(in: $0, $1) }
    }
    switch outcome {
    case .exited(0): return
    case .exited(let status): throw ExitCode(status)
    case .timedOut:
      say("the time was up")
      throw ExitCode(124)
    case .interrupted(let signal): throw ExitCode(128 + signal)
    }
  }

  private func carryOut(in machine: Machine, _ interruptions: Int32) throws -> Agent.Outcome {
    let agent = try machine.connect(limit: options.limit)
    let deadline = timeout.map { Deadline(seconds: $0) } ?? .never
    for transfer in copyIn.compactMap({ Transfer($0, guestFirst: false) }) {
      try agent.copyIn(transfer, deadline: deadline)
    }
    let outcome = try agent.run(
      command, input: interactive ? .descriptor(0) : .none, deadline: deadline, interruptions: interruptions,
      output: pass)
    return try finish(agent, outcome)
  }

  /// The command and its files are part of the initramfs: the machine gets nothing from outside until it ends.
  private func carryOutJob() throws -> Agent.Outcome {
    var job = CpioArchive()
    job.addFile("machine/job", Data(Job.contents(command)))
    for transfer in copyIn.compactMap({ Transfer($0, guestFirst: false) }) {
      try job.add(URL(fileURLWithPath: transfer.from).resolvingSymlinksInPath(), at: transfer.to)
    }
    return try Session(options: options, place: place).withMachine(job: job) { machine, interruptions in
      let agent = try machine.connect(limit: options.limit, job: true)
      let deadline = Deadline(seconds: timeout.map { $0 + options.limit } ?? -1)
      let outcome = try agent.run(nil, deadline: deadline, interruptions: interruptions, output: pass)
      return try finish(agent, outcome)
    }
  }

  private func finish(_ agent: Agent, _ outcome: Agent.Outcome) throws -> Agent.Outcome {
    guard case .exited = outcome else { return outcome }
    for transfer in copyOut.compactMap({ Transfer($0, guestFirst: true) }) {
      try agent.copyOut(transfer, deadline: Deadline(seconds: options.limit))
    }
    return outcome
  }

  private func pass(_ bytes: [UInt8], isError: Bool) throws {
    let handle = isError ? FileHandle.standardError : FileHandle.standardOutput
    try handle.write(contentsOf: Data(bytes))
  }
}
