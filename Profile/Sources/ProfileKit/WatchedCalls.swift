import FoundationEssentials
import OCISpec
import ShimPolicy
import SyscallCatalogue

/// What `rcontainer profile learn` has seen: one of the files that it writes.
public struct WatchedCalls: Sendable {
  public let file: String
  public let calls: Set<String>
  public let architecture: Architecture

  /// Policies that `learn` writes are far smaller.
  static let limit = 1 << 20

  public init(file: String) throws(ProfileError) {
    // Seen from the root, as it does not wait for pipes and devices.
    let path = file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
    let root = try RootFileSystem("/")
    guard root.resolve(path) != nil else { throw ProfileError("\(file) is not there") }
    guard let bytes = root.contents(path, limit: Self.limit + 1) else { throw ProfileError("\(file) cannot be read") }
    guard bytes.count <= Self.limit else { throw ProfileError("\(file) is no policy: it is larger than 1 MiB") }
    try self.init(file: file, json: bytes)
  }

  public init(file: String, json: [UInt8]) throws(ProfileError) {
    let policy: ShimPolicy
    do throws(SpecError) {
      policy = try ShimPolicy(json: json, file: file)
    } catch {
      throw ProfileError(error.description)
    }
    guard let architecture = policy.watchedOn else {
      throw ProfileError("\(file) was not learned: give what `rcontainer profile learn` wrote")
    }
    self.file = file
    self.architecture = architecture
    calls = Set(
      policy.classes.indices.compactMap { (index: Int) -> String? in
        guard SyscallCatalogue.number(at: index, on: architecture) != nil, policy.reaches(at: index) else { return nil }
        return SyscallCatalogue.name(at: index)
      })
  }
}

/// What code can call, as far as it was watched or is kin to that.
public struct JoinedCalls: Sendable {
  /// What may be called.
  public let allowed: Set<String>
  /// Of these what was not watched, and why it is allowed.
  public let kin: [String: String]
  /// What the code can call, and was neither watched nor is kin.
  public let withheld: Set<String>
  /// What was watched, and is not in the code.
  public let foreign: Set<String>

  /// - Parameters:
  ///   - code: what the code can call, as far as that was found.
  ///   - isComplete: whether that is all. If not, what was watched is taken to be in the code.
  public init(code: Set<String>, isComplete: Bool, watched: Set<String>) {
    let always = Set(DerivedPolicy.always)
    foreign = watched.subtracting(code).subtracting(always)
    var allowed = watched.intersection(code).union(always)
    var kin = CallKin.kin(of: watched).filter { code.contains($0.key) || always.contains($0.key) }
    var possible = code.union(always)
    if !isComplete {
      // What is not in the code was made where the number is not known, and so would its kin be.
      possible.formUnion(DerivedPolicy.base)
      if !foreign.isEmpty {
        kin.merge(CallKin.kin(of: foreign).filter { possible.contains($0.key) }) { old, _ in old }
        kin = kin.filter { !watched.contains($0.key) }
      }
      allowed.formUnion(foreign)
    }
    allowed.formUnion(kin.keys)
    self.allowed = allowed
    withheld = possible.subtracting(allowed)
    self.kin = kin
  }

  /// Refuses what was watched of another program: most of what tells programs apart is not in the code.
  /// - Parameter programs: what the code is of, for the message.
  public static func check(_ watched: WatchedCalls, code: Set<String>, of programs: String) throws(ProfileError) {
    let telling = watched.calls.filter { !CallKin.isCommon($0) }
    let found = telling.intersection(code)
    if found.count * 2 < telling.count {
      throw ProfileError(
        "\(watched.file) was learned from another program: \(telling.count - found.count) of the \(telling.count) calls "
          + "in it that tell programs apart are not in the code of \(programs)")
    }
  }
}
