import OCISpec
import Testing

/// What `spec` writes.
@Suite struct ExampleTests {
  @Test func isReadBackAndAccepted() throws {
    for example in [Spec.example(), Spec.example(rootless: (1000, 1001))] {
      try example.validate(file: "config.json")
      #expect(try Spec.decode(example.encode(pretty: true), file: "config.json") == example)
    }
  }

  @Test func isAShellOnATerminalWithFewRights() throws {
    let spec = Spec.example()
    let process = try #require(spec.process)
    #expect(process.terminal && process.noNewPrivileges && process.args == ["sh"])
    #expect(process.user.uid == 0 && process.cwd == "/")
    let few = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    #expect(process.capabilities?.bounding == few)
    #expect(process.capabilities?.effective == few && process.capabilities?.permitted == few)
    #expect(process.capabilities?.inheritable == [])
    #expect(spec.root?.path == "rootfs" && spec.root?.readonly == true)
    #expect(
      spec.mounts.map { $0.destination } == [
        "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup",
      ])
    let linux = try #require(spec.linux)
    #expect(linux.resources?.devices.map { $0.allow } == [false])
    for kind in [LinuxNamespace.Kind.pid, .network, .ipc, .uts, .mount] {
      #expect(linux.namespaces.contains(LinuxNamespace(kind)))
    }
    #expect(linux.maskedPaths.contains("/proc/kcore") && linux.readonlyPaths.contains("/proc/sys"))
    #expect(linux.uidMappings.isEmpty)
  }

  @Test func mapsOnlyTheCallerWhenRootless() throws {
    let spec = Spec.example(rootless: (1000, 1001))
    let linux = try #require(spec.linux)
    #expect(linux.uidMappings == [IDMapping(0, host: 1000, 1)])
    #expect(linux.gidMappings == [IDMapping(0, host: 1001, 1)])
    #expect(linux.namespaces.contains(LinuxNamespace(.user)))
    #expect(!linux.namespaces.contains(LinuxNamespace(.network)))
    #expect(linux.resources == nil)
    // A group that isn't mapped can't own a terminal.
    #expect(!spec.mounts.contains { $0.options.contains("gid=5") })
    #expect(spec.mounts.first { $0.destination == "/sys" }?.options.contains("rbind") == true)
  }
}
