import CommandLineInterface
import ContainerRuntime
import LayerChanges
import LinuxSystem

/// `pool`, and its other side, `do --pool`.
enum PoolVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    guard let socket = context.options["socket"] else {
      throw RuntimeError(.options, "pool needs --socket PATH", hint: "clients connect to it with do --pool PATH")
    }
    if let names = context.options["require"] { try KernelFeature.require(names) }
    let size: UInt32 = try context.number("size") ?? 4
    var sandbox = try DoVerb.options(context, command: [])
    try DoVerb.checkCounting(context)
    sandbox.countsDenied = context.options.has("summary")
    let audit = try DoVerb.audit(context, &sandbox)
    try Pool.run(sandbox, size: Int(size), socket: socket, store: try context.store(), log: context.log)
    _ = consume audit
  }

  /// What a pool has decided before anybody asks for a command.
  private static let fixed = [
    "rw", "ro", "mount", "net", "egress", "dns", "memory", "cpus", "pids", "root", "hostname", "shim", "policy",
    "audit",
  ]

  static func claim(_ context: Context, _ sandbox: SandboxOptions, _ socket: String) throws(RuntimeError) -> Int32 {
    for name in fixed where context.options.has(name) {
      throw RuntimeError(.options, "--" + name + " is fixed by the pool", hint: "give it to rcontainer pool")
    }
    var sandbox = sandbox
    sandbox.countsDenied = context.options.has("summary")
    sandbox.capturesOutput = context.options.has("json")
    let kept = try ChangesOption.prepare(context, &sandbox)
    let result: SandboxResult
    do throws(RuntimeError) { result = try PoolClient.run(sandbox, socket: socket) } catch {
      ChangesOption.discard(context)
      throw error
    }
    _ = consume kept
    ChangesOption.report(result, context)
    if context.options.has("summary") { try? writeAll(2, DoVerb.summary(result.denied ?? [])) }
    if context.options.has("json") { printOut(result.json + "\n") }
    return result.exitCode
  }
}
