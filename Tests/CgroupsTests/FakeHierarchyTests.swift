import Foundation
import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

/// What is written where on cgroup v2, against plain files.
@Suite struct FakeHierarchyTests {
  @Test func limitsAreWrittenToTheirFiles() throws {
    let fake = try FakeHierarchy()
    for file in ["memory.max", "memory.swap.max", "cpu.max", "cpu.weight", "pids.max"] {
      try fake.add("c1/" + file)
    }
    var resources = Resources()
    resources.memory = Memory()
    resources.memory?.limit = 4096
    resources.memory?.swap = 8192
    resources.cpu = CPU()
    resources.cpu?.quota = 5000
    resources.cpu?.shares = 1024
    resources.pids = Pids()
    resources.pids?.limit = 7
    try fake.cgroup("c1").update(resources)
    #expect(try fake.text("c1/memory.max") == "4096")
    #expect(try fake.text("c1/memory.swap.max") == "4096")
    #expect(try fake.text("c1/cpu.max") == "5000 100000")
    #expect(try fake.text("c1/cpu.weight") == "100")
    #expect(try fake.text("c1/pids.max") == "7")
  }

  @Test func figuresOfVersion2() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/memory.max", "67108864\n")
    try fake.add("c1/memory.current", "4096\n")
    try fake.add("c1/memory.swap.max", "max\n")
    try fake.add("c1/memory.stat", "anon 1\nfile 2\nactive_file 3\nslab_reclaimable 4\nshmem 5\n")
    try fake.add("c1/cpu.max", "150000 100000\n")
    try fake.add("c1/cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n")
    try fake.add("c1/cpuset.cpus.effective", "0-1\n")
    try fake.add("c1/pids.current", "3\n")
    let figures = fake.cgroup("c1").figures()
    #expect(figures.memory.limit == 64 << 20)
    #expect(figures.memory.used == 4096)
    #expect(figures.memory.swapLimit == nil)
    #expect([figures.memory.anonymous, figures.memory.file, figures.memory.activeFile] == [1, 2, 3])
    #expect([figures.memory.reclaimableSlab, figures.memory.shared] == [4, 5])
    #expect(figures.quota == 1500)
    #expect([figures.userTime, figures.systemTime] == [20, 10])
    #expect(figures.processors == "0-1")
    #expect(figures.processes == 3)
    try fake.add("c2/cpu.max", "max 100000\n")
    try fake.add("c2/memory.max", "max\n")
    let unlimited = fake.cgroup("c2").figures()
    #expect(unlimited.quota == nil && unlimited.memory.limit == nil)
  }

  @Test func aFileThatIsMissingNamesTheFieldAndTheWayOut() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/cgroup.procs")
    var resources = Resources()
    resources.pids = Pids()
    resources.pids?.limit = 7
    let text = failure { () throws(RuntimeError) in try fake.cgroup("c1").update(resources) }
    #expect(text?.contains("linux.resources.pids.limit") == true)
    #expect(text?.contains("pids.max") == true)
    #expect(text?.contains("cgroup.subtree_control") == true)
  }

  @Test func aHostWithoutSwapNeedsNoLimitForIt() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/memory.max")
    var resources = Resources()
    resources.memory = Memory()
    resources.memory?.limit = 4096
    resources.memory?.swap = 4096
    try fake.cgroup("c1").update(resources)
    resources.memory?.swap = 8192
    #expect(throws: RuntimeError.self) { try fake.cgroup("c1").update(resources) }
  }

  @Test func controllersAreEnabledFromTheTopDown() throws {
    let fake = try FakeHierarchy()
    for directory in ["", "a/", "a/b/"] {
      try fake.add(directory + "cgroup.controllers", "cpu memory pids\n")
      try fake.add(directory + "cgroup.subtree_control")
    }
    fake.cgroup("a/b").enableControllers()
    #expect(try fake.text("cgroup.subtree_control") == "+cpu +memory +pids")
    #expect(try fake.text("a/cgroup.subtree_control") == "+cpu +memory +pids")
    // A cgroup that hands controllers down takes no process.
    #expect(try fake.text("a/b/cgroup.subtree_control") == "")
  }

  @Test(arguments: ["../c2/memory.max", "a/b", "", ".", ".."])
  func unifiedNamesAFileOfTheCgroup(key: String) throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/cgroup.procs")
    try fake.add("c2/memory.max", "untouched")
    var resources = Resources()
    resources.unified = [StringPair(key, "1")]
    #expect(throws: RuntimeError.self) { try fake.cgroup("c1").update(resources) }
    #expect(try fake.text("c2/memory.max") == "untouched")
  }

  @Test func unifiedIsWrittenLineByLine() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/io.max")
    var resources = Resources()
    resources.unified = [StringPair("io.max", "259:0 rbps=1\n253:0 rbps=2")]
    try fake.cgroup("c1").update(resources)
    #expect(try fake.text("c1/io.max") == "253:0 rbps=2")
  }

  @Test(arguments: ["2MB/../../c2/x", "/"]) func sizesOfPagesLeadNowhere(size: String) throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/cgroup.procs")
    var (resources, limit) = (Resources(), HugepageLimit())
    limit.pageSize = size
    resources.hugepageLimits = [limit]
    let text = failure { () throws(RuntimeError) in try fake.cgroup("c1").update(resources) }
    #expect(text?.contains("not a size of pages") == true)
  }

  @Test func checkBeforeUpdateRefusesWhatIsBelowTheUsage() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/memory.current", "5000\n")
    try fake.add("c1/memory.max", "max")
    var resources = Resources()
    resources.memory = Memory()
    resources.memory?.limit = 4096
    resources.memory?.checkBeforeUpdate = true
    #expect(throws: RuntimeError.self) { try fake.cgroup("c1").update(resources) }
    #expect(try fake.text("c1/memory.max") == "max")
    resources.memory?.limit = 8192
    try fake.cgroup("c1").update(resources)
    #expect(try fake.text("c1/memory.max") == "8192")
  }

  @Test(arguments: [("kernel", true), ("kernelTCP", true), ("kernel", false)])
  func kernelLimitsAreRefusedUnlessTheyLimitNothing(field: String, limits: Bool) throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/cgroup.procs")
    var (resources, memory) = (Resources(), Memory())
    if field == "kernel" { memory.kernel = limits ? 4096 : -1 } else { memory.kernelTCP = 4096 }
    resources.memory = memory
    let text = failure { () throws(RuntimeError) in try fake.cgroup("c1").update(resources) }
    #expect((text != nil) == limits)
    if limits { #expect(text?.contains(field) == true) }
  }

  @Test func statisticsHaveTheNamesOfRunc() throws {
    let fake = try FakeHierarchy()
    try fake.add("c1/cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_throttled 4\n")
    try fake.add("c1/memory.current", "1000\n")
    try fake.add("c1/memory.max", "2000\n")
    try fake.add("c1/memory.swap.current", "10\n")
    try fake.add("c1/memory.swap.max", "500\n")
    try fake.add("c1/memory.stat", "anon 7\nfile 9\n")
    try fake.add("c1/pids.current", "3\n")
    try fake.add("c1/pids.max", "max\n")
    try fake.add("c1/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n")
    try fake.add("c1/hugetlb.2MB.current", "4096\n")
    try fake.add("c1/hugetlb.2MB.rsvd.current", "1\n")
    try fake.add("c1/hugetlb.2MB.events", "max 6\n")
    let data = try statistics(of: fake.cgroup("c1"))
    func value(_ path: String) -> Int? { data.at(path) as? Int }
    #expect(value("cpu.usage.total") == 30_000)
    #expect(value("cpu.usage.kernel") == 10_000)
    #expect(value("cpu.throttling.throttledPeriods") == 4)
    #expect(value("memory.cache") == 9)
    #expect(value("memory.usage.usage") == 1000)
    #expect(value("memory.usage.limit") == 2000)
    #expect(value("memory.swap.usage") == 1010)
    #expect(value("memory.swap.limit") == 2500)
    #expect(value("memory.raw.anon") == 7)
    #expect(value("pids.current") == 3)
    #expect(value("pids.limit") == nil)
    #expect((data.at("hugetlb") as? [String: Any])?.count == 1)
    #expect(value("hugetlb.2MB.usage") == 4096)
    #expect(value("hugetlb.2MB.failcnt") == 6)
    let io = data.at("blkio.ioServicedRecursive") as? [[String: Any]]
    #expect(io?.map { $0["op"] as? String } == ["Read", "Write"])
    #expect(io?.map { $0["value"] as? Int } == [3, 4])
  }
}
