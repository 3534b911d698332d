import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

@Suite struct PathTests {
  private func planned(_ path: String?, id: String = "c1") throws -> String? {
    let layout = CgroupLayout(hierarchies: [.init(controllers: ["memory"], mountPoint: "/nowhere")])
    return try Cgroup.plan(
      path: path, id: id, layout: layout, resources: nil, rootless: false)?.record.entries[0]
      .directory
  }

  @Test(arguments: [
    ("/a/b", "/nowhere/a/b"), ("//a//b/", "/nowhere/a/b"), ("/a/./b", "/nowhere/a/b"),
    ("/../../etc", "/nowhere/etc"), ("/a/../../../b", "/nowhere/b"), ("/a:b:c", "/nowhere/a:b:c"),
  ])
  func absolutePathsStartAtTheHierarchy(path: String, directory: String) throws {
    #expect(try planned(path) == directory)
  }

  @Test func withoutAPathTheIDNamesIt() throws {
    for path in [nil, ""] {
      let directory = try #require(try planned(path, id: "c7"))
      #expect(directory.hasPrefix("/nowhere/") && directory.hasSuffix("/c7"))
    }
  }

  @Test(arguments: ["../../../../../../../../x", "x", "./x", "a/../x"])
  func relativePathsStayBelow(path: String) throws {
    let directory = try #require(try planned(path))
    #expect(directory.hasPrefix("/nowhere/") && directory.hasSuffix("/x"))
    #expect(!directory.contains(".."))
  }

  @Test(arguments: ["/", "/..", "/a/.."])
  func theRootIsRefused(path: String) {
    #expect(throws: (any Error).self) { try planned(path) }
  }

  @Test func theFormOfSystemdIsRefused() {
    let text = failure { () throws(RuntimeError) in
      _ = try Cgroup.plan(
        path: "user.slice:crio:abc", id: "x",
        layout: CgroupLayout(hierarchies: [.init(controllers: ["memory"], mountPoint: "/nowhere")]),
        resources: nil, rootless: false)
    }
    #expect(text?.contains("systemd") == true)
  }

  @Test func withoutHierarchiesOnlyLimitsFail() throws {
    let empty = CgroupLayout(hierarchies: [])
    #expect(
      try Cgroup.plan(path: "/a", id: "a", layout: empty, resources: nil, rootless: false) == nil)
    var limited = Resources()
    limited.memory = Memory()
    limited.memory?.limit = 1 << 20
    #expect(throws: (any Error).self) {
      try Cgroup.plan(path: "/a", id: "a", layout: empty, resources: limited, rootless: false)
    }
  }

  @Test func anOrdinaryUserNeedsACgroupOnlyForLimits() throws {
    let layout = CgroupLayout(hierarchies: [.init(controllers: [], mountPoint: "/nowhere")])
    var resources = Resources()
    resources.devices = [DeviceRule()]
    #expect(
      try Cgroup.plan(path: "/a", id: "a", layout: layout, resources: resources, rootless: true)
        == nil)
    resources.cpu = CPU()
    resources.cpu?.cpus = "0"
    #expect(throws: (any Error).self) {
      try Cgroup.plan(path: "/a", id: "a", layout: layout, resources: resources, rootless: true)
    }
  }

  @Test func whatEnginesSendForNothingLimitsNothing() {
    var resources = Resources()
    #expect(!resources.limitsSomething)
    resources.memory = Memory()
    resources.memory?.limit = 0
    resources.memory?.swap = -1
    resources.memory?.disableOOMKiller = false
    resources.cpu = CPU()
    resources.cpu?.shares = 0
    resources.cpu?.cpus = ""
    resources.pids = Pids()
    resources.pids?.limit = -1
    resources.blockIO = BlockIO()
    resources.blockIO?.weight = 0
    #expect(!resources.limitsSomething)
  }

  @Test(arguments: 0..<6) func everyKindOfLimitIsNoticed(kind: Int) {
    var resources = Resources()
    resources.memory = Memory()
    resources.cpu = CPU()
    resources.blockIO = BlockIO()
    resources.network = Network()
    switch kind {
    case 0: resources.memory?.swappiness = 0
    case 1: resources.memory?.disableOOMKiller = true
    case 2: resources.cpu?.idle = 1
    case 3: resources.cpu?.realtimeRuntime = 5
    case 4: resources.blockIO?.throttleReadBpsDevice = [ThrottleDevice()]
    default: resources.network?.priorities = [InterfacePriority()]
    }
    #expect(resources.limitsSomething)
  }
}
