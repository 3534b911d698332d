import Foundation

/// Device trees: QEMU writes one, and what firmware has to add is put in with fdtput.
struct DeviceTree {
  let layout: Layout

  /// Makes build/machine/machine-N.dtb, with the PSCI calls that the Monitor answers.
  func build(cpus: Int) throws {
    let file = layout.deviceTree(cpus: cpus)
    let new = layout.machine.appending(path: "machine-\(cpus).dtb.new")
    let nothing = layout.machine.appending(path: "nothing.bin")
    try Data(count: 4).write(to: nothing)
    var machine = QemuCommand()
    machine.cpus = cpus
    do {
      try Tool.run(machine.dump(to: new.plainPath, firmware: nothing.plainPath), package: "qemu-system-arm")
    } catch let error as MachineError {
      guard error.description.contains("x-rme") else { throw error }
      throw MachineError(
        "this QEMU has no Arm RME (-cpu max,x-rme=on); QEMU 8.1 or newer is needed: run scripts/install-dependencies cca"
      )
    }
    try put(["-c", new.plainPath, "/psci"])
    try put(["-t", "s", new.plainPath, "/psci", "compatible", "arm,psci-1.0", "arm,psci-0.2"])
    try put(["-t", "s", new.plainPath, "/psci", "method", "smc"])
    for cpu in 0..<cpus { try put(["-t", "s", new.plainPath, "/cpus/cpu@\(cpu)", "enable-method", "psci"]) }
    try Data(contentsOf: new).writeIfChanged(to: file)
    try FileManager.default.removeItem(at: new)
  }

  /// A copy that says which command line the kernel has and where its initrd lies.
  func prepare(cpus: Int, kernelArguments: String, initrdSize: Int, at file: URL) throws {
    try Data(contentsOf: layout.deviceTree(cpus: cpus)).write(to: file)
    let start = QemuCommand.Address.initrd
    let end = start + UInt64(initrdSize)
    try put(["-t", "s", file.plainPath, "/chosen", "bootargs", kernelArguments])
    for (name, address) in [("linux,initrd-start", start), ("linux,initrd-end", end)] {
      let cells = ["0x" + String(address >> 32, radix: 16), "0x" + String(address & 0xffff_ffff, radix: 16)]
      try put(["-t", "x", file.plainPath, "/chosen", name] + cells)
    }
  }

  private func put(_ arguments: [String]) throws {
    try Tool.run(["fdtput"] + arguments, package: "device-tree-compiler")
  }
}
