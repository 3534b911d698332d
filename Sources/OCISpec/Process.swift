/// A process of a container (config.md, "Process").
public struct Process: Equatable, Sendable {
  public var terminal: Bool = false
  public var consoleSize: Box? {
    get { consoleSizeBox?.value }
    set { consoleSizeBox = newValue.map { Boxed($0) } }
  }
  private var consoleSizeBox: Boxed<Box>?
  public var user: User = User()
  public var args: [String] = []
  /// `NAME=value`.
  public var env: [String] = []
  /// Absolute, in the container.
  public var cwd: String = ""
  public var capabilities: Capabilities? {
    get { capabilitiesBox?.value }
    set { capabilitiesBox = newValue.map { Boxed($0) } }
  }
  private var capabilitiesBox: Boxed<Capabilities>?
  public var rlimits: [POSIXRlimit] = []
  public var noNewPrivileges: Bool = false
  public var apparmorProfile: String?
  public var oomScoreAdj: Int32?
  public var scheduler: Scheduler? {
    get { schedulerBox?.value }
    set { schedulerBox = newValue.map { Boxed($0) } }
  }
  private var schedulerBox: Boxed<Scheduler>?
  public var selinuxLabel: String?
  public var ioPriority: IOPriority? {
    get { ioPriorityBox?.value }
    set { ioPriorityBox = newValue.map { Boxed($0) } }
  }
  private var ioPriorityBox: Boxed<IOPriority>?
  public var execCPUAffinity: CPUAffinity? {
    get { execCPUAffinityBox?.value }
    set { execCPUAffinityBox = newValue.map { Boxed($0) } }
  }
  private var execCPUAffinityBox: Boxed<CPUAffinity>?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasCwd = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "terminal": terminal = try reader.bool()
      case "consoleSize": consoleSize = try Box(reading: &reader)
      case "user": user = try User(reading: &reader)
      case "args": args = try reader.strings()
      case "env": env = try reader.strings()
      case "cwd":
        cwd = try reader.string()
        hasCwd = true
      case "capabilities": capabilities = try Capabilities(reading: &reader)
      case "rlimits":
        rlimits = []
        try reader.array { (reader) throws(SpecError) in
          rlimits.append(try POSIXRlimit(reading: &reader))
        }
      case "noNewPrivileges": noNewPrivileges = try reader.bool()
      case "apparmorProfile": apparmorProfile = try reader.string()
      case "oomScoreAdj": oomScoreAdj = try reader.integer()
      case "scheduler": scheduler = try Scheduler(reading: &reader)
      case "selinuxLabel": selinuxLabel = try reader.string()
      case "ioPriority": ioPriority = try IOPriority(reading: &reader)
      case "execCPUAffinity": execCPUAffinity = try CPUAffinity(reading: &reader)
      default: try reader.skip()
      }
    }
    guard hasCwd else { throw reader.missing("cwd") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if terminal { writer.member("terminal", true) }
      if let consoleSize {
        writer.key("consoleSize")
        consoleSize.write(to: &writer)
      }
      writer.key("user")
      user.write(to: &writer)
      writer.optional("args", args)
      writer.optional("env", env)
      writer.member("cwd", cwd)
      if let capabilities {
        writer.key("capabilities")
        capabilities.write(to: &writer)
      }
      if !rlimits.isEmpty {
        writer.key("rlimits")
        writer.array { writer in for value in rlimits { value.write(to: &writer) } }
      }
      if noNewPrivileges { writer.member("noNewPrivileges", true) }
      writer.optional("apparmorProfile", apparmorProfile)
      writer.optional("oomScoreAdj", oomScoreAdj)
      if let scheduler {
        writer.key("scheduler")
        scheduler.write(to: &writer)
      }
      writer.optional("selinuxLabel", selinuxLabel)
      if let ioPriority {
        writer.key("ioPriority")
        ioPriority.write(to: &writer)
      }
      if let execCPUAffinity {
        writer.key("execCPUAffinity")
        execCPUAffinity.write(to: &writer)
      }
    }
  }
}

/// The size of a terminal, in characters.
public struct Box: Equatable, Sendable {
  public var height: UInt = 0
  public var width: UInt = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "height": height = try reader.integer()
      case "width": width = try reader.integer()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("height", height)
      writer.member("width", width)
    }
  }
}

