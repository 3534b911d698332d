import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem
import OCISpec

enum ExecVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Int32 {
    let options = context.options
    var exec = ExecOptions()
    exec.pidFile = options["pid-file"]
    exec.consoleSocket = options["console-socket"]
    exec.detach = options.has("detach")
    exec.preservedDescriptors = Int(min(try context.number("preserve-fds") ?? UInt32(0), 65536))
    exec.ignorePaused = options.has("ignore-paused")
    exec.cgroup = options["cgroup"]
    return try Exec.run(
      id: context.id, options: exec, store: try context.store(), log: context.log
    ) { (container) throws(RuntimeError) in
      if let file = options["process"] { return try read(file) }
      return try process(container, context)
    }
  }

  private static func read(_ file: String) throws(RuntimeError) -> OCISpec.Process {
    let bytes = try at(.configuration, "reading " + file) { () throws(Errno) in
      let opened = try open(file, O_RDONLY)
      return try readAll(opened.raw, limit: 16 << 20)
    }
    do throws(SpecError) {
      let process = try OCISpec.Process.decode(bytes, file: file)
      try process.validate(file: file, at: "")
      return process
    } catch {
      throw RuntimeError(.configuration, error.description)
    }
  }

  /// The container's own process with another command and what the options change.
  private static func process(_ container: OCISpec.Process?, _ context: Context)
    throws(RuntimeError) -> OCISpec.Process
  {
    let options = context.options
    var process = container ?? OCISpec.Process()
    process.args = Array(context.operands.dropFirst())
    process.terminal = options.has("tty")
    process.consoleSize = nil
    if process.cwd.isEmpty { process.cwd = "/" }
    if let directory = options["cwd"] { process.cwd = directory }
    process.env += options.all("env")
    if let label = options["process-label"] { process.selinuxLabel = label }
    if let profile = options["apparmor"] { process.apparmorProfile = profile }
    if options.has("no-new-privs") { process.noNewPrivileges = true }
    if let text = options["user"] {
      guard let user = Quantities.user(text) else {
        throw context.bad("user", text, "UID or UID:GID, in numbers")
      }
      process.user.uid = user.uid
      if let gid = user.gid { process.user.gid = gid }
    }
    for text in options.all("additional-gids") {
      guard let gid: UInt32 = Quantities.unsigned(text) else {
        throw context.bad("additional-gids", text, "a group id")
      }
      process.user.additionalGids.append(gid)
    }
    let more = options.all("cap")
    if !more.isEmpty {
      var sets = process.capabilities ?? OCISpec.Capabilities()
      sets.bounding += more
      sets.effective += more
      sets.permitted += more
      process.capabilities = sets
    }
    return process
  }
}
