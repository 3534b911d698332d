import Foundation
import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

@Suite struct LimitValueTests {
  private func v1(
    _ resources: Resources, current: [String: Int64] = [:], offered: Set<String> = []
  ) throws -> [String] {
    LegacyLimits(
      resources, current: { current[$1] }, offers: { offered.contains($1) }
    ).writes.map { $0.file + "=" + $0.value }
  }

  private func v2(_ resources: Resources, offered: Set<String> = []) throws -> [String] {
    try UnifiedLimits(resources, offers: { offered.contains($0) }).writes.map {
      $0.file + "=" + $0.value
    }
  }

  private func memory(_ change: (inout Memory) -> Void) -> Resources {
    var (resources, memory) = (Resources(), Memory())
    change(&memory)
    resources.memory = memory
    return resources
  }

  private func cpu(_ change: (inout CPU) -> Void) -> Resources {
    var (resources, cpu) = (Resources(), CPU())
    change(&cpu)
    resources.cpu = cpu
    return resources
  }

  // MARK: cpu

  /// The series are those of the C library, for every number of shares that the kernel takes.
  @Test func weightFollowsTheCurve() {
    var wrong: [UInt64] = []
    for shares in UInt64(3)..<262_144 {
      let l = Foundation.log2(Double(shares))
      let curve = Foundation.pow(10, (l * l + 125 * l) / 612 - 7.0 / 34)
      let weight = Double(UnifiedLimits.weight(shares: shares))
      // The last digit of a double may tip the rounding, and nothing more.
      if weight < curve - 1e-6 || weight > curve + 1 + 1e-6 { wrong.append(shares) }
    }
    #expect(wrong.isEmpty)
    #expect(UnifiedLimits.weight(shares: UInt64.max) == 10_000)
  }

