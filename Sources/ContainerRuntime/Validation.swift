import CLinux
import LinuxSystem
import OCISpec

/// What a configuration asks for that this runtime refuses, found before anything is made.
enum Validation {
  static func check(_ spec: Spec, log: Log) throws(RuntimeError) {
    guard let linux = spec.linux else { return }
    let kinds = linux.namespaces.map { $0.type }
    if linux.intelRdt != nil {
      throw RuntimeError(
        .configuration, "linux.intelRdt is not supported", hint: "remove the section")
    }
    if let policy = linux.memoryPolicy { _ = try MemoryPolicyStage.decode(policy) }
    try checkNetDevices(linux.netDevices, hasNetwork: kinds.contains(.network))
    if !kinds.contains(.mount) {
      log.write(
        .warning, "linux.namespaces has no mount namespace: nothing is mounted, masked or made read-only")
    }
    if !(spec.hostname ?? "").isEmpty || !(spec.domainname ?? "").isEmpty, !kinds.contains(.uts) {
      throw RuntimeError(
        .configuration, "hostname and domainname need a uts namespace",
        hint: "add {\"type\": \"uts\"}: they would be the host's")
    }
    let maps = !linux.uidMappings.isEmpty || !linux.gidMappings.isEmpty
    if maps && !kinds.contains(.user) {
      throw RuntimeError(
        .configuration, "linux.uidMappings and gidMappings need a user namespace",
        hint: "add {\"type\": \"user\"}")
    }
    if !linux.timeOffsets.isEmpty && !kinds.contains(.time) {
      throw RuntimeError(
        .configuration, "linux.timeOffsets needs a time namespace", hint: "add {\"type\": \"time\"}")
    }
    for offset in linux.timeOffsets where offset.clock != "monotonic" && offset.clock != "boottime" {
      throw RuntimeError(
        .configuration, "linux.timeOffsets." + offset.clock + " is no clock that can be moved",
        hint: "use monotonic or boottime")
    }
    for path in linux.maskedPaths + linux.readonlyPaths where path.utf8.first != 0x2f {
      throw RuntimeError(
        .configuration, "linux.maskedPaths and readonlyPaths: \"" + path + "\" is not absolute")
    }
    if effectiveUser() != 0 && !kinds.contains(.user) {
      throw RuntimeError(
        .configuration, "an ordinary user needs a user namespace",
        hint: "`rcontainer spec --rootless` writes a configuration with one")
    }
  }

  private static func checkNetDevices(
    _ devices: [OCISpec.NetDevice], hasNetwork: Bool
  ) throws(RuntimeError) {
    if devices.isEmpty { return }
    if !hasNetwork {
      throw RuntimeError(
        .configuration, "linux.netDevices needs a network namespace", hint: "add {\"type\": \"network\"}")
    }
    var names: [String] = []
    for device in devices {
      let name = device.name.flatMap { $0.isEmpty ? nil : $0 } ?? device.device
      for one in [device.device, name] where !NetworkDevices.isName(one) {
        throw RuntimeError(
          .configuration, "linux.netDevices: \"" + one + "\" is no name of a network device",
          hint: "at most 15 bytes, without spaces, slashes and colons")
      }
      if names.contains(name), !name.utf8.contains(0x25) {
        throw RuntimeError(.configuration, "linux.netDevices: two devices would be named " + name)
      }
      names.append(name)
    }
  }
}
