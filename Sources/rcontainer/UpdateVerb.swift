import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem
import OCISpec

enum UpdateVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let resources =
      if let file = context.options["resources"] { try read(file) } else { try single(context) }
    try Update.run(id: context.id, resources: resources, store: try context.store())
  }

  private static func read(_ file: String) throws(RuntimeError) -> OCISpec.Resources {
    let bytes = try at(.configuration, "reading " + file) { () throws(Errno) in
      if file == "-" { return try readAll(0, limit: 16 << 20) }
      let opened = try open(file, O_RDONLY)
      return try readAll(opened.raw, limit: 16 << 20)
    }
    do throws(SpecError) {
      return try OCISpec.Resources.decode(bytes, file: file == "-" ? "standard input" : file)
    } catch {
      throw RuntimeError(.configuration, error.description)
    }
  }

  /// Limits from single options.
  private static func single(_ context: Context) throws(RuntimeError) -> OCISpec.Resources {
    let options = context.options
    for name in ["l3-cache-schema", "mem-bw-schema"] where options.has(name) {
      throw RuntimeError(.options, "--" + name + " needs Intel RDT, which is not supported")
    }
    var resources = OCISpec.Resources()
    var memory = OCISpec.Memory()
    memory.limit = try context.bytes("memory")
    memory.reservation = try context.bytes("memory-reservation")
    memory.swap = try context.bytes("memory-swap")
    memory.kernel = try context.bytes("kernel-memory")
    memory.kernelTCP = try context.bytes("kernel-memory-tcp")
    if memory != OCISpec.Memory() { resources.memory = memory }
    var cpu = OCISpec.CPU()
    cpu.shares = try context.number(options.has("cpu-share") ? "cpu-share" : "cpu-shares")
    cpu.period = try context.number("cpu-period")
    cpu.quota = try context.signed("cpu-quota")
    cpu.burst = try context.number("cpu-burst")
    cpu.realtimePeriod = try context.number("cpu-rt-period")
    cpu.realtimeRuntime = try context.signed("cpu-rt-runtime")
    cpu.idle = try context.signed("cpu-idle")
    cpu.cpus = options["cpuset-cpus"]
    cpu.mems = options["cpuset-mems"]
    if cpu != OCISpec.CPU() { resources.cpu = cpu }
    if let limit = try context.signed("pids-limit") {
      var pids = OCISpec.Pids()
      pids.limit = limit
      resources.pids = pids
    }
    if let weight: UInt16 = try context.number("blkio-weight") {
      var blockIO = OCISpec.BlockIO()
      blockIO.weight = weight
      resources.blockIO = blockIO
    }
    if resources == OCISpec.Resources() {
      throw RuntimeError(
        .options, "update was given nothing to change", hint: "see rcontainer update --help")
    }
    return resources
  }
}
