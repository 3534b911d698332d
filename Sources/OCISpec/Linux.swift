/// What only Linux has (config-linux.md).
public struct Linux: Equatable, Sendable {
  public var uidMappings: [IDMapping] = []
  public var gidMappings: [IDMapping] = []
  /// Kernel parameters.
  public var sysctl: [StringPair] = []
  public var resources: Resources? {
    get { resourcesBox?.value }
    set { resourcesBox = newValue.map { Boxed($0) } }
  }
  private var resourcesBox: Boxed<Resources>?
  public var cgroupsPath: String?
  public var namespaces: [LinuxNamespace] = []
  public var devices: [Device] = []
  /// Network devices to move into the container.
  public var netDevices: [NetDevice] = []
  public var seccomp: Seccomp? {
    get { seccompBox?.value }
    set { seccompBox = newValue.map { Boxed($0) } }
  }
  private var seccompBox: Boxed<Seccomp>?
  public var rootfsPropagation: String?
  public var maskedPaths: [String] = []
  public var readonlyPaths: [String] = []
  /// SELinux context of mounts.
  public var mountLabel: String?
  public var intelRdt: IntelRdt? {
    get { intelRdtBox?.value }
    set { intelRdtBox = newValue.map { Boxed($0) } }
  }
  private var intelRdtBox: Boxed<IntelRdt>?
  public var memoryPolicy: MemoryPolicy? {
    get { memoryPolicyBox?.value }
    set { memoryPolicyBox = newValue.map { Boxed($0) } }
  }
  private var memoryPolicyBox: Boxed<MemoryPolicy>?
  public var personality: Personality? {
    get { personalityBox?.value }
    set { personalityBox = newValue.map { Boxed($0) } }
  }
  private var personalityBox: Boxed<Personality>?
  public var timeOffsets: [TimeOffset] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "uidMappings":
        uidMappings = []
        try reader.array { (reader) throws(SpecError) in
          uidMappings.append(try IDMapping(reading: &reader))
        }
      case "gidMappings":
        gidMappings = []
        try reader.array { (reader) throws(SpecError) in
          gidMappings.append(try IDMapping(reading: &reader))
        }
      case "sysctl": sysctl = try reader.stringMap()
      case "resources": resources = try Resources(reading: &reader)
      case "cgroupsPath": cgroupsPath = try reader.string()
      case "namespaces":
        namespaces = []
        try reader.array { (reader) throws(SpecError) in
          namespaces.append(try LinuxNamespace(reading: &reader))
        }
      case "devices":
        devices = []
        try reader.array { (reader) throws(SpecError) in
          devices.append(try Device(reading: &reader))
        }
      case "netDevices":
        netDevices = []
        try reader.object { (reader, key) throws(SpecError) in
          netDevices.append(try NetDevice(reading: &reader, device: key))
        }
        netDevices = netDevices.withoutOverridden { $0.device }
      case "seccomp": seccomp = try Seccomp(reading: &reader)
      case "rootfsPropagation": rootfsPropagation = try reader.string()
      case "maskedPaths": maskedPaths = try reader.strings()
      case "readonlyPaths": readonlyPaths = try reader.strings()
      case "mountLabel": mountLabel = try reader.string()
      case "intelRdt": intelRdt = try IntelRdt(reading: &reader)
      case "memoryPolicy": memoryPolicy = try MemoryPolicy(reading: &reader)
      case "personality": personality = try Personality(reading: &reader)
      case "timeOffsets":
        timeOffsets = []
        try reader.object { (reader, key) throws(SpecError) in
          timeOffsets.append(try TimeOffset(reading: &reader, clock: key))
        }
        timeOffsets = timeOffsets.withoutOverridden { $0.clock }
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if !uidMappings.isEmpty {
        writer.key("uidMappings")
        writer.array { writer in for value in uidMappings { value.write(to: &writer) } }
      }
      if !gidMappings.isEmpty {
        writer.key("gidMappings")
        writer.array { writer in for value in gidMappings { value.write(to: &writer) } }
      }
      writer.optional("sysctl", sysctl)
      if let resources {
        writer.key("resources")
        resources.write(to: &writer)
      }
      writer.optional("cgroupsPath", cgroupsPath)
      if !namespaces.isEmpty {
        writer.key("namespaces")
        writer.array { writer in for value in namespaces { value.write(to: &writer) } }
      }
      if !devices.isEmpty {
        writer.key("devices")
        writer.array { writer in for value in devices { value.write(to: &writer) } }
      }
      if !netDevices.isEmpty {
        writer.key("netDevices")
        writer.object { writer in
          for value in netDevices {
            writer.key(value.device)
            value.write(to: &writer)
          }
        }
      }
      if let seccomp {
        writer.key("seccomp")
        seccomp.write(to: &writer)
      }
      writer.optional("rootfsPropagation", rootfsPropagation)
      writer.optional("maskedPaths", maskedPaths)
      writer.optional("readonlyPaths", readonlyPaths)
      writer.optional("mountLabel", mountLabel)
      if let intelRdt {
        writer.key("intelRdt")
        intelRdt.write(to: &writer)
      }
      if let memoryPolicy {
        writer.key("memoryPolicy")
        memoryPolicy.write(to: &writer)
      }
      if let personality {
        writer.key("personality")
        personality.write(to: &writer)
      }
      if !timeOffsets.isEmpty {
        writer.key("timeOffsets")
        writer.object { writer in
          for value in timeOffsets {
            writer.key(value.clock)
            value.write(to: &writer)
          }
        }
      }
    }
  }
}

