import OCISpec
import Testing

/// What the structure of a configuration alone can't say.
@Suite struct ValidationTests {
  /// The error for an acceptable configuration that `change` has been made to.
  private func refusal(_ change: (inout Spec) -> Void) throws -> SpecError? {
    var spec = try Fixture.complete.spec()
    change(&spec)
    return failure { () throws(SpecError) in try spec.validate(file: "c.json") }
  }

  private func mapping(_ container: UInt32, _ host: UInt32, _ size: UInt32) -> IDMapping {
    IDMapping(container, host: host, size)
  }

  @Test(arguments: [
    "1.0.0", "1.0.2-dev", "1.3.0", "1.99.7", "1.0.0-rc1", "1.0.0-rc.1-x", "1.2.1+dev",
    "1.0.0-rc.1+a.b",
  ])
  func acceptsVersion(_ version: String) throws {
    #expect(try refusal { $0.ociVersion = version } == nil)
  }

  @Test(arguments: [
    "", "1", "1.0", "1.0.0.0", "2.0.0", "0.9.0", "01.0.0", "1.00.0", "1.0.x", "v1.0.0", " 1.0.0",
    "1.0.0 ",
    "1.0.0-", "1.0.0+", "1.0.0-a..b", "1.0.0-a b", "1.0.0-é", "1.0.0+a+b", "-1.0.0",
  ])
  func refusesVersion(_ version: String) throws {
    let error = try refusal { $0.ociVersion = version }
    #expect(error?.path == "ociVersion")
    #expect(error?.hint?.contains("1.x") == true)
  }

  @Test func needsNoProcess() throws {
    #expect(try refusal { $0.process = nil } == nil)
    #expect(try refusal { $0.linux = nil } == nil)
  }

  @Test func judgesTheProcess() throws {
    #expect(try refusal { $0.process?.args = [] }?.path == "process.args")
    #expect(try refusal { $0.process?.cwd = "" }?.path == "process.cwd")
    #expect(try refusal { $0.process?.cwd = "tmp" }?.path == "process.cwd")
    #expect(try refusal { $0.process?.env = ["A=1", "B"] }?.path == "process.env[1]")
    #expect(try refusal { $0.process?.env = ["=", "A==b"] } == nil)
    var limit = POSIXRlimit()
    limit.type = "RLIMIT_CORE"
    #expect(try refusal { $0.process?.rlimits.append(limit) }?.path == "process.rlimits[2].type")
    limit.type = "RLIMIT_NEW"
    let many = [POSIXRlimit](repeating: limit, count: 17)
    #expect(try refusal { $0.process?.rlimits = many }?.path == "process.rlimits")
  }

  @Test func judgesAProcessAlone() throws {
    var process = try #require(try Fixture.complete.spec().process)
    try process.validate(file: "p.json")
    process.cwd = "tmp"
    let error = failure { () throws(SpecError) in try process.validate(file: "p.json") }
    #expect(error?.description == "p.json: cwd: \"tmp\" is not an absolute path")
  }

  @Test func judgesMounts() throws {
    #expect(try refusal { $0.mounts[0].destination = "" }?.path == "mounts[0].destination")
    #expect(try refusal { $0.mounts[0].destination = "relative" } == nil)
    #expect(
      try refusal { $0.mounts[1].uidMappings[0].size = 0 }?.path == "mounts[1].uidMappings[0].size")
    #expect(
      try refusal { $0.mounts[1].gidMappings[0].size = 0 }?.path == "mounts[1].gidMappings[0].size")
  }

  @Test func judgesHooks() throws {
    #expect(try refusal { $0.hooks?.prestart[0].path = "h" }?.path == "hooks.prestart[0].path")
    #expect(
      try refusal { $0.hooks?.createRuntime[0].path = "" }?.path == "hooks.createRuntime[0].path")
    #expect(
      try refusal { $0.hooks?.createContainer[0].path = "" }?.path
        == "hooks.createContainer[0].path")
    #expect(
      try refusal { $0.hooks?.startContainer[0].path = "" }?.path == "hooks.startContainer[0].path")
    #expect(try refusal { $0.hooks?.poststart[1].path = "" }?.path == "hooks.poststart[1].path")
    #expect(try refusal { $0.hooks?.poststop[0].timeout = 0 }?.path == "hooks.poststop[0].timeout")
    #expect(try refusal { $0.hooks?.poststop[0].timeout = -1 }?.path == "hooks.poststop[0].timeout")
  }

  @Test func judgesNamespaces() throws {
    let error = try refusal { $0.linux?.namespaces.append(LinuxNamespace(.pid, path: "/p")) }
    #expect(error?.path == "linux.namespaces[8].type")
  }

  @Test func acceptsMapsThatTheKernelTakes() throws {
    let touching = [mapping(0, 1000, 10), mapping(10, 1010, 10), mapping(20, 0, 1)]
    #expect(try refusal { $0.linux?.uidMappings = touching } == nil)
    #expect(try refusal { $0.linux?.uidMappings = [mapping(0, 0, .max)] } == nil)
    let most = (0..<340).map { mapping($0, $0, 1) }
    #expect(try refusal { $0.linux?.gidMappings = most } == nil)
  }

  @Test func refusesMapsThatTheKernelWould() throws {
    let place = "linux.uidMappings"
    func path(_ maps: [IDMapping]) throws -> String? {
      try refusal { $0.linux?.uidMappings = maps }?.path
    }
    #expect(try path([mapping(0, 0, 0)]) == place + "[0].size")
    #expect(try path([mapping(1, 0, .max)]) == place + "[0].containerID")
    #expect(try path([mapping(0, .max, 1)]) == place + "[0].hostID")
    #expect(try path([mapping(0, 0, 10), mapping(9, 100, 5)]) == place + "[1].containerID")
    #expect(try path([mapping(0, 10, 10), mapping(10, 5, 6)]) == place + "[1].hostID")
    #expect(try path([mapping(5, 10, 2), mapping(0, 100, 20)]) == place + "[1].containerID")
    #expect(try path((0..<341).map { mapping($0, $0, 1) }) == place)
    let twice = try refusal { $0.linux?.gidMappings = [mapping(0, 0, 1), mapping(0, 1, 1)] }
    #expect(twice?.path == "linux.gidMappings[1].containerID")
  }
}
