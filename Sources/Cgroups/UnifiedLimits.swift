import LinuxSystem
import OCISpec

/// Limits as the files of cgroup v2 take them (kernel documentation, cgroup-v2).
struct UnifiedLimits {
  private(set) var writes: [CgroupWrite] = []

  /// - Parameter offers: whether the cgroup has a file.
  init(_ resources: Resources, offers: (String) -> Bool = { _ in false }) throws(RuntimeError) {
    if let memory = resources.memory { try add(memory) }
    if let cpu = resources.cpu { try add(cpu) }
    // 0 is what engines send for "leave it".
    if let limit = resources.pids?.limit, limit != 0 {
      add("pids.max", limit > 0 ? String(limit) : "max", "pids.limit")
    }
    if let blockIO = resources.blockIO { add(blockIO, offers) }
    for limit in resources.hugepageLimits {
      let field = "hugepageLimits (" + limit.pageSize + ")"
      let file = "hugetlb." + limit.pageSize
      add(file + ".max", String(limit.limit), field)
      // What is reserved counts too, or a process is killed when it touches a page over the limit.
      if offers(file + ".rsvd.max") { add(file + ".rsvd.max", String(limit.limit), field) }
    }
    for limit in resources.rdma { add("rdma.max", limit.text, "rdma (" + limit.device + ")") }
    if resources.network?.classID != nil || resources.network?.priorities.isEmpty == false {
      throw RuntimeError(
        .cgroup, "linux.resources.network does not exist on cgroup v2",
        hint: "mark packets with nftables' cgroup match")
    }
  }

  private mutating func add(_ file: String, _ value: String, _ field: String) {
    writes.append(CgroupWrite("", file, value, "linux.resources." + field))
  }

  private static func text(_ value: Int64) -> String { value == -1 ? "max" : String(value) }

  private mutating func add(_ memory: Memory) throws(RuntimeError) {
    if let swap = try Self.swap(memory) { add("memory.swap.max", swap, "memory.swap") }
    if let limit = memory.limit, limit != 0 { add("memory.max", Self.text(limit), "memory.limit") }
    if let value = memory.reservation, value != 0 {
      add("memory.low", Self.text(value), "memory.reservation")
    }
  }

  /// v1 limits memory and swap together, v2 swap alone.
  static func swap(_ memory: Memory) throws(RuntimeError) -> String? {
    guard let both = memory.swap, both != 0 else { return memory.limit == -1 ? "max" : nil }
    if both == -1 { return "max" }
    guard let limit = memory.limit, limit > 0 else {
      throw RuntimeError(
        .cgroup, "linux.resources.memory.swap without memory.limit",
        hint: "on cgroup v2 swap is what is left of it over the limit")
    }
    guard both >= limit else {
      throw RuntimeError(.cgroup, "linux.resources.memory.swap is below memory.limit")
    }
    return String(both - limit)
  }

  /// 10…1000 to 1…10000, as `io.weight` counts.
  static func ioWeight(_ weight: UInt16) -> UInt64 {
    1 + (UInt64(max(weight, 10)) - 10) * 9999 / 990
  }

  /// 2…262144 to 1…10000: through both ends, and 1024 to 100 (the curve that runc uses since 1.3).
  static func weight(shares: UInt64) -> UInt64 {
    if shares == 0 { return 0 }
    if shares <= 2 { return 1 }
    if shares >= 262_144 { return 10_000 }
    // l = log2(shares); weight = 10^((l² + 125 l) / 612 - 7/34)
    let l = log2(Double(shares))
    let exponent = (l * l + 125 * l) / 612 - 7.0 / 34
    return UInt64(power(of: 10, exponent).rounded(.up))
  }

  private static func log2(_ value: Double) -> Double {
    // The exponent, and the mantissa's part by its series in (m-1)/(m+1).
    let exponent = Double(value.exponent)
    let m = value.significand
    let x = (m - 1) / (m + 1)
    var (sum, term) = (0.0, x)
    for index in 0..<30 {
      sum += term / Double(2 * index + 1)
      term *= x * x
    }
    return exponent + 2 * sum / 0.693_147_180_559_945_3
  }

  private static func power(of base: Double, _ exponent: Double) -> Double {
    // e^(x ln 10), by its series after taking whole tens out.
    let whole = exponent.rounded(.down)
    let x = (exponent - whole) * 2.302_585_092_994_045_7
    var (sum, term) = (1.0, 1.0)
    for index in 1..<40 {
      term *= x / Double(index)
      sum += term
    }
    for _ in 0..<Int(whole) { sum *= base }
    return sum
  }

  private mutating func add(_ cpu: CPU) throws(RuntimeError) {
    if let shares = cpu.shares, shares != 0 {
      add("cpu.weight", String(Self.weight(shares: shares)), "cpu.shares")
    }
    if let idle = cpu.idle { add("cpu.idle", String(idle), "cpu.idle") }
    if cpu.quota.map({ $0 != 0 }) ?? false || cpu.period.map({ $0 != 0 }) ?? false {
      let quota = cpu.quota.flatMap { $0 > 0 ? String($0) : nil } ?? "max"
      add(
        "cpu.max", quota + " " + String(cpu.period.flatMap { $0 == 0 ? nil : $0 } ?? 100_000),
        "cpu.quota")
    }
    if let burst = cpu.burst { add("cpu.max.burst", String(burst), "cpu.burst") }
    if cpu.realtimeRuntime.map({ $0 != 0 }) ?? false || cpu.realtimePeriod.map({ $0 != 0 }) ?? false {
      throw RuntimeError(
        .cgroup, "linux.resources.cpu.realtimeRuntime and realtimePeriod do not exist on cgroup v2")
    }
    if let cpus = cpu.cpus, !cpus.isEmpty { add("cpuset.cpus", cpus, "cpu.cpus") }
    if let mems = cpu.mems, !mems.isEmpty { add("cpuset.mems", mems, "cpu.mems") }
  }

  private mutating func add(_ blockIO: BlockIO, _ offers: (String) -> Bool) {
    // The BFQ scheduler has its own file, and counts as the configuration does.
    let usesBFQ = offers("io.bfq.weight")
    let file = usesBFQ ? "io.bfq.weight" : "io.weight"
    func text(_ weight: UInt16) -> String {
      usesBFQ ? String(weight) : String(Self.ioWeight(weight))
    }
    if let weight = blockIO.weight, weight != 0 {
      add(file, "default " + text(weight), "blockIO.weight")
    }
    for device in blockIO.weightDevice {
      if let weight = device.weight {
        add(file, "\(device.major):\(device.minor) " + text(weight), "blockIO.weightDevice")
      }
    }
    func throttle(_ devices: [ThrottleDevice], _ key: String, _ field: String) {
      for device in devices {
        add("io.max", "\(device.major):\(device.minor) \(key)=\(device.rate)", "blockIO." + field)
      }
    }
    throttle(blockIO.throttleReadBpsDevice, "rbps", "throttleReadBpsDevice")
    throttle(blockIO.throttleWriteBpsDevice, "wbps", "throttleWriteBpsDevice")
    throttle(blockIO.throttleReadIOPSDevice, "riops", "throttleReadIOPSDevice")
    throttle(blockIO.throttleWriteIOPSDevice, "wiops", "throttleWriteIOPSDevice")
  }
}
