/// The mounts of a namespace (proc_pid_mountinfo(5)).
public struct MountTable: Sendable {
  public struct Entry: Equatable, Sendable {
    public let id, parent: Int
    /// Numbers of the device, as text.
    public let device: String
    /// What of the file system is shown, and where.
    public let root, point: String
    /// It is one of several that get each other's mounts.
    public let isShared: Bool
    public let type: String
  }

  public private(set) var entries: [Entry] = []

  /// - Throws: for a line that does not have the form.
  public init(_ text: String) throws(Nested.Refusal) {
    for line in text.utf8.split(separator: 0x0a) {
      let words = line.split(separator: 0x20).map { String(Substring($0)) }
      guard words.count >= 9, let id = Int(words[0]), let parent = Int(words[1]),
        let dash = words.indices.dropFirst(6).first(where: { words[$0] == "-" }), dash + 1 < words.count
      else { throw Nested.Refusal(5, "the mounts can't be read") }
      entries.append(
        Entry(
          id: id, parent: parent, device: words[2], root: words[3], point: words[4],
          isShared: words[6..<dash].contains { $0.utf8.starts(with: "shared:".utf8) }, type: words[dash + 1]))
    }
  }

  public func entry(_ id: Int) -> Entry? { entries.first { $0.id == id } }

  /// Which of the mounts are there still.
  public func present(_ ids: [Int]) -> [Int] { ids.filter { entry($0) != nil } }

  /// Whether a mount is one of these, or lies on one of them.
  private func descends(_ entry: Entry, from ids: [Int]) -> Bool {
    var current: Entry? = entry
    // A loop is no table that a kernel writes; it ends here.
    for _ in entries.indices {
      guard let here = current else { return false }
      if ids.contains(here.id) { return true }
      current = here.parent == here.id ? nil : self.entry(here.parent)
    }
    return false
  }

  /// Below /proc or /sys.
  private static func isKernels(_ point: String) -> Bool {
    point.utf8.starts(with: "/proc/".utf8) || point.utf8.starts(with: "/sys/".utf8)
  }

  /// Why directories of a file system may not be shown at a second place. A mount hides what lies below it, and narrows what
  /// can be done with it, at one place only: elsewhere, or after a rename, the same files would be seen without it. Below what
  /// the runtime mounts on the root of the container lies the image, which is no secret to it; below other mounts may lie
  /// what the container was not given.
  /// - Parameters:
  ///   - id: the mount that the directory is on.
  ///   - own: mounts that were made here.
  ///   - root: the mount that is the container's root.
  ///   - hidesInRoot: the configuration masks paths, or makes some read-only, outside of /proc and /sys.
  public func objection(toShowing id: Int, own: [Int], root: Int, hidesInRoot: Bool) -> String? {
    guard let source = entry(id) else { return "its mount is not in sight" }
    if hidesInRoot, !descends(source, from: own) {
      return "the configuration hides paths that could be seen at the new place"
    }
    for mount in entries where mount.parent != mount.id && !descends(mount, from: own) {
      guard let below = entry(mount.parent), below.device == source.device else { continue }
      // On the root it is what covers parts of a /proc or /sys that belongs to the image.
      if below.id == root, !Self.isKernels(mount.point) { continue }
      if below.point == "/proc" || below.point == "/sys" || below.point == "/dev" { continue }
      if mount.device == below.device || mount.type == "tmpfs" || mount.root == "/null" {
        return "what " + mount.point + " hides could be seen at the new place"
      }
    }
    return nil
  }
}
