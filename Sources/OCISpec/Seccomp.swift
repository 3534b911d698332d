/// Which system calls are allowed (config-linux.md, "Seccomp"). Names are kept as they are
/// written; the filter compiler judges them.
public struct Seccomp: Equatable, Sendable {
  public var defaultAction: String = ""
  public var defaultErrnoRet: UInt32?
  public var architectures: [String] = []
  public var flags: [String] = []
  public var listenerPath: String?
  public var listenerMetadata: String?
  public var syscalls: [SeccompRule] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasDefaultAction = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "defaultAction":
        defaultAction = try reader.string()
        hasDefaultAction = true
      case "defaultErrnoRet": defaultErrnoRet = try reader.integer()
      case "architectures": architectures = try reader.strings()
      case "flags": flags = try reader.strings()
      case "listenerPath": listenerPath = try reader.string()
      case "listenerMetadata": listenerMetadata = try reader.string()
      case "syscalls":
        syscalls = []
        try reader.array { (reader) throws(SpecError) in
          syscalls.append(try SeccompRule(reading: &reader))
        }
      default: try reader.skip()
      }
    }
    guard hasDefaultAction else { throw reader.missing("defaultAction") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("defaultAction", defaultAction)
      writer.optional("defaultErrnoRet", defaultErrnoRet)
      writer.optional("architectures", architectures)
      writer.optional("flags", flags)
      writer.optional("listenerPath", listenerPath)
      writer.optional("listenerMetadata", listenerMetadata)
      if !syscalls.isEmpty {
        writer.key("syscalls")
        writer.array { writer in for value in syscalls { value.write(to: &writer) } }
      }
    }
  }
}

/// What happens to some system calls.
public struct SeccompRule: Equatable, Sendable {
  public var names: [String] = []
  public var action: String = ""
  public var errnoRet: UInt32?
  /// All have to match.
  public var args: [SeccompArgument] = []

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasNames = false
    var hasAction = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "names":
        names = try reader.strings()
        hasNames = true
      case "action":
        action = try reader.string()
        hasAction = true
      case "errnoRet": errnoRet = try reader.integer()
      case "args":
        args = []
        try reader.array { (reader) throws(SpecError) in
          args.append(try SeccompArgument(reading: &reader))
        }
      default: try reader.skip()
      }
    }
    guard hasNames else { throw reader.missing("names") }
    guard hasAction else { throw reader.missing("action") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("names", names)
      writer.member("action", action)
      writer.optional("errnoRet", errnoRet)
      if !args.isEmpty {
        writer.key("args")
        writer.array { writer in for value in args { value.write(to: &writer) } }
      }
    }
  }
}

/// A condition on one argument.
public struct SeccompArgument: Equatable, Sendable {
  /// 0 to 5.
  public var index: UInt32 = 0
  public var value: UInt64 = 0
  /// For `SCMP_CMP_MASKED_EQ`.
  public var valueTwo: UInt64?
  /// As in `SCMP_CMP_EQ`.
  public var op: String = ""

  public init() {}

  init(reading reader: inout JSONReader) throws(SpecError) {
    var hasIndex = false
    var hasValue = false
    var hasOp = false
    try reader.object { (reader, key) throws(SpecError) in
      switch key {
      case "index":
        index = try reader.integer()
        hasIndex = true
      case "value":
        value = try reader.integer()
        hasValue = true
      case "valueTwo": valueTwo = try reader.integer()
      case "op":
        op = try reader.string()
        hasOp = true
      default: try reader.skip()
      }
    }
    guard hasIndex else { throw reader.missing("index") }
    guard hasValue else { throw reader.missing("value") }
    guard hasOp else { throw reader.missing("op") }
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("index", index)
      writer.member("value", value)
      writer.optional("valueTwo", valueTwo)
      writer.member("op", op)
    }
  }
}
