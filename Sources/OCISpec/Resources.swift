/// Limits that cgroups enforce (config-linux.md, "Control groups").
public struct Resources: Equatable, Sendable {
  /// In order; the last match counts.
  public var devices: [DeviceRule] = []
  public var memory: Memory? {
    get { memoryBox?.value }
    set { memoryBox = newValue.map { Boxed($0) } }
  }
  private var memoryBox: Boxed<Memory>?
  public var cpu: CPU? {
    get { cpuBox?.value }
    set { cpuBox = newValue.map { Boxed($0) } }
  }
  private var cpuBox: Boxed<CPU>?
  public var pids: Pids? {
    get { pidsBox?.value }
    set { pidsBox = newValue.map { Boxed($0) } }
  }
  private var pidsBox: Boxed<Pids>?
  public var blockIO: BlockIO? {
    get { blockIOBox?.value }
    set { blockIOBox = newValue.map { Boxed($0) } }
  }
  private var blockIOBox: Boxed<BlockIO>?
  public var hugepageLimits: [HugepageLimit] = []
  public var network: Network? {
    get { networkBox?.value }
    set { networkBox = newValue.map { Boxed($0) } }
  }
  private var networkBox: Boxed<Network>?
  public var rdma: [RDMALimit] = []
  /// Files of cgroup v2 and what to write to them.
  public var unified: [StringPair] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "devices":
        devices = []
        try reader.array { (reader) throws(SpecError) in
          devices.append(try DeviceRule(reading: &reader))
        }
      case "memory": memory = try Memory(reading: &reader)
      case "cpu": cpu = try CPU(reading: &reader)
      case "pids": pids = try Pids(reading: &reader)
      case "blockIO": blockIO = try BlockIO(reading: &reader)
      case "hugepageLimits":
        hugepageLimits = []
        try reader.array { (reader) throws(SpecError) in
          hugepageLimits.append(try HugepageLimit(reading: &reader))
        }
      case "network": network = try Network(reading: &reader)
      case "rdma":
        rdma = []
        try reader.object { (reader, key) throws(SpecError) in
          rdma.append(try RDMALimit(reading: &reader, device: key))
        }
        rdma = rdma.withoutOverridden { $0.device }
      case "unified": unified = try reader.stringMap()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if !devices.isEmpty {
        writer.key("devices")
        writer.array { writer in for value in devices { value.write(to: &writer) } }
      }
      if let memory {
        writer.key("memory")
        memory.write(to: &writer)
      }
      if let cpu {
        writer.key("cpu")
        cpu.write(to: &writer)
      }
      if let pids {
        writer.key("pids")
        pids.write(to: &writer)
      }
      if let blockIO {
        writer.key("blockIO")
        blockIO.write(to: &writer)
      }
      if !hugepageLimits.isEmpty {
        writer.key("hugepageLimits")
        writer.array { writer in for value in hugepageLimits { value.write(to: &writer) } }
      }
      if let network {
        writer.key("network")
        network.write(to: &writer)
      }
      if !rdma.isEmpty {
        writer.key("rdma")
        writer.object { writer in
          for value in rdma {
            writer.key(value.device)
            value.write(to: &writer)
          }
        }
      }
      writer.optional("unified", unified)
    }
  }
}

/// Which access to which devices is allowed.
public struct DeviceRule: Equatable, Sendable {
  public var allow: Bool = false
  /// `a`, `b`, `c`; missing is all.
  public var type: String?
  /// Missing or -1 is all.
  public var major: Int64?
  /// Missing or -1 is all.
  public var minor: Int64?
  /// Some of `rwm`.
  public var access: String?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasAllow = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "allow":
        allow = try reader.bool()
        hasAllow = true
      case "type": type = try reader.string()
      case "major": major = try reader.integer()
      case "minor": minor = try reader.integer()
      case "access": access = try reader.string()
      default: try reader.skip()
      }
    }
    guard hasAllow else { throw reader.missing("allow") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("allow", allow)
      writer.optional("type", type)
      writer.optional("major", major)
      writer.optional("minor", minor)
      writer.optional("access", access)
    }
  }
}