/// Who a process runs as; ids in the container's user namespace.
public struct User: Equatable, Sendable {
  public var uid: UInt32 = 0
  public var gid: UInt32 = 0
  public var umask: UInt32?
  public var additionalGids: [UInt32] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "uid": uid = try reader.integer()
      case "gid": gid = try reader.integer()
      case "umask": umask = try reader.integer()
      case "additionalGids":
        additionalGids = []
        try reader.array { (reader) throws(SpecError) in
          additionalGids.append(try reader.integer())
        }
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("uid", uid)
      writer.member("gid", gid)
      writer.optional("umask", umask)
      if !additionalGids.isEmpty {
        writer.key("additionalGids")
        writer.array { writer in for value in additionalGids { writer.integer(value) } }
      }
    }
  }
}

/// Sets of capabilities(7), by name.
public struct Capabilities: Equatable, Sendable {
  public var bounding: [String] = []
  public var effective: [String] = []
  public var inheritable: [String] = []
  public var permitted: [String] = []
  public var ambient: [String] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "bounding": bounding = try reader.strings()
      case "effective": effective = try reader.strings()
      case "inheritable": inheritable = try reader.strings()
      case "permitted": permitted = try reader.strings()
      case "ambient": ambient = try reader.strings()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("bounding", bounding)
      writer.optional("effective", effective)
      writer.optional("inheritable", inheritable)
      writer.optional("permitted", permitted)
      writer.optional("ambient", ambient)
    }
  }
}

/// A limit of getrlimit(2).
public struct POSIXRlimit: Equatable, Sendable {
  /// As in `RLIMIT_NOFILE`.
  public var type: String = ""
  public var hard: UInt64 = 0
  public var soft: UInt64 = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasType = false
    var hasHard = false
    var hasSoft = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "type":
        type = try reader.string()
        hasType = true
      case "hard":
        hard = try reader.integer()
        hasHard = true
      case "soft":
        soft = try reader.integer()
        hasSoft = true
      default: try reader.skip()
      }
    }
    guard hasType else { throw reader.missing("type") }
    guard hasHard else { throw reader.missing("hard") }
    guard hasSoft else { throw reader.missing("soft") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("type", type)
      writer.member("hard", hard)
      writer.member("soft", soft)
    }
  }
}

/// What sched_setattr(2) takes; times in nanoseconds.
public struct Scheduler: Equatable, Sendable {
  /// As in `SCHED_OTHER`.
  public var policy: String = ""
  public var nice: Int32?
  public var priority: Int32?
  public var flags: [String] = []
  public var runtime: UInt64?
  public var deadline: UInt64?
  public var period: UInt64?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasPolicy = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "policy":
        policy = try reader.string()
        hasPolicy = true
      case "nice": nice = try reader.integer()
      case "priority": priority = try reader.integer()
      case "flags": flags = try reader.strings()
      case "runtime": runtime = try reader.integer()
      case "deadline": deadline = try reader.integer()
      case "period": period = try reader.integer()
      default: try reader.skip()
      }
    }
    guard hasPolicy else { throw reader.missing("policy") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("policy", policy)
      writer.optional("nice", nice)
      writer.optional("priority", priority)
      writer.optional("flags", flags)
      writer.optional("runtime", runtime)
      writer.optional("deadline", deadline)
      writer.optional("period", period)
    }
  }
}

/// What ioprio_set(2) takes.
public struct IOPriority: Equatable, Sendable {
  /// As in `IOPRIO_CLASS_BE`.
  public var `class`: String = ""
  /// 0 to 7.
  public var priority: Int = 0

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasClass = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "class":
        `class` = try reader.string()
        hasClass = true
      case "priority": priority = try reader.integer()
      default: try reader.skip()
      }
    }
    guard hasClass else { throw reader.missing("class") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("class", `class`)
      writer.member("priority", priority)
    }
  }
}

/// CPUs of an `exec`ed process, as lists such as `0-3,7`.
public struct CPUAffinity: Equatable, Sendable {
  /// While it is being prepared.
  public var initial: String?
  /// When its program starts.
  public var final: String?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "initial": initial = try reader.string()
      case "final": final = try reader.string()
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.optional("initial", initial)
      writer.optional("final", final)
    }
  }
}