  @Test func quotaAndPeriod() throws {
    #expect(try v2(cpu { $0.quota = 50_000 }) == ["cpu.max=50000 100000"])
    #expect(try v2(cpu { $0.period = 20_000 }) == ["cpu.max=max 20000"])
    #expect(try v2(cpu { ($0.quota, $0.period) = (-1, 5_000) }) == ["cpu.max=max 5000"])
    #expect(try v2(cpu { ($0.quota, $0.period) = (0, 0) }).isEmpty)
    #expect(
      try v1(cpu { ($0.quota, $0.period) = (-1, 5_000) })
        == ["cpu.cfs_period_us=5000", "cpu.cfs_quota_us=-1"])
  }

  @Test func realtimeNeedsV1() throws {
    #expect(try v1(cpu { $0.realtimeRuntime = 950 }) == ["cpu.rt_runtime_us=950"])
    #expect(throws: RuntimeError.self) { try v2(cpu { $0.realtimeRuntime = 950 }) }
  }

  // MARK: memory

  @Test func swapOfV2IsWhatIsLeftOverTheLimit() throws {
    #expect(
      try v2(memory { ($0.limit, $0.swap) = (100, 150) }) == [
        "memory.swap.max=50", "memory.max=100",
      ])
    #expect(
      try v2(memory { ($0.limit, $0.swap) = (100, 100) }) == [
        "memory.swap.max=0", "memory.max=100",
      ])
    #expect(
      try v2(memory { ($0.limit, $0.swap) = (100, -1) }) == [
        "memory.swap.max=max", "memory.max=100",
      ])
    #expect(
      try v2(memory { $0.limit = -1 }) == ["memory.swap.max=max", "memory.max=max"])
    #expect(try v2(memory { $0.limit = 100 }) == ["memory.max=100"])
    #expect(try v2(memory { ($0.limit, $0.swap, $0.reservation) = (0, 0, 0) }).isEmpty)
  }

  @Test(
    arguments: [(nil, 100), (-1, 100), (100, 99), (100, Int64.min), (nil, -2)] as [(Int64?, Int64)])
  func swapOfV2ThatMakesNoSense(limit: Int64?, swap: Int64) {
    #expect(throws: RuntimeError.self) { try v2(memory { ($0.limit, $0.swap) = (limit, swap) }) }
  }

  /// v1 keeps the limit of memory below that of both at every step.
  @Test func orderOfLimitsInV1() throws {
    let now = ["memory.memsw.limit_in_bytes": Int64(200)]
    let raised = memory { ($0.limit, $0.swap) = (300, 400) }
    #expect(
      try v1(raised, current: now)
        == ["memory.memsw.limit_in_bytes=400", "memory.limit_in_bytes=300"])
    let lowered = memory { ($0.limit, $0.swap) = (50, 60) }
    #expect(
      try v1(lowered, current: now)
        == ["memory.limit_in_bytes=50", "memory.memsw.limit_in_bytes=60"])
  }

  @Test func noLimitLiftsSwapOnlyWhereItIsCounted() throws {
    let unlimited = memory { $0.limit = -1 }
    #expect(try v1(unlimited) == ["memory.limit_in_bytes=-1"])
    #expect(
      try v1(unlimited, current: ["memory.memsw.limit_in_bytes": 200])
        == ["memory.memsw.limit_in_bytes=-1", "memory.limit_in_bytes=-1"])
  }

  @Test func zeroLeavesALimitAsItIs() throws {
    var resources = memory { ($0.limit, $0.swap, $0.reservation) = (0, 0, 0) }
    resources.pids = Pids()
    resources.pids?.limit = 0
    #expect(try v1(resources).isEmpty)
    #expect(try v2(resources).isEmpty)
    resources.pids?.limit = -1
    #expect(try v1(resources) == ["pids.max=max"])
    #expect(try v2(resources) == ["pids.max=max"])
  }

  @Test func swappiness() throws {
    #expect(try v1(memory { $0.swappiness = 100 }) == ["memory.swappiness=100"])
    #expect(try v1(memory { $0.swappiness = UInt64.max }).isEmpty)
  }

  // MARK: devices and pages

  private var blockIO: Resources {
    var (resources, blockIO) = (Resources(), BlockIO())
    blockIO.weight = 500
    var weight = WeightDevice()
    (weight.major, weight.minor, weight.weight) = (8, 16, 1000)
    blockIO.weightDevice = [weight]
    var throttle = ThrottleDevice()
    (throttle.major, throttle.minor, throttle.rate) = (8, 0, 600)
    blockIO.throttleWriteIOPSDevice = [throttle]
    resources.blockIO = blockIO
    return resources
  }

  @Test func blockIOOfV2UsesTheSchedulerThatIsThere() throws {
    #expect(
      try v2(blockIO) == [
        "io.weight=default 4950", "io.weight=8:16 10000", "io.max=8:0 wiops=600",
      ])
    #expect(
      try v2(blockIO, offered: ["io.bfq.weight"]) == [
        "io.bfq.weight=default 500", "io.bfq.weight=8:16 1000", "io.max=8:0 wiops=600",
      ])
    #expect([0, 10, 11, 1000].map { UnifiedLimits.ioWeight($0) } == [1, 1, 11, 10_000])
  }

  @Test func blockIOOfV1() throws {
    #expect(
      try v1(blockIO) == [
        "blkio.bfq.weight=500", "blkio.bfq.weight_device=8:16 1000",
        "blkio.throttle.write_iops_device=8:0 600",
      ])
  }

  @Test func reservedPagesCountWhereTheKernelCountsThem() throws {
    var (resources, limit) = (Resources(), HugepageLimit())
    (limit.pageSize, limit.limit) = ("2MB", 4096)
    resources.hugepageLimits = [limit]
    #expect(try v2(resources) == ["hugetlb.2MB.max=4096"])
    #expect(
      try v2(resources, offered: ["hugetlb.2MB.rsvd.max"])
        == ["hugetlb.2MB.max=4096", "hugetlb.2MB.rsvd.max=4096"])
    #expect(
      try v1(resources, offered: ["hugetlb.2MB.rsvd.limit_in_bytes"])
        == ["hugetlb.2MB.limit_in_bytes=4096", "hugetlb.2MB.rsvd.limit_in_bytes=4096"])
  }

  @Test func networkNeedsV1() throws {
    var (resources, network) = (Resources(), Network())
    network.classID = 0x10_0001
    var priority = InterfacePriority()
    (priority.name, priority.priority) = ("eth0", 5)
    network.priorities = [priority]
    resources.network = network
    #expect(try v1(resources) == ["net_cls.classid=1048577", "net_prio.ifpriomap=eth0 5"])
    #expect(throws: RuntimeError.self) { try v2(resources) }
  }

  @Test func rdma() throws {
    var (resources, limit) = (Resources(), RDMALimit())
    (limit.device, limit.hcaHandles, limit.hcaObjects) = ("mlx5_1", 3, 10_000)
    resources.rdma = [limit]
    #expect(try v2(resources) == ["rdma.max=mlx5_1 hca_handle=3 hca_object=10000"])
    #expect(try v1(resources) == ["rdma.max=mlx5_1 hca_handle=3 hca_object=10000"])
  }
}