/// Bytes; -1 is no limit.
public struct Memory: Equatable, Sendable {
  public var limit: Int64?
  public var reservation: Int64?
  /// Memory and swap together.
  public var swap: Int64?
  public var kernel: Int64?
  public var kernelTCP: Int64?
  public var swappiness: UInt64?
  public var disableOOMKiller: Bool?
  public var useHierarchy: Bool?
  public var checkBeforeUpdate: Bool?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "limit": limit = try reader.integer()
      case "reservation": reservation = try reader.integer()
      case "swap": swap = try reader.integer()
      case "kernel": kernel = try reader.integer()
      case "kernelTCP": kernelTCP = try reader.integer()
      case "swappiness": swappiness = try reader.integer()
      case "disableOOMKiller": disableOOMKiller = try reader.bool()
      case "useHierarchy": useHierarchy = try reader.bool()
      case "checkBeforeUpdate": checkBeforeUpdate = try reader.bool()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("limit", limit)
      writer.optional("reservation", reservation)
      writer.optional("swap", swap)
      writer.optional("kernel", kernel)
      writer.optional("kernelTCP", kernelTCP)
      writer.optional("swappiness", swappiness)
      writer.optional("disableOOMKiller", disableOOMKiller)
      writer.optional("useHierarchy", useHierarchy)
      writer.optional("checkBeforeUpdate", checkBeforeUpdate)
    }
  }
}

/// Times in microseconds.
public struct CPU: Equatable, Sendable {
  public var shares: UInt64?
  public var quota: Int64?
  public var burst: UInt64?
  public var period: UInt64?
  public var realtimeRuntime: Int64?
  public var realtimePeriod: UInt64?
  /// A list such as `0-3,7`.
  public var cpus: String?
  public var mems: String?
  public var idle: Int64?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "shares": shares = try reader.integer()
      case "quota": quota = try reader.integer()
      case "burst": burst = try reader.integer()
      case "period": period = try reader.integer()
      case "realtimeRuntime": realtimeRuntime = try reader.integer()
      case "realtimePeriod": realtimePeriod = try reader.integer()
      case "cpus": cpus = try reader.string()
      case "mems": mems = try reader.string()
      case "idle": idle = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("shares", shares)
      writer.optional("quota", quota)
      writer.optional("burst", burst)
      writer.optional("period", period)
      writer.optional("realtimeRuntime", realtimeRuntime)
      writer.optional("realtimePeriod", realtimePeriod)
      writer.optional("cpus", cpus)
      writer.optional("mems", mems)
      writer.optional("idle", idle)
    }
  }
}

/// How many tasks.
public struct Pids: Equatable, Sendable {
  /// 0 or less is no limit.
  public var limit: Int64?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "limit": limit = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("limit", limit)
    }
  }
}

/// Block devices.
public struct BlockIO: Equatable, Sendable {
  public var weight: UInt16?
  public var leafWeight: UInt16?
  public var weightDevice: [WeightDevice] = []
  public var throttleReadBpsDevice: [ThrottleDevice] = []
  public var throttleWriteBpsDevice: [ThrottleDevice] = []
  public var throttleReadIOPSDevice: [ThrottleDevice] = []
  public var throttleWriteIOPSDevice: [ThrottleDevice] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "weight": weight = try reader.integer()
      case "leafWeight": leafWeight = try reader.integer()
      case "weightDevice":
        weightDevice = []
        try reader.array { (reader) throws(SpecError) in
          weightDevice.append(try WeightDevice(reading: &reader))
        }
      case "throttleReadBpsDevice":
        throttleReadBpsDevice = []
        try reader.array { (reader) throws(SpecError) in
          throttleReadBpsDevice.append(try ThrottleDevice(reading: &reader))
        }
      case "throttleWriteBpsDevice":
        throttleWriteBpsDevice = []
        try reader.array { (reader) throws(SpecError) in
          throttleWriteBpsDevice.append(try ThrottleDevice(reading: &reader))
        }
      case "throttleReadIOPSDevice":
        throttleReadIOPSDevice = []
        try reader.array { (reader) throws(SpecError) in
          throttleReadIOPSDevice.append(try ThrottleDevice(reading: &reader))
        }
      case "throttleWriteIOPSDevice":
        throttleWriteIOPSDevice = []
        try reader.array { (reader) throws(SpecError) in
          throttleWriteIOPSDevice.append(try ThrottleDevice(reading: &reader))
        }
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("weight", weight)
      writer.optional("leafWeight", leafWeight)
      if !weightDevice.isEmpty {
        writer.key("weightDevice")
        writer.array { writer in for value in weightDevice { value.write(to: &writer) } }
      }
      if !throttleReadBpsDevice.isEmpty {
        writer.key("throttleReadBpsDevice")
        writer.array { writer in for value in throttleReadBpsDevice { value.write(to: &writer) } }
      }
      if !throttleWriteBpsDevice.isEmpty {
        writer.key("throttleWriteBpsDevice")
        writer.array { writer in for value in throttleWriteBpsDevice { value.write(to: &writer) } }
      }
      if !throttleReadIOPSDevice.isEmpty {
        writer.key("throttleReadIOPSDevice")
        writer.array { writer in for value in throttleReadIOPSDevice { value.write(to: &writer) } }
      }
      if !throttleWriteIOPSDevice.isEmpty {
        writer.key("throttleWriteIOPSDevice")
        writer.array { writer in for value in throttleWriteIOPSDevice { value.write(to: &writer) } }
      }
    }
  }
}

