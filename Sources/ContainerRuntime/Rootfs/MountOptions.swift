import CLinux
import LinuxSystem
import OCISpec

/// The options of one mount of the configuration, sorted by what they act on
/// (runtime-spec config.md, "Linux mount options"; mount(8)).
struct MountOptions: Equatable {
  /// `RC_ATTR_*` bits for the mount itself.
  var set: UInt64 = 0
  var clear: UInt64 = 0
  /// The same for the mount and everything below it (`rro`, `rnosuid`, …).
  var recursiveSet: UInt64 = 0
  var recursiveClear: UInt64 = 0
  /// `MS_*` propagation flags, each maybe with `MS_REC`, in their order.
  var propagation: [UInt] = []
  var isBind = false
  /// With everything mounted below the source.
  var isRecursiveBind = false
  /// Flags of the superblock that fsconfig(2) knows by name: `sync`, `dirsync`, `lazytime`, `mand`.
  var superblockFlags: [String] = []
  /// What the file system itself reads.
  var data: [String] = []
  /// The file system's directory is copied into the fresh tmpfs.
  var copyUp = false
  var idmap = IDMap.none

  enum IDMap { case none, mount, recursive }

  /// Whether the mount is to be read-only.
  var isReadOnly: Bool { self.set & UInt64(RC_ATTR_RDONLY) != 0 }

  init(_ options: [String]) {
    for option in options { add(option) }
  }

  private mutating func add(_ option: String) {
    switch option {
    case "bind": isBind = true
    case "rbind": (isBind, isRecursiveBind) = (true, true)
    case "tmpcopyup": copyUp = true
    case "idmap": idmap = .mount
    case "ridmap": idmap = .recursive
    case "defaults", "loud", "silent", "": break
    // Said with remount: the mount is new in any case.
    case "remount": break
    case "sync", "dirsync", "lazytime", "mand": superblockFlags.append(option)
    case "async": superblockFlags.removeAll { $0 == "sync" }
    case "nolazytime": superblockFlags.removeAll { $0 == "lazytime" }
    case "nomand": superblockFlags.removeAll { $0 == "mand" }
    case "private": propagation.append(UInt(MS_PRIVATE))
    case "rprivate": propagation.append(UInt(MS_PRIVATE) | UInt(MS_REC))
    case "shared": propagation.append(UInt(MS_SHARED))
    case "rshared": propagation.append(UInt(MS_SHARED) | UInt(MS_REC))
    case "slave": propagation.append(UInt(MS_SLAVE))
    case "rslave": propagation.append(UInt(MS_SLAVE) | UInt(MS_REC))
    case "unbindable": propagation.append(UInt(MS_UNBINDABLE))
    case "runbindable": propagation.append(UInt(MS_UNBINDABLE) | UInt(MS_REC))
    default:
      if let change = Self.attribute(option) {
        Self.apply(change, &set, &clear)
      } else if option.utf8.first == 0x72, let change = Self.attribute(String(option.dropFirst())) {
        Self.apply(change, &recursiveSet, &recursiveClear)
      } else {
        data.append(option)
      }
    }
  }

  private typealias Change = (bits: UInt64, on: Bool)

  /// The attribute of a mount that `name` turns on or off.
  private static func attribute(_ name: String) -> Change? {
    switch name {
    case "ro": (UInt64(RC_ATTR_RDONLY), true)
    case "rw": (UInt64(RC_ATTR_RDONLY), false)
    case "nosuid": (UInt64(RC_ATTR_NOSUID), true)
    case "suid": (UInt64(RC_ATTR_NOSUID), false)
    case "nodev": (UInt64(RC_ATTR_NODEV), true)
    case "dev": (UInt64(RC_ATTR_NODEV), false)
    case "noexec": (UInt64(RC_ATTR_NOEXEC), true)
    case "exec": (UInt64(RC_ATTR_NOEXEC), false)
    case "nodiratime": (UInt64(RC_ATTR_NODIRATIME), true)
    case "diratime": (UInt64(RC_ATTR_NODIRATIME), false)
    case "nosymfollow": (UInt64(RC_ATTR_NOSYMFOLLOW), true)
    case "symfollow": (UInt64(RC_ATTR_NOSYMFOLLOW), false)
    // The three kinds of access time exclude each other: a choice clears the others.
    case "noatime": (UInt64(RC_ATTR_NOATIME), true)
    case "strictatime": (UInt64(RC_ATTR_STRICTATIME), true)
    case "relatime", "atime", "nostrictatime", "norelatime": (UInt64(RC_ATTR_RELATIME), true)
    default: nil
    }
  }

  private static func apply(_ change: Change, _ set: inout UInt64, _ clear: inout UInt64) {
    let times = UInt64(RC_ATTR_ATIME_MASK)
    if change.bits & ~times == 0 {  // a kind of access time; mount_setattr wants the whole mask cleared
      set = set & ~times | change.bits
      clear |= times
    } else if change.on {
      set |= change.bits
      clear &= ~change.bits
    } else {
      clear |= change.bits
      set &= ~change.bits
    }
  }

  /// The same attributes as flags of mount(2), for what the new interface can't do.
  var classicFlags: UInt {
    Self.classic(set)
  }

  /// `RC_ATTR_*` bits as `MS_*` flags.
  static func classic(_ attributes: UInt64) -> UInt {
    var flags: UInt = 0
    func map(_ attribute: Int, _ flag: Int) {
      if attributes & UInt64(attribute) != 0 { flags |= UInt(flag) }
    }
    map(RC_ATTR_RDONLY, MS_RDONLY)
    map(RC_ATTR_NOSUID, MS_NOSUID)
    map(RC_ATTR_NODEV, MS_NODEV)
    map(RC_ATTR_NOEXEC, MS_NOEXEC)
    map(RC_ATTR_NODIRATIME, MS_NODIRATIME)
    map(RC_ATTR_NOATIME, MS_NOATIME)
    map(RC_ATTR_STRICTATIME, MS_STRICTATIME)
    map(RC_ATTR_NOSYMFOLLOW, 256)
    return flags
  }
}

extension MountOptions {
  /// All options that don't go to a file system, for `features`.
  static let names = [
    "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "lazytime",
    "loud", "mand", "noatime", "nodev", "nodiratime", "noexec", "nolazytime", "nomand", "norelatime",
    "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime",
    "relatime", "remount", "rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec",
    "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro",
    "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared",
    "silent", "slave", "strictatime", "suid", "symfollow", "sync", "tmpcopyup", "unbindable",
  ]
}
