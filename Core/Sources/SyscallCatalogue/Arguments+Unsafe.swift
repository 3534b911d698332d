/// An argument of a system call: its name in the kernel, and what the kernel does with it.
public struct SyscallArgument: Equatable, Sendable {
  public let name: String
  public let kind: Kind

  /// What an argument is. `count` and `argument` are places of other arguments, from 0.
  public enum Kind: Equatable, Sendable {
    /// As large as a register.
    case number
    /// A descriptor, or AT_FDCWD.
    case descriptor
    /// Of the caller's memory, but not read or written for data, or not during the call.
    case address
    /// A string that ends with NUL.
    case path
    /// An array of such strings that ends with null.
    case strings
    /// Memory that the kernel reads, writes, or both.
    case input(Extent)
    case output(Extent)
    case both(Extent)
    /// An array of iovec and what they point to, read or written.
    case vectorIn(count: Int)
    case vectorOut(count: Int)
    /// A msghdr and what it points to, read or written.
    case messageIn
    case messageOut
    /// Memory that the kernel writes; the next argument points to its length, which the kernel changes.
    case sized
    case length
    /// Bits, as many as argument 0 says, rounded up to 64, which the kernel changes.
    case set
    /// Points to address and size of a signal mask.
    case maskPointer
    /// It depends on other arguments.
    case any
  }

  /// How long a piece of memory is.
  public enum Extent: Equatable, Sendable {
    case bytes(Int)
    case counted(argument: Int, unit: Int)
  }

  /// Whether it is a pointer, or may be one.
  public var isPointer: Bool {
    switch kind {
    case .number, .descriptor: false
    default: true
    }
  }
}

extension SyscallCatalogue {
  /// The arguments of the call at a place of the sorted table, on a 64-bit machine; nil if they are not described:
  /// it is a call of 32-bit machines, or a number without a call.
  public static func arguments(at index: Int, on architecture: Architecture = .native) -> [SyscallArgument]? {
    let start = argumentStarts[index]
    if start < 0 { return nil }
    return (0..<Int(start & 7)).map { argument(Int(start >> 3) + $0, architecture) }
  }

  /// The arguments of a call by its name.
  public static func arguments(_ name: String, on architecture: Architecture = .native) -> [SyscallArgument]? {
    index(of: name).flatMap { arguments(at: $0, on: architecture) }
  }

  private static func argument(_ place: Int, _ architecture: Architecture) -> SyscallArgument {
    // SAFETY: the offsets lie inside the literal (tested for all arguments).
    let range = Int(argumentNameOffsets[place])..<Int(argumentNameOffsets[place + 1])
    let name = unsafe String(
      decoding: UnsafeBufferPointer(rebasing: argumentNames.utf8Buffer[range]), as: UTF8.self)
    return SyscallArgument(name: name, kind: kind(argumentValues[place], architecture))
  }

  /// Unpacks what scripts/generate-syscall-catalogue packed.
  private static func kind(_ packed: UInt32, _ architecture: Architecture) -> SyscallArgument.Kind {
    let value = Int(packed >> 7)
    let counter = value & 7
    let extent: SyscallArgument.Extent
    if packed >> 5 & 3 == 2 {
      let layout = value >> 12
      extent = .counted(argument: counter, unit: layout > 0 ? size(of: layout, architecture) : value >> 3)
    } else {
      extent = .bytes(value >> 12 > 0 ? size(of: value >> 12, architecture) : value)
    }
    switch packed & 31 {
    case 0: return .number
    case 1: return .descriptor
    case 2: return .address
    case 3: return .path
    case 4: return .strings
    case 5: return .input(extent)
    case 6: return .output(extent)
    case 7: return .both(extent)
    case 8: return .vectorIn(count: counter)
    case 9: return .vectorOut(count: counter)
    case 10: return .messageIn
    case 11: return .messageOut
    case 12: return .sized
    case 13: return .length
    case 14: return .set
    case 15: return .maskPointer
    default: return .any
    }
  }

  /// Bytes of the structures that differ: struct stat (1) and struct epoll_event (2).
  private static func size(of layout: Int, _ architecture: Architecture) -> Int {
    let isX86 = architecture == .x86_64 || architecture == .x32
    return layout == 1 ? (isX86 ? 144 : 128) : (isX86 ? 12 : 16)
  }
}
