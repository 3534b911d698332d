/// What the machine is made of, and the command line that starts it.
public struct QemuCommand: Equatable, Sendable {
  public static let program = "qemu-system-aarch64"

  /// Addresses in the machine. The Monitor expects kernel and device tree there.
  public enum Address {
    public static let image: UInt64 = 0x4020_0000
    public static let deviceTree: UInt64 = 0x4a00_0000
    public static let initrd: UInt64 = 0x4b00_0000
  }

  public var cpus = 1
  public var memory = "2G"
  /// No Monitor: Linux is started by QEMU, at EL1 of a machine without EL2, EL3 and RME. The control machine.
  public var plain = false
  /// Time is the number of instructions: one is a nanosecond.
  public var icount = false
  public var firmware = ""
  public var image = ""
  public var deviceTree = ""
  public var initrd = ""
  public var kernelArguments = ""
  public var extra: [String] = []

  public init() {}

  /// The machine itself, without what it loads: this determines the device tree.
  public var hardware: [String] {
    let machine = "virt\(plain ? "" : ",secure=on,virtualization=on"),gic-version=3,dtb-randomness=off"
    let features = "pauth=off,sve=off,sme=off,lpa2=off"
    let cpu = plain ? "max,\(features)" : "max,x-rme=on,\(features)"
    return [
      "-M", machine, "-cpu", cpu, "-smp", String(cpus), "-m", memory, "-accel", "tcg", "-nic", "none", "-nodefaults",
      "-display", "none",
    ]
  }

  /// Dumps the device tree. It is only right with firmware of some kind, whatever it holds: without it QEMU
  /// describes a flash device that the firmware takes.
  public func dump(to file: String, firmware: String) -> [String] {
    var arguments = hardware
    arguments[1] += ",dumpdtb=\(file)"
    return [Self.program] + arguments + ["-bios", firmware]
  }

  /// The sockets and logs are files of the directory in which QEMU starts.
  public var arguments: [String] {
    var result = [Self.program] + hardware
    result += ["-name", "rcontainer-machine", "-no-reboot", "-monitor", "none", "-seed", "1"]
    if icount {
      result += ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    }
    result += [
      "-chardev", "socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log,logappend=off",
      "-serial", "chardev:console",
      // With icount nothing may happen before the host listens, or its arrival would be an event in the guest.
      "-chardev", "socket,id=commands,path=commands.sock,server=on,wait=\(icount ? "on" : "off")",
      // An I/O event would be handled by another thread, at another instruction every time.
      "-global", "virtio-mmio.force-legacy=false", "-global", "virtio-mmio.ioeventfd=off",
      "-device", "virtio-serial-device,max_ports=2",
      "-device", "virtserialport,chardev=commands,nr=1,name=rcontainer.commands",
    ]
    if plain {
      result += ["-kernel", image, "-initrd", initrd, "-append", kernelArguments]
    } else {
      result += ["-bios", firmware]
      for (file, address) in [(image, Address.image), (deviceTree, Address.deviceTree), (initrd, Address.initrd)] {
        // A comma in an option is written twice.
        let name = file.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
        result += ["-device", "loader,file=\(name),addr=0x\(String(address, radix: 16)),force-raw=on"]
      }
    }
    return result + extra
  }
}
