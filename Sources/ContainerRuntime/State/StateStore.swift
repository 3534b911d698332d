import CLinux
import LinuxSystem
import OCISpec

/// The directory below which each container has one of its own, named by its id.
public struct StateStore: ~Copyable {
  public let path: String
  private let directory: Descriptor

  /// Opens the store, making its directory (mode 0700) if it isn't there.
  public init(path: String) throws(RuntimeError) {
    self.path = path
    directory = try at(
      .state, "opening " + path, hint: "choose another directory with --root"
    ) { () throws(Errno) in
      do throws(Errno) { return try open(path, O_PATH | O_DIRECTORY) } catch  where error == .noEntry {}
      try makeDirectories(path, mode: 0o700)
      return try open(path, O_PATH | O_DIRECTORY)
    }
  }

  /// Where state goes when `--root` doesn't say: of root, or of a user.
  public static func defaultPath() -> String {
    if !isRootless() { return "/run/rcontainer" }
    if let runtime = environmentValue("XDG_RUNTIME_DIR"), !runtime.isEmpty {
      return runtime + "/rcontainer"
    }
    return "/tmp/rcontainer-\(effectiveUser())"
  }

  /// An id is a name, not a path.
  public static func checkID(_ id: String) throws(RuntimeError) {
    let allowed = id.utf8.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a)
        || (byte >= 0x61 && byte <= 0x7a) || byte == 0x5f || byte == 0x2b || byte == 0x2d
        || byte == 0x2e
    }
    guard !id.isEmpty, id.utf8.count <= 255, allowed, id != ".", id != ".." else {
      throw RuntimeError(
        .options, "invalid container id \"" + id + "\"",
        hint: "use letters, digits, '_', '+', '-' and '.'")
    }
  }

  /// Makes the directory of a new container; who makes it owns the id.
  public borrowing func claim(_ id: String) throws(RuntimeError) -> ContainerDirectory {
    try Self.checkID(id)
    do throws(Errno) {
      try makeDirectory(id, at: directory.raw, mode: 0o700)
    } catch  where error == .exists {
      throw RuntimeError(
        .state, "container with id exists: " + id, hint: "delete it, or choose another id")
    } catch { throw RuntimeError(.state, "making " + path + "/" + id, error) }
    return try find(id)
  }

  /// Opens the directory of a container.
  /// - Throws: stage `state` if there is none.
  public borrowing func find(_ id: String) throws(RuntimeError) -> ContainerDirectory {
    try Self.checkID(id)
    do throws(Errno) {
      let found = try open(id, at: directory.raw, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      return ContainerDirectory(id: id, descriptor: found)
    } catch  where error == .noEntry {
      throw RuntimeError(.state, "container does not exist: " + id)
    } catch { throw RuntimeError(.state, "opening " + path + "/" + id, error) }
  }

  /// The ids of all containers, sorted.
  public borrowing func ids() throws(RuntimeError) -> [String] {
    try at(.state, "listing " + path) { () throws(Errno) in
      let readable = try open(".", at: directory.raw, O_RDONLY | O_DIRECTORY)
      return try list(readable.raw).sorted()
    }
  }

  /// Removes the directory of a container and the files of ours in it.
  public borrowing func remove(_ container: borrowing ContainerDirectory) throws(RuntimeError) {
    try at(.deletion, "removing " + path + "/" + container.id) { () throws(Errno) in
      for name in try list(container.raw) { try LinuxSystem.remove(name, at: container.raw) }
      do throws(Errno) {
        try LinuxSystem.remove(container.id, at: directory.raw, isDirectory: true)
      } catch  where error == .noEntry {}
    }
  }
}

/// The open directory of one container.
public struct ContainerDirectory: ~Copyable {
  public let id: String
  private let descriptor: Descriptor

  init(id: String, descriptor: consuming Descriptor) {
    self.id = id
    self.descriptor = descriptor
  }

  public var raw: Int32 { descriptor.raw }

  /// Waits until no other call works on this container. Ends with the process, or ``unlock()``.
  public borrowing func lock() throws(RuntimeError) {
    try at(.state, "locking " + id) { () throws(Errno) in try lockFile(raw, exclusive: true) }
  }

  public borrowing func unlock() { _ = rc_flock(raw, LOCK_UN) }

  /// Writes the record so that a reader sees the old or the new one, never half of it.
  public borrowing func save(_ record: ContainerRecord) throws(RuntimeError) {
    try at(.state, "writing the state of " + id) { () throws(Errno) in
      let file = try open(
        "state.json.new", at: raw, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
      try writeAll(file.raw, record.encoded())
      try rename("state.json.new", to: "state.json", at: raw)
    }
  }

  /// The record; nil when the creator was killed before it wrote one.
  public borrowing func load() throws(RuntimeError) -> ContainerRecord? {
    let bytes: [UInt8]
    do throws(Errno) {
      let file = try open("state.json", at: raw, O_RDONLY | O_NOFOLLOW)
      bytes = try readAll(file.raw, limit: 4 << 20)
    } catch  where error == .noEntry { return nil } catch {
      throw RuntimeError(.state, "reading the state of " + id, error)
    }
    do throws(SpecError) {
      return try ContainerRecord(decoding: bytes)
    } catch {
      throw RuntimeError(.state, "state of " + id + ": " + error.description)
    }
  }

  /// Where `start` finds the container's first process. Short enough for any state directory
  /// (unix(7): 107 bytes).
  public var startSocketPath: String { "/proc/self/fd/\(raw)/start" }
  /// Where `exec` finds the container's supervisor.
  public var supervisorSocketPath: String { "/proc/self/fd/\(raw)/supervisor" }
}