/// A weight for one device.
public struct WeightDevice: Equatable, Sendable {
  public var major: Int64 = 0
  public var minor: Int64 = 0
  public var weight: UInt16?
  public var leafWeight: UInt16?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "major": major = try reader.integer()
      case "minor": minor = try reader.integer()
      case "weight": weight = try reader.integer()
      case "leafWeight": leafWeight = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("major", major)
      writer.member("minor", minor)
      writer.optional("weight", weight)
      writer.optional("leafWeight", leafWeight)
    }
  }
}

/// Bytes or operations per second for one device.
public struct ThrottleDevice: Equatable, Sendable {
  public var major: Int64 = 0
  public var minor: Int64 = 0
  public var rate: UInt64 = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasRate = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "major": major = try reader.integer()
      case "minor": minor = try reader.integer()
      case "rate":
        rate = try reader.integer()
        hasRate = true
      default: try reader.skip()
      }
    }
    guard hasRate else { throw reader.missing("rate") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("major", major)
      writer.member("minor", minor)
      writer.member("rate", rate)
    }
  }
}

/// Bytes in pages of one size.
public struct HugepageLimit: Equatable, Sendable {
  /// As in `2MB`.
  public var pageSize: String = ""
  public var limit: UInt64 = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasPageSize = false
    var hasLimit = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "pageSize":
        pageSize = try reader.string()
        hasPageSize = true
      case "limit":
        limit = try reader.integer()
        hasLimit = true
      default: try reader.skip()
      }
    }
    guard hasPageSize else { throw reader.missing("pageSize") }
    guard hasLimit else { throw reader.missing("limit") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("pageSize", pageSize)
      writer.member("limit", limit)
    }
  }
}

/// Marks on the container's packets.
public struct Network: Equatable, Sendable {
  public var classID: UInt32?
  public var priorities: [InterfacePriority] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "classID": classID = try reader.integer()
      case "priorities":
        priorities = []
        try reader.array { (reader) throws(SpecError) in
          priorities.append(try InterfacePriority(reading: &reader))
        }
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("classID", classID)
      if !priorities.isEmpty {
        writer.key("priorities")
        writer.array { writer in for value in priorities { value.write(to: &writer) } }
      }
    }
  }
}

/// The priority of packets that leave through one interface.
public struct InterfacePriority: Equatable, Sendable {
  public var name: String = ""
  public var priority: UInt32 = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasName = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "name":
        name = try reader.string()
        hasName = true
      case "priority": priority = try reader.integer()
      default: try reader.skip()
      }
    }
    guard hasName else { throw reader.missing("name") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", name)
      writer.member("priority", priority)
    }
  }
}

/// What one RDMA device gives.
public struct RDMALimit: Equatable, Sendable {
  /// Its name.
  public var device: String = ""
  public var hcaHandles: UInt32?
  public var hcaObjects: UInt32?

  public init() {}

  init(reading reader: inout JSONReader, device key: String) throws(SpecError) {
    device = key
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "hcaHandles": hcaHandles = try reader.integer()
      case "hcaObjects": hcaObjects = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("hcaHandles", hcaHandles)
      writer.optional("hcaObjects", hcaObjects)
    }
  }
}
