import SyscallCatalogue

/// What a software con-shim lets its container do: the class of every system call, and what else it holds to.
///
/// The catalogue's own classes are the policy "default"; a policy file says in what it differs from another one.
public struct ShimPolicy: Equatable, Sendable {
  public var name: String
  /// One line for people.
  public var summary: String
  /// By place in the catalogue.
  public private(set) var classes: [CallClass]
  /// Whether programs for the other architectures that the kernel runs (i386, x32, 32-bit Arm) may make calls at all.
  public var otherArchitectures = false
  /// Memory may be writable and then executable, or both. If not, `PR_SET_MDWE` (prctl(2)) refuses it.
  public var writeExecute = true
  /// Which programs may be executed.
  public var exec = ExecRule.any
  /// Files of /proc and /sys that tell of memory, processors and time are the container's own, if it has limits.
  public var ownFiles = true
  /// The supervisor makes mounts, device nodes and extended attributes for the container, as far as ``Nested`` says.
  public var nested = false
  /// Where the calls were watched that the policy was learned from. It changes nothing of what the policy does.
  public var watchedOn: Architecture?

  init(name: String, summary: String, classes: [CallClass]) {
    self.name = name
    self.summary = summary
    self.classes = classes
  }

  /// Every call as the catalogue says.
  public static var catalogue: ShimPolicy {
    ShimPolicy(
      name: "catalogue", summary: "the classes of the catalogue",
      classes: (0..<SyscallCatalogue.count).map { SyscallCatalogue.callClass(at: $0) })
  }

  /// No call at all.
  static var nothing: ShimPolicy {
    ShimPolicy(
      name: "nothing", summary: "",
      classes: [CallClass](repeating: .denied(error: 1), count: SyscallCatalogue.count))
  }

  /// What a call meets; nil for a name that is none.
  public func callClass(_ name: String) -> CallClass? {
    SyscallCatalogue.index(of: name).map { classes[$0] }
  }

  /// By place in the catalogue: the error of a call that is not made.
  public var errors: [UInt16] {
    classes.map {
      switch $0 {
      case .direct: 1
      case .checked(_, let error), .mediated(let error), .denied(let error): error
      }
    }
  }

  mutating func set(_ index: Int, _ callClass: CallClass) { classes[index] = callClass }

  /// Whether a call can reach the kernel, or the supervisor, with some arguments.
  public func reaches(at index: Int) -> Bool {
    switch classes[index] {
    case .direct, .checked, .mediated(error: 0): true
    case .mediated: nested && Nested.calls.contains(SyscallCatalogue.name(at: index))
    case .denied: false
    }
  }

  /// How many calls of an architecture can reach the kernel.
  public func reach(on architecture: Architecture = .native) -> Int {
    classes.indices.reduce(0) {
      $0 + (SyscallCatalogue.number(at: $1, on: architecture) != nil && reaches(at: $1) ? 1 : 0)
    }
  }
}

/// Which programs the processes of a container may execute, by the file that the kernel loaded.
public enum ExecRule: Equatable, Sendable {
  case any
  /// What has not changed since the container was started: what its image and its mounts brought.
  case image
  /// These only, by absolute paths in the container, unchanged as well.
  case paths([String])
}

extension ExecRule: CustomStringConvertible {
  public var description: String {
    switch self {
    case .any: "any"
    case .image: "image"
    case .paths(let paths): paths.reduce("") { $0 + ($0.isEmpty ? "" : " ") + $1 }
    }
  }
}
