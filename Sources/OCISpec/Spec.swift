/// The configuration of a container (config.md).
public struct Spec: Equatable, Sendable {
  /// Version of the specification that the configuration follows.
  public var ociVersion: String = ""
  /// What to run; may be missing until `start`.
  public var process: Process? {
    get { processBox?.value }
    set { processBox = newValue.map { Boxed($0) } }
  }
  private var processBox: Boxed<Process>?
  /// The root file system.
  public var root: Root? {
    get { rootBox?.value }
    set { rootBox = newValue.map { Boxed($0) } }
  }
  private var rootBox: Boxed<Root>?
  public var hostname: String?
  public var domainname: String?
  /// In the order in which they are made.
  public var mounts: [Mount] = []
  public var hooks: Hooks? {
    get { hooksBox?.value }
    set { hooksBox = newValue.map { Boxed($0) } }
  }
  private var hooksBox: Boxed<Hooks>?
  /// Free for the user.
  public var annotations: [StringPair] = []
  public var linux: Linux? {
    get { linuxBox?.value }
    set { linuxBox = newValue.map { Boxed($0) } }
  }
  private var linuxBox: Boxed<Linux>?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasOciVersion = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "ociVersion":
        ociVersion = try reader.string()
        hasOciVersion = true
      case "process": process = try Process(reading: &reader)
      case "root": root = try Root(reading: &reader)
      case "hostname": hostname = try reader.string()
      case "domainname": domainname = try reader.string()
      case "mounts":
        mounts = []
        try reader.array { (reader) throws(SpecError) in
          mounts.append(try Mount(reading: &reader))
        }
      case "hooks": hooks = try Hooks(reading: &reader)
      case "annotations": annotations = try reader.stringMap()
      case "linux": linux = try Linux(reading: &reader)
      default: try reader.skip()
      }
    }
    guard hasOciVersion else { throw reader.missing("ociVersion") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("ociVersion", ociVersion)
      if let process {
        writer.key("process")
        process.write(to: &writer)
      }
      if let root {
        writer.key("root")
        root.write(to: &writer)
      }
      writer.optional("hostname", hostname)
      writer.optional("domainname", domainname)
      if !mounts.isEmpty {
        writer.key("mounts")
        writer.array { writer in for value in mounts { value.write(to: &writer) } }
      }
      if let hooks {
        writer.key("hooks")
        hooks.write(to: &writer)
      }
      writer.optional("annotations", annotations)
      if let linux {
        writer.key("linux")
        linux.write(to: &writer)
      }
    }
  }
}

/// The root file system (config.md, "Root").
public struct Root: Equatable, Sendable {
  /// Absolute, or relative to the bundle.
  public var path: String = ""
  public var readonly: Bool = false

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasPath = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "path":
        path = try reader.string()
        hasPath = true
      case "readonly": readonly = try reader.bool()
      default: try reader.skip()
      }
    }
    guard hasPath else { throw reader.missing("path") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("path", path)
      if readonly { writer.member("readonly", true) }
    }
  }
}

/// One mount (config.md, "Mounts").
public struct Mount: Equatable, Sendable {
  /// In the container; a relative one is meant from its root.
  public var destination: String = ""
  public var type: String?
  /// A path of the host for bind mounts.
  public var source: String?
  /// As in fstab(5).
  public var options: [String] = []
  /// For an idmapped mount.
  public var uidMappings: [IDMapping] = []
  /// For an idmapped mount.
  public var gidMappings: [IDMapping] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasDestination = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "destination":
        destination = try reader.string()
        hasDestination = true
      case "type": type = try reader.string()
      case "source": source = try reader.string()
      case "options": options = try reader.strings()
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
      default: try reader.skip()
      }
    }
    guard hasDestination else { throw reader.missing("destination") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("destination", destination)
      writer.optional("type", type)
      writer.optional("source", source)
      writer.optional("options", options)
      if !uidMappings.isEmpty {
        writer.key("uidMappings")
        writer.array { writer in for value in uidMappings { value.write(to: &writer) } }
      }
      if !gidMappings.isEmpty {
        writer.key("gidMappings")
        writer.array { writer in for value in gidMappings { value.write(to: &writer) } }
      }
    }
  }
}

/// A program that runs at a point in the life of a container (config.md, "POSIX-platform Hooks").
public struct Hook: Equatable, Sendable {
  /// Absolute.
  public var path: String = ""
  /// With the program's name first.
  public var args: [String] = []
  /// All of its environment.
  public var env: [String] = []
  /// Seconds.
  public var timeout: Int?

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasPath = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "path":
        path = try reader.string()
        hasPath = true
      case "args": args = try reader.strings()
      case "env": env = try reader.strings()
      case "timeout": timeout = try reader.integer()
      default: try reader.skip()
      }
    }
    guard hasPath else { throw reader.missing("path") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("path", path)
      writer.optional("args", args)
      writer.optional("env", env)
      writer.optional("timeout", timeout)
    }
  }
}

/// Hooks by when they run.
public struct Hooks: Equatable, Sendable {
  public var prestart: [Hook] = []
  public var createRuntime: [Hook] = []
  public var createContainer: [Hook] = []
  public var startContainer: [Hook] = []
  public var poststart: [Hook] = []
  public var poststop: [Hook] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "prestart":
        prestart = []
        try reader.array { (reader) throws(SpecError) in
          prestart.append(try Hook(reading: &reader))
        }
      case "createRuntime":
        createRuntime = []
        try reader.array { (reader) throws(SpecError) in
          createRuntime.append(try Hook(reading: &reader))
        }
      case "createContainer":
        createContainer = []
        try reader.array { (reader) throws(SpecError) in
          createContainer.append(try Hook(reading: &reader))
        }
      case "startContainer":
        startContainer = []
        try reader.array { (reader) throws(SpecError) in
          startContainer.append(try Hook(reading: &reader))
        }
      case "poststart":
        poststart = []
        try reader.array { (reader) throws(SpecError) in
          poststart.append(try Hook(reading: &reader))
        }
      case "poststop":
        poststop = []
        try reader.array { (reader) throws(SpecError) in
          poststop.append(try Hook(reading: &reader))
        }
      default: try reader.skip()
      }
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if !prestart.isEmpty {
        writer.key("prestart")
        writer.array { writer in for value in prestart { value.write(to: &writer) } }
      }
      if !createRuntime.isEmpty {
        writer.key("createRuntime")
        writer.array { writer in for value in createRuntime { value.write(to: &writer) } }
      }
      if !createContainer.isEmpty {
        writer.key("createContainer")
        writer.array { writer in for value in createContainer { value.write(to: &writer) } }
      }
      if !startContainer.isEmpty {
        writer.key("startContainer")
        writer.array { writer in for value in startContainer { value.write(to: &writer) } }
      }
      if !poststart.isEmpty {
        writer.key("poststart")
        writer.array { writer in for value in poststart { value.write(to: &writer) } }
      }
      if !poststop.isEmpty {
        writer.key("poststop")
        writer.array { writer in for value in poststop { value.write(to: &writer) } }
      }
    }
  }
}
