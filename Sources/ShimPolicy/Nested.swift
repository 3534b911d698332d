import SyscallCatalogue

/// What a policy with `nested` lets the supervisor do for a container: mounts, device nodes and extended attributes.
public enum Nested {
  /// Calls that are judged, unless the policy's own rules say otherwise.
  public static let calls = [
    "mount", "umount2", "umount", "mknod", "mknodat", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
    "lremovexattr", "fremovexattr",
  ]
  /// Calls that go to the kernel besides: what was set can be read.
  static let readingCalls = ["getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr"]

  /// Why something is not done: the number of errno(3), and words for the audit.
  public struct Refusal: Error, Equatable, Sendable {
    public let error: UInt16
    public let reason: String

    public init(_ error: UInt16, _ reason: String) {
      self.error = error
      self.reason = reason
    }
  }

  static let notPermitted: UInt16 = 1
  static let invalid: UInt16 = 22
  static let notSupported: UInt16 = 95

  // MARK: device nodes

  /// What mknod(2) is asked for.
  public enum Node: Equatable, Sendable {
    /// A device of those that every container has, by its name in /dev.
    case device(name: String, minor: UInt32, major: UInt32)
    /// What stands for a deleted file in an upper layer of overlayfs: a character device with the number 0.
    case whiteout
  }

  /// The devices of runtime-spec, config-linux.md, "Default Devices", without those that the runtime makes per container.
  private static let devices: [(name: String, major: UInt32, minor: UInt32)] = [
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
  ]

  /// - Parameters:
  ///   - mode: type and permissions.
  ///   - device: as the kernel packs it for system calls (MKDEV of include/linux/kdev_t.h, "new_encode_dev").
  public static func node(mode: UInt64, device: UInt64) throws(Refusal) -> Node {
    guard mode & 0xf000 == 0x2000 else {
      throw Refusal(notPermitted, "only character devices of the usual set are made")
    }
    // The kernel looks at 32 bits.
    let number = UInt32(truncatingIfNeeded: device)
    let major = number >> 8 & 0xfff
    let minor = number & 0xff | (number >> 12 & 0xfff00)
    if major == 0, minor == 0 { return .whiteout }
    for known in devices where known.major == major && known.minor == minor {
      return .device(name: known.name, minor: minor, major: major)
    }
    throw Refusal(notPermitted, "device \(major):\(minor) is not of the usual set")
  }

  // MARK: attributes

  /// The longest name and value that the kernel takes (include/uapi/linux/limits.h, XATTR_NAME_MAX, XATTR_SIZE_MAX).
  public static let attributeNameLimit = 255, attributeValueLimit = 65536

  /// Attributes of the kernel's (`security.*`, `system.*`) and of root's (`trusted.*`) are what programs are trusted by.
  public static func checkAttribute(_ name: String) throws(Refusal) {
    let bytes = name.utf8
    if bytes.isEmpty || bytes.count > attributeNameLimit { throw Refusal(34, "the name is empty or too long") }
    guard bytes.starts(with: "user.".utf8) else { throw Refusal(notSupported, "only attributes user.* are set") }
    if bytes.count == 5 { throw Refusal(invalid, "the name is empty") }
  }
}

extension ShimPolicy {
  /// Makes the calls of ``Nested`` what the catalogue says, where the base denies them.
  mutating func allowNested() {
    for name in Nested.calls {
      guard let index = SyscallCatalogue.index(of: name), case .denied = classes[index] else { continue }
      set(index, SyscallCatalogue.callClass(at: index))
    }
    for name in Nested.readingCalls {
      guard let index = SyscallCatalogue.index(of: name), case .denied = classes[index] else { continue }
      set(index, .direct)
    }
  }

  /// Names of the calls that the supervisor judges for `nested`: those that the filter does not let pass, nor deny.
  public var nestedCalls: [String] {
    if !nested { return [] }
    return Nested.calls.filter {
      switch callClass($0) {
      case .checked: true
      case .mediated(let error): error != 0
      default: false
      }
    }
  }
}