/// A namespace, new or joined (config-linux.md, "Namespaces").
public struct LinuxNamespace: Equatable, Sendable {
  public var type: Kind = .mount
  /// Of the one to be joined.
  public var path: String?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasType = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "type":
        type = try Kind(reading: &reader)
        hasType = true
      case "path": path = try reader.string()
      default: try reader.skip()
      }
    }
    guard hasType else { throw reader.missing("type") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("type", type.rawValue)
      writer.optional("path", path)
    }
  }
}

/// A range of ids (config-linux.md, "User namespace mappings").
public struct IDMapping: Equatable, Sendable {
  public var containerID: UInt32 = 0
  public var hostID: UInt32 = 0
  public var size: UInt32 = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasContainerID = false
    var hasHostID = false
    var hasSize = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "containerID":
        containerID = try reader.integer()
        hasContainerID = true
      case "hostID":
        hostID = try reader.integer()
        hasHostID = true
      case "size":
        size = try reader.integer()
        hasSize = true
      default: try reader.skip()
      }
    }
    guard hasContainerID else { throw reader.missing("containerID") }
    guard hasHostID else { throw reader.missing("hostID") }
    guard hasSize else { throw reader.missing("size") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("containerID", containerID)
      writer.member("hostID", hostID)
      writer.member("size", size)
    }
  }
}

/// How far a clock of the container is ahead of the host's.
public struct TimeOffset: Equatable, Sendable {
  /// `monotonic` or `boottime`.
  public var clock: String = ""
  public var secs: Int64 = 0
  public var nanosecs: UInt32 = 0

  public init() {}

  init(reading reader: inout JSONReader, clock key: String) throws(SpecError) {
    clock = key
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "secs": secs = try reader.integer()
      case "nanosecs": nanosecs = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("secs", secs)
      writer.member("nanosecs", nanosecs)
    }
  }
}

/// A device node (config-linux.md, "Devices").
public struct Device: Equatable, Sendable {
  /// Absolute, in the container.
  public var path: String = ""
  /// `c`, `b`, `u` or `p`.
  public var type: String = ""
  public var major: Int64?
  public var minor: Int64?
  public var fileMode: UInt32?
  public var uid: UInt32?
  public var gid: UInt32?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasPath = false
    var hasType = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "path":
        path = try reader.string()
        hasPath = true
      case "type":
        type = try reader.string()
        hasType = true
      case "major": major = try reader.integer()
      case "minor": minor = try reader.integer()
      case "fileMode": fileMode = try reader.integer()
      case "uid": uid = try reader.integer()
      case "gid": gid = try reader.integer()
      default: try reader.skip()
      }
    }
    guard hasPath else { throw reader.missing("path") }
    guard hasType else { throw reader.missing("type") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("path", path)
      writer.member("type", type)
      writer.optional("major", major)
      writer.optional("minor", minor)
      writer.optional("fileMode", fileMode)
      writer.optional("uid", uid)
      writer.optional("gid", gid)
    }
  }
}

/// A network device of the host that the container takes.
public struct NetDevice: Equatable, Sendable {
  /// Its name on the host.
  public var device: String = ""
  /// Its name in the container.
  public var name: String?

  public init() {}

  init(reading reader: inout JSONReader, device key: String) throws(SpecError) {
    device = key
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "name": name = try reader.string()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("name", name)
    }
  }
}

/// The execution domain (personality(2)).
public struct Personality: Equatable, Sendable {
  /// `LINUX` or `LINUX32`.
  public var domain: String = ""
  public var flags: [String] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasDomain = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "domain":
        domain = try reader.string()
        hasDomain = true
      case "flags": flags = try reader.strings()
      default: try reader.skip()
      }
    }
    guard hasDomain else { throw reader.missing("domain") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("domain", domain)
      writer.optional("flags", flags)
    }
  }
}

/// Intel Resource Director Technology.
public struct IntelRdt: Equatable, Sendable {
  public var closID: String?
  public var schemata: [String] = []
  public var l3CacheSchema: String?
  public var memBwSchema: String?
  public var enableMonitoring: Bool?
  public var enableCMT: Bool?
  public var enableMBM: Bool?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "closID": closID = try reader.string()
      case "schemata": schemata = try reader.strings()
      case "l3CacheSchema": l3CacheSchema = try reader.string()
      case "memBwSchema": memBwSchema = try reader.string()
      case "enableMonitoring": enableMonitoring = try reader.bool()
      case "enableCMT": enableCMT = try reader.bool()
      case "enableMBM": enableMBM = try reader.bool()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("closID", closID)
      writer.optional("schemata", schemata)
      writer.optional("l3CacheSchema", l3CacheSchema)
      writer.optional("memBwSchema", memBwSchema)
      writer.optional("enableMonitoring", enableMonitoring)
      writer.optional("enableCMT", enableCMT)
      writer.optional("enableMBM", enableMBM)
    }
  }
}

/// NUMA policy (set_mempolicy(2)).
public struct MemoryPolicy: Equatable, Sendable {
  public var mode: String = ""
  public var nodes: String?
  public var flags: [String] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasMode = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "mode":
        mode = try reader.string()
        hasMode = true
      case "nodes": nodes = try reader.string()
      case "flags": flags = try reader.strings()
      default: try reader.skip()
      }
    }
    guard hasMode else { throw reader.missing("mode") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("mode", mode)
      writer.optional("nodes", nodes)
      writer.optional("flags", flags)
    }
  }
}
