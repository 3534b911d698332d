extension Nested {
  /// What mount(2) is asked for, as far as its numbers and strings tell.
  public enum Mount: Equatable, Sendable {
    /// A new file system in memory; options for fsconfig(2).
    case tmpfs([Option], Attributes)
    /// Another look at the container's own /proc, with all that lies over it.
    case proc(Attributes)
    case overlay(Layers, Attributes)
    case bind
    /// More attributes for a mount that was made here.
    case restrict(Attributes)
    case propagation(Propagation, recursive: Bool)
  }

  public struct Option: Equatable, Sendable {
    public let key, value: String

    init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// Paths of the directories of an overlay; without `upper` and `work` it is read-only.
  public struct Layers: Equatable, Sendable {
    public var lower: [String] = []
    public var upper, work: String?
  }

  public enum Propagation: Sendable { case isPrivate, slave }

  /// Bits of mount_setattr(2) that take something away.
  public struct Attributes: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = Attributes(rawValue: 0x1)
    public static let noSetUser = Attributes(rawValue: 0x2)
    public static let noDevices = Attributes(rawValue: 0x4)
    public static let noExecute = Attributes(rawValue: 0x8)
    public static let noSymbolicLinks = Attributes(rawValue: 0x200000)
    /// Every file system that is made here has them.
    static let always: Attributes = [.noSetUser, .noDevices]
  }

  private enum Flag {
    static let remount: UInt64 = 0x20, bind: UInt64 = 0x1000, move: UInt64 = 0x2000, recursive: UInt64 = 0x4000
    static let unbindable: UInt64 = 0x20000, isPrivate: UInt64 = 0x40000, slave: UInt64 = 0x80000,
      shared: UInt64 = 0x100000
    static let kinds = unbindable | isPrivate | slave | shared
    /// Access times and silence: they change nothing that matters here.
    static let harmless: UInt64 = 0x400 | 0x800 | 0x8000 | 0x200000 | 0x1000000 | 0x2000000
    static let attributes: [(UInt64, Attributes)] = [
      (0x1, .readOnly), (0x2, .noSetUser), (0x4, .noDevices), (0x8, .noExecute), (0x100, .noSymbolicLinks),
    ]
  }

  /// How many lower directories an overlay may have.
  public static let layerLimit = 32

  /// - Parameters:
  ///   - flags: mountflags of mount(2).
  ///   - type, data: nil where the caller gave none.
  ///   - memoryLimit: bytes that a file system in memory may hold.
  public static func mount(
    type: String?, flags: UInt64, data: String?, memoryLimit: UInt64
  ) throws(Refusal) -> Mount {
    // A number that old programs add to tell the kernel that they know of flags (MS_MGC_VAL).
    let flags = flags & 0xffff_0000 == 0xc0ed_0000 ? flags & 0xffff : flags & 0xffff_ffff
    var attributes: Attributes = []
    var known = Flag.harmless | Flag.recursive
    for (flag, attribute) in Flag.attributes {
      known |= flag
      if flags & flag != 0 { attributes.insert(attribute) }
    }
    let rest = flags & ~known
    // In the order in which the kernel looks at them.
    if rest & Flag.remount != 0 {
      if rest & ~(Flag.remount | Flag.bind) != 0 { throw Refusal(invalid, "flags that no remount has") }
      if flags & Flag.recursive != 0 { throw Refusal(invalid, "a remount is not recursive") }
      if rest & Flag.bind == 0, let data, !data.isEmpty {
        throw Refusal(notPermitted, "a remount changes no options of the file system")
      }
      return .restrict(attributes)
    }
    if rest & Flag.bind != 0 {
      if rest != Flag.bind { throw Refusal(invalid, "flags that no bind mount has") }
      return .bind
    }
    if rest & Flag.kinds != 0 {
      switch rest {
      case Flag.isPrivate: return .propagation(.isPrivate, recursive: flags & Flag.recursive != 0)
      case Flag.slave: return .propagation(.slave, recursive: flags & Flag.recursive != 0)
      default: throw Refusal(notPermitted, "mounts become private or slaves, and nothing else")
      }
    }
    if rest & Flag.move != 0 { throw Refusal(notPermitted, "mounts are not moved") }
    if rest != 0 { throw Refusal(invalid, "flags that are not known here") }
    attributes.formUnion(.always)
    switch type {
    case "tmpfs": return .tmpfs(try memoryOptions(data ?? "", memoryLimit), attributes)
    case "proc":
      if let data, !data.isEmpty { throw Refusal(invalid, "proc has no options here") }
      return .proc(attributes)
    case "overlay":
      let layers = try layers(data ?? "")
      if layers.upper == nil { attributes.insert(.readOnly) }
      return .overlay(layers, attributes)
    default: throw Refusal(notPermitted, "only tmpfs, proc, overlay and bind mounts are made")
    }
  }

  private static func words(_ data: String) -> [(key: String, value: String?)] {
    data.utf8.split(separator: 0x2c).map { word in
      guard let equals = word.firstIndex(of: 0x3d) else { return (String(Substring(word)), nil) }
      return (String(Substring(word[..<equals])), String(Substring(word[word.index(after: equals)...])))
    }
  }

  private static func memoryOptions(_ data: String, _ limit: UInt64) throws(Refusal) -> [Option] {
    var size = limit
    var inodes: UInt64?
    var options: [Option] = []
    for (key, value) in words(data) {
      switch (key, value) {
      case ("size", let value?):
        guard let bytes = TmpfsOptions.quantity(value, percentOf: limit) else {
          throw Refusal(invalid, "size is no number")
        }
        // 0 means no limit.
        if bytes != 0 { size = min(bytes, limit) }
      case ("nr_inodes", let value?):
        guard let count = TmpfsOptions.quantity(value, percentOf: nil) else {
          throw Refusal(invalid, "nr_inodes is no number")
        }
        inodes = count
      case ("mode", let value?):
        guard let mode = UInt32(value, radix: 8), mode <= 0o1777 else {
          throw Refusal(invalid, "mode is not permitted")
        }
        options.append(Option(key, value))
      case ("uid", let value?), ("gid", let value?):
        guard UInt32(value) != nil else { throw Refusal(invalid, key + " is no number") }
        options.append(Option(key, value))
      default: throw Refusal(invalid, "option " + key + " of tmpfs is not known here")
      }
    }
    options.append(Option("size", String(size)))
    let most = TmpfsOptions.inodes(ofSize: size)
    options.append(Option("nr_inodes", String(inodes.map { $0 == 0 ? most : min($0, most) } ?? most)))
    return options
  }

  private static func layers(_ data: String) throws(Refusal) -> Layers {
    var layers = Layers()
    for (key, value) in words(data) {
      switch (key, value) {
      case ("lowerdir", let value?): layers.lower = value.utf8.split(separator: 0x3a).map { String(Substring($0)) }
      case ("upperdir", let value?): layers.upper = value
      case ("workdir", let value?): layers.work = value
      // What is set anyway, or would be turned off.
      case ("userxattr", nil), ("volatile", nil), ("redirect_dir", "off"), ("redirect_dir", "nofollow"),
        ("metacopy", "off"), ("index", "off"), ("xino", "off"), ("nfs_export", "off"):
        break
      default: throw Refusal(invalid, "option " + key + " of overlay is not known here")
      }
      if let value, value.utf8.contains(0x5c) { throw Refusal(invalid, "backslashes in paths are not known here") }
    }
    if layers.lower.isEmpty || layers.lower.count > layerLimit {
      throw Refusal(invalid, "lowerdir is missing or too long")
    }
    if (layers.upper == nil) != (layers.work == nil) { throw Refusal(invalid, "upperdir and workdir belong together") }
    if layers.lower.contains("") || layers.upper == "" || layers.work == "" {
      throw Refusal(invalid, "a path is empty")
    }
    return layers
  }
}
