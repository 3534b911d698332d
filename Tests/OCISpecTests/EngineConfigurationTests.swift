import OCISpec
import Testing

/// Configurations that engines really write.
@Suite struct EngineConfigurationTests {
  @Test(arguments: Fixture.allCases)
  func isReadAndAccepted(_ fixture: Fixture) throws {
    let spec = try fixture.spec()
    try spec.validate(file: fixture.name)
  }

  @Test func dockerWithSeccompAndHook() throws {
    let spec = try Fixture.docker.spec()
    #expect(spec.ociVersion == "1.0.2-dev")
    #expect(spec.process?.args == ["sleep", "100"])
    #expect(spec.process?.oomScoreAdj == 0)
    #expect(spec.process?.capabilities?.bounding.count == 14)
    #expect(spec.process?.capabilities?.ambient == [])
    #expect(spec.hooks?.prestart.first?.args.first == "libnetwork-setkey")
    #expect(spec.linux?.sysctl["net.ipv4.ping_group_range"] == "0 2147483647")
    let seccomp = try #require(spec.linux?.seccomp)
    #expect(seccomp.defaultAction == "SCMP_ACT_ERRNO")
    #expect(seccomp.syscalls.count == 12)
    #expect(seccomp.syscalls.first?.names.count == 346)
    #expect(seccomp.syscalls.filter { $0.errnoRet == 38 }.map { $0.names } == [["clone3"]])
    #expect(seccomp.syscalls[9].args.first?.op == "SCMP_CMP_MASKED_EQ")
    #expect(seccomp.syscalls[9].args.first?.value == 2_114_060_288)
  }

  @Test func podmanWithJoinedNetworkAndAnnotations() throws {
    let spec = try Fixture.podman.spec()
    #expect(spec.process?.user.umask == 0o22)
    #expect(spec.process?.rlimits.map { $0.type } == ["RLIMIT_NOFILE", "RLIMIT_NPROC"])
    #expect(spec.annotations["io.container.manager"] == "libpod")
    let network = spec.linux?.namespaces.first { $0.type == .network }
    #expect(network?.path?.hasPrefix("/run/netns/") == true)
    #expect(spec.linux?.resources?.pids?.limit == 2048)
    #expect(spec.linux?.seccomp?.defaultErrnoRet == 38)
  }

  @Test func containerdWithDeviceRules() throws {
    let spec = try Fixture.ctr.spec()
    #expect(spec.root?.path == "rootfs")
    #expect(spec.root?.readonly == false)
    #expect(spec.process?.noNewPrivileges == true)
    let rules = try #require(spec.linux?.resources?.devices)
    #expect(rules.count == 10)
    #expect(rules.first?.allow == false && rules.first?.type == nil)
    #expect(rules[8].major == 136 && rules[8].minor == nil)
    #expect(spec.linux?.seccomp == nil)
  }
}
