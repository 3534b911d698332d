import ArgumentParser
import Foundation
import MachineKit

@main
struct RContainerMachine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rcontainer-machine",
    abstract: "Makes and starts the emulated Arm CCA machine.",
    discussion: """
      The machine is QEMU with Arm RME, the Monitor as its firmware, an unmodified Debian kernel and a busybox \
      root file system with rcontainer in it. Nothing is installed, and no network is attached.
      """,
    subcommands: [Build.self, Start.self, Run.self, Shell.self, Status.self, Stop.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as MachineError {
      say(error.description)
      exit(withError: ExitCode(error.status))
    } catch {
      exit(withError: error)
    }
  }
}

/// Everything that is not a command's output goes to standard error.
func say(_ text: String) {
  FileHandle.standardError.write(Data("rcontainer-machine: \(text)\n".utf8))
}

struct Place: ParsableArguments {
  @Option(name: .customLong("build"), help: ArgumentHelp("The project's build directory.", valueName: "directory"))
  var buildDirectory: String?

  @Option(help: ArgumentHelp("Where the started machine has its sockets and logs.", valueName: "directory"))
  var state: String?

  var layout: Layout { buildDirectory.map { Layout(build: URL(fileURLWithPath: $0)) } ?? .standard() }

  var machine: Machine {
    Machine(layout: layout, state: state.map { URL(fileURLWithPath: $0) } ?? layout.defaultState)
  }
}

struct MachineOptions: ParsableArguments {
  @Option(help: "Number of CPUs, 1 or 2.") var cpus: Int?
  @Option(help: "Memory, as QEMU writes it.") var memory = "2G"
  @Flag(help: "No Monitor and no CCA: the control machine for comparisons.") var plain = false
  @Flag(help: "One instruction takes one nanosecond: the same work gives the same times, slowly.") var icount = false
  @Option(help: ArgumentHelp("The Monitor, instead of the one that was built.", valueName: "file"))
  var firmware: String?
  @Option(help: ArgumentHelp("More arguments for the kernel.", valueName: "arguments")) var append: String?
  @Option(
    name: .customLong("qemu"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("One more argument for QEMU; can be repeated.", valueName: "argument"))
  var extra: [String] = []
  @Option(help: ArgumentHelp("How long the machine may take to come up (60, with --icount 600).", valueName: "seconds"))
  var bootLimit: Double?

  func validate() throws {
    guard [1, 2].contains(cpus ?? 1) else { throw ValidationError("--cpus is 1 or 2") }
    if let bootLimit, bootLimit <= 0 { throw ValidationError("--boot-limit is more than 0 seconds") }
  }

  var limit: Double { bootLimit ?? (icount ? 600 : 60) }

  func command(_ layout: Layout) -> QemuCommand {
    var command = QemuCommand()
    command.cpus = cpus ?? 1
    command.memory = memory
    command.plain = plain
    command.icount = icount
    command.firmware = firmware.map { URL(fileURLWithPath: $0).path } ?? layout.firmware.path
    // A kernel that cannot go on resets, and QEMU ends.
    command.kernelArguments = (["console=ttyAMA0", "panic=-1"] + (append.map { [$0] } ?? [])).joined(separator: " ")
    command.extra = extra
    return command
  }

  /// Whether a command can run in that machine.
  func accepts(_ record: Machine.Record) -> Bool {
    !icount && firmware == nil && append == nil && extra.isEmpty && (!plain || record.plain) && !record.icount
      && cpus ?? record.cpus == record.cpus
  }
}
