import CLinux
import LinuxSystem
import OCISpec

/// Moves network devices of the host into the container (config-linux.md, "Network Devices").
enum NetworkDevices {
  /// - Parameter namespace: the container's network namespace.
  static func move(_ devices: [OCISpec.NetDevice], into namespace: Int32) throws(RuntimeError) {
    if devices.isEmpty { return }
    var host = try at(.namespaces, "asking for network devices") { () throws(Errno) in try Netlink() }
    var container = try at(.namespaces, "asking for network devices of the container") {
      () throws(Errno) in try Netlink(inNamespace: namespace)
    }
    for device in devices {
      let place = "linux.netDevices." + device.device
      let name = device.name.flatMap { $0.isEmpty ? nil : $0 } ?? device.device
      let links = try at(.namespaces, place) { () throws(Errno) in try host.links() }
      guard let link = links.first(where: { $0.name == device.device }) else {
        throw RuntimeError(
          .namespaces, place + ": the host has no such device", hint: "`ip link` lists those that it has")
      }
      let before = try at(.namespaces, place) { () throws(Errno) in try container.links() }
      if before.contains(where: { $0.name == name }) {
        throw RuntimeError(
          .namespaces, place + ": the container has a device " + name + " already",
          hint: "choose another name, or one with %d")
      }
      // The kernel drops the addresses of a device that changes its namespace.
      let addresses = try at(.namespaces, place + ": reading its addresses") { () throws(Errno) in
        try host.lastingAddresses(of: link.index)
      }
      try at(
        .namespaces, place + ": moving it to the container as " + name,
        hint: "not every device can be moved, and it needs CAP_NET_ADMIN on the host"
      ) { () throws(Errno) in try host.move(link.index, toNamespace: namespace, as: name) }
      // Its index may be another one there, and with %d its name is the kernel's choice.
      let after = try at(.namespaces, place) { () throws(Errno) in try container.links() }
      guard let moved = after.first(where: { !before.contains($0) }) else {
        throw RuntimeError(.namespaces, place + ": it did not arrive in the container")
      }
      for address in addresses {
        try at(.namespaces, place + ": giving it its addresses back") { () throws(Errno) in
          try container.add(address, to: moved.index)
        }
      }
      try at(.namespaces, place + ": bringing it up") { () throws(Errno) in
        try container.bringUp(moved.index)
      }
    }
  }

  /// Whether the kernel would take it as a name (dev_valid_name: 15 bytes, no slash, colon or space).
  static func isName(_ name: String) -> Bool {
    let bytes = name.utf8
    return !bytes.isEmpty && bytes.count < 16 && name != "." && name != ".."
      && !bytes.contains { $0 <= 0x20 || $0 == 0x2f || $0 == 0x3a || $0 == 0x7f }
  }
}
