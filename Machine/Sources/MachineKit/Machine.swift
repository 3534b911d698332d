import Foundation
import Glibc

/// A state directory and the machine that runs in it, if one does. A lock that QEMU inherits tells whether it
/// does: no stale process number can be mistaken for it.
public final class Machine {
  /// What was started; machine.json in the state directory.
  public struct Record: Codable, Equatable, Sendable {
    public var pid: Int32
    public var cpus: Int
    public var plain: Bool
    public var icount: Bool
  }

  public let state: URL
  private let layout: Layout
  private var child: pid_t?
  /// Readable when the user wants to end; see `Interruptions`.
  public var interruptions: Int32 = -1

  public init(layout: Layout, state: URL) {
    self.layout = layout
    self.state = state.standardizedFileURL
  }

  private var recordFile: URL { state.appending(path: "machine.json") }
  private var consoleLog: URL { state.appending(path: "console.log") }
  private var qemuLog: URL { state.appending(path: "qemu.log") }

  // MARK: what is there

  /// Takes the lock; nil if a machine holds it.
  private func lock() throws -> Int32? {
    let fd = try System.openLock(state.appending(path: "lock").plainPath)
    if flock(fd, LOCK_EX | LOCK_NB) == 0 { return fd }
    close(fd)
    return nil
  }

  /// The machine that runs here.
  public func running() throws -> Record? {
    guard state.exists else { return nil }
    if let fd = try lock() {
      close(fd)
      return nil
    }
    // Between the lock and the record lie a few milliseconds of another rcontainer-machine.
    for _ in 0..<50 {
      if let data = try? Data(contentsOf: recordFile) { return try JSONDecoder().decode(Record.self, from: data) }
      usleep(20_000)
    }
    throw MachineError("a machine is being started in \(state.plainPath)")
  }

  // MARK: start

  /// Starts QEMU. With `temporary` it ends with this process, whatever ends it.
  public func start(_ command: QemuCommand, job: CpioArchive? = nil, temporary: Bool) throws {
    try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
    guard let lock = try lock() else {
      throw MachineError("a machine runs in \(state.plainPath) already; stop it, or choose another --state")
    }
    defer { close(lock) }
    do {
      try start(command, job: job, temporary: temporary, lock: lock)
    } catch {
      removeFiles()
      throw error
    }
  }

  private func start(_ command: QemuCommand, job: CpioArchive?, temporary: Bool, lock: Int32) throws {
    for (program, package) in [(QemuCommand.program, "qemu-system-arm"), ("setpriv", "util-linux")]
    where Tool.find(program) == nil {
      throw MachineError("\(program) is missing; install the Debian package \(package)")
    }
    for name in ["machine.json", "console.sock", "commands.sock", "console.log"] {
      try? FileManager.default.removeItem(at: state.appending(path: name))
    }
    var command = command
    command.image = layout.image.plainPath
    command.initrd = layout.initramfs.plainPath
    var size = try Data(contentsOf: layout.initramfs).count
    if let job {
      let whole = try Data(contentsOf: layout.initramfs) + job.data
      let file = state.appending(path: "initramfs.cpio")
      try whole.write(to: file)
      size = whole.count
      command.initrd = file.plainPath
    }
    if !command.plain {
      guard FileManager.default.fileExists(atPath: command.firmware) else {
        throw MachineError("the firmware \(command.firmware) is missing; run make firmware (or use --plain)")
      }
      let tree = state.appending(path: "machine.dtb")
      try DeviceTree(layout: layout)
        .prepare(cpus: command.cpus, kernelArguments: command.kernelArguments, initrdSize: size, at: tree)
      command.deviceTree = tree.plainPath
    }
    // QEMU gets the lock without close-on-exec, and holds it as long as it lives.
    System.keepOnExec(lock)
    let prefix = temporary ? ["setpriv", "--pdeathsig", "KILL", "--"] : []
    let pid = try System.spawn(prefix + command.arguments, in: state.plainPath, log: "qemu.log")
    child = pid
    let record = Record(pid: pid, cpus: command.cpus, plain: command.plain, icount: command.icount)
    try JSONEncoder().encode(record).write(to: recordFile, options: .atomic)
  }

