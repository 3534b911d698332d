import OCISpec

/// Limits as the files of cgroup v1 take them.
struct LegacyLimits {
  private(set) var writes: [CgroupWrite] = []

  /// - Parameters:
  ///   - current: reads a number from a file of a controller.
  ///   - offers: whether a controller has a file.
  init(
    _ resources: Resources, current: (String, String) -> Int64?,
    offers: (String, String) -> Bool = { _, _ in false }
  ) {
    if let memory = resources.memory { add(memory, current) }
    if let cpu = resources.cpu { add(cpu) }
    // 0 is what engines send for "leave it".
    if let limit = resources.pids?.limit, limit != 0 {
      add("pids", "pids.max", limit > 0 ? String(limit) : "max", "pids.limit")
    }
    if let blockIO = resources.blockIO { add(blockIO) }
    for limit in resources.hugepageLimits {
      let field = "hugepageLimits (" + limit.pageSize + ")"
      let file = "hugetlb." + limit.pageSize
      add("hugetlb", file + ".limit_in_bytes", String(limit.limit), field)
      // What is reserved counts too, or a process is killed when it touches a page over the limit.
      if offers("hugetlb", file + ".rsvd.limit_in_bytes") {
        add("hugetlb", file + ".rsvd.limit_in_bytes", String(limit.limit), field)
      }
    }
    if let id = resources.network?.classID {
      add("net_cls", "net_cls.classid", String(id), "network.classID")
    }
    for priority in resources.network?.priorities ?? [] {
      add(
        "net_prio", "net_prio.ifpriomap", priority.name + " \(priority.priority)",
        "network.priorities (" + priority.name + ")")
    }
    for limit in resources.rdma {
      add("rdma", "rdma.max", limit.text, "rdma (" + limit.device + ")")
    }
  }

  private mutating func add(_ controller: String, _ file: String, _ value: String, _ field: String) {
    writes.append(CgroupWrite(controller, file, value, "linux.resources." + field))
  }

  private mutating func add(_ memory: Memory, _ current: (String, String) -> Int64?) {
    let limit = memory.limit.flatMap { $0 == 0 ? nil : $0 }.map {
      CgroupWrite(
        "memory", "memory.limit_in_bytes", String($0), "linux.resources.memory.limit")
    }
    let swapFile = "memory.memsw.limit_in_bytes"
    let swapNow = current("memory", swapFile)
    // No limit for memory means none for both together, unless one is given or swap isn't accounted.
    let swapValue =
      memory.swap.flatMap { $0 == 0 ? nil : $0 }
      ?? (memory.limit == -1 && swapNow != nil ? -1 : nil)
    let swap = swapValue.map {
      CgroupWrite("memory", swapFile, String($0), "linux.resources.memory.swap")
    }
    // The kernel keeps memory <= both together at every step: what grows goes first.
    let grows =
      swapValue == -1 || (memory.limit.map { $0 == -1 || $0 > swapNow ?? Int64.max } ?? false)
    for write in grows ? [swap, limit] : [limit, swap] {
      if let write { writes.append(write) }
    }
    if let value = memory.reservation, value != 0 {
      add("memory", "memory.soft_limit_in_bytes", String(value), "memory.reservation")
    }
    if let value = memory.kernelTCP, value != 0 {
      add("memory", "memory.kmem.tcp.limit_in_bytes", String(value), "memory.kernelTCP")
    }
    if memory.disableOOMKiller == true {
      add("memory", "memory.oom_control", "1", "memory.disableOOMKiller")
    }
    if memory.useHierarchy == true {
      add("memory", "memory.use_hierarchy", "1", "memory.useHierarchy")
    }
    // -1 as an unsigned number is what some engines send for "leave it".
    if let value = memory.swappiness, value != UInt64.max {
      add("memory", "memory.swappiness", String(value), "memory.swappiness")
    }
  }

  private mutating func add(_ cpu: CPU) {
    if let shares = cpu.shares, shares != 0 {
      add("cpu", "cpu.shares", String(shares), "cpu.shares")
    }
    if let idle = cpu.idle { add("cpu", "cpu.idle", String(idle), "cpu.idle") }
    if let period = cpu.period, period != 0 {
      add("cpu", "cpu.cfs_period_us", String(period), "cpu.period")
    }
    if let quota = cpu.quota, quota != 0 {
      add("cpu", "cpu.cfs_quota_us", String(quota), "cpu.quota")
    }
    if let burst = cpu.burst { add("cpu", "cpu.cfs_burst_us", String(burst), "cpu.burst") }
    if let period = cpu.realtimePeriod, period != 0 {
      add("cpu", "cpu.rt_period_us", String(period), "cpu.realtimePeriod")
    }
    if let runtime = cpu.realtimeRuntime, runtime != 0 {
      add("cpu", "cpu.rt_runtime_us", String(runtime), "cpu.realtimeRuntime")
    }
    if let cpus = cpu.cpus, !cpus.isEmpty { add("cpuset", "cpuset.cpus", cpus, "cpu.cpus") }
    if let mems = cpu.mems, !mems.isEmpty { add("cpuset", "cpuset.mems", mems, "cpu.mems") }
  }

  private mutating func add(_ blockIO: BlockIO) {
    if let weight = blockIO.weight, weight != 0 {
      add("blkio", "blkio.bfq.weight", String(weight), "blockIO.weight")
    }
    if let weight = blockIO.leafWeight, weight != 0 {
      add("blkio", "blkio.leaf_weight", String(weight), "blockIO.leafWeight")
    }
    for device in blockIO.weightDevice {
      if let weight = device.weight {
        add(
          "blkio", "blkio.bfq.weight_device", "\(device.major):\(device.minor) \(weight)",
          "blockIO.weightDevice")
      }
      if let weight = device.leafWeight {
        add(
          "blkio", "blkio.leaf_weight_device", "\(device.major):\(device.minor) \(weight)",
          "blockIO.weightDevice")
      }
    }
    func throttle(_ devices: [ThrottleDevice], _ file: String, _ field: String) {
      for device in devices {
        add(
          "blkio", "blkio.throttle." + file, "\(device.major):\(device.minor) \(device.rate)",
          "blockIO." + field)
      }
    }
    throttle(blockIO.throttleReadBpsDevice, "read_bps_device", "throttleReadBpsDevice")
    throttle(blockIO.throttleWriteBpsDevice, "write_bps_device", "throttleWriteBpsDevice")
    throttle(blockIO.throttleReadIOPSDevice, "read_iops_device", "throttleReadIOPSDevice")
    throttle(blockIO.throttleWriteIOPSDevice, "write_iops_device", "throttleWriteIOPSDevice")
  }
}

extension RDMALimit {
  /// As `rdma.max` takes it.
  var text: String {
    var text = device
    if let hcaHandles { text += " hca_handle=\(hcaHandles)" }
    if let hcaObjects { text += " hca_object=\(hcaObjects)" }
    return text
  }
}