  /// Connects to the agent, which says that the machine is up.
  public func connect(limit: Double, job: Bool = false) throws -> Agent {
    try Agent(state: state, deadline: Deadline(seconds: limit), job: job) { [self] in try checkAlive() }
  }

  /// Throws if QEMU has ended, or the user wants to.
  private func checkAlive() throws {
    // While a command runs, the interruption is for the command, and was read.
    if try System.wait([(interruptions, false)], milliseconds: 0)[0] { throw MachineError("interrupted", status: 130) }
    if let child {
      guard System.reap(child) else { return }
      self.child = nil
    } else if try running() != nil {
      return
    }
    throw MachineError("the machine has ended\(lastWords())")
  }

  /// The end of what QEMU and the console said.
  public func lastWords(lines count: Int = 12) -> String {
    let qemu = (try? String(contentsOf: qemuLog, encoding: .utf8)) ?? ""
    if qemu.contains("x-rme") && qemu.contains("not found") {
      return ": this QEMU has no Arm RME (-cpu max,x-rme=on); run scripts/install-dependencies cca"
    }
    if qemu.contains("failed to find") || qemu.contains("No such file or directory") {
      return ": \(qemu.split(separator: "\n").last.map(String.init) ?? "")"
    }
    let console = (try? Data(contentsOf: consoleLog)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    var all = (qemu + console).split(whereSeparator: \.isNewline)
    // What a panic says comes before its call trace.
    if let panic = all.lastIndex(where: { $0.contains("Kernel panic") }) { all = Array(all[...panic]) }
    let lines = all.suffix(count)
    guard !lines.isEmpty else { return "; it wrote nothing to its console" }
    // The machine's output goes to a terminal: nothing in it may control that.
    let text = lines.map { line in String(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }) }
    return "; its last lines:\n  " + text.joined(separator: "\n  ")
  }

  // MARK: stop

  /// Powers the machine off, or kills it when that takes longer than `limit`. False if none runs.
  @discardableResult
  public func stop(limit: Double, agent: Agent? = nil) throws -> Bool {
    guard let record = try running() else {
      removeFiles()
      return false
    }
    if limit > 0, let agent = agent ?? (try? connect(limit: min(limit, 3))) {
      try? agent.send(.powerOff)
      _ = try waitForEnd(seconds: limit)
    }
    for signal in [SIGTERM, SIGKILL] where try running() != nil {
      kill(record.pid, signal)
      _ = try waitForEnd(seconds: 3)
    }
    guard try running() == nil else { throw MachineError("QEMU (process \(record.pid)) cannot be stopped") }
    removeFiles()
    return true
  }

  private func waitForEnd(seconds: Double) throws -> Bool {
    let deadline = Deadline(seconds: seconds)
    while !deadline.passed {
      if let child, System.reap(child) { self.child = nil }
      if try running() == nil { return true }
      usleep(10_000)
    }
    return false
  }

  /// Only what this class made: the directory may be anyone's.
  private func removeFiles() {
    let names = [
      "machine.json", "console.sock", "commands.sock", "console.log", "qemu.log", "machine.dtb", "initramfs.cpio",
      "commands.lock", "lock",
    ]
    for name in names { try? FileManager.default.removeItem(at: state.appending(path: name)) }
    System.removeDirectory(state.plainPath)
  }
}

/// A point in time; negative limits never pass.
public struct Deadline: Sendable {
  private let end: Double?

  public init(seconds: Double) { end = seconds < 0 ? nil : Self.now + seconds }

  public static let never = Deadline(seconds: -1)

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  public var passed: Bool { end.map { Self.now >= $0 } ?? false }

  /// For poll(2): milliseconds that are left, at most `most`.
  func milliseconds(atMost most: Int32) -> Int32 {
    guard let end else { return most }
    return Int32(max(0, min(Double(most), ((end - Self.now) * 1000).rounded(.up))))
  }
}
