import CLinux
import LinuxSystem
import ShimPolicy

/// Who made a call, and what the call's paths start from. It is true if the call still waits after this was made.
struct Caller {
  /// Namespaces; root and working directory, open without the right to read them.
  let users, mounts, root, directory: Int32
  /// Ids that count for files and the effective user, as the container's user namespace has them.
  let user, group, effectiveUser: UInt32
  /// Nil if they are this process's.
  let groups: [UInt32]?
  let fileMask: UInt32
  /// Effective ones.
  let capabilities: UInt64
  /// Its user namespace is not this process's.
  let hasOtherUsers: Bool
  /// It is what stands for root in the container: user 0, or the only user that there is.
  let isAdministrator: Bool

  /// Namespaces, by the numbers of their files.
  struct Home: Equatable, Sendable { let users, mounts: UInt64 }

  let home: Home

  /// - Parameters:
  ///   - home: the container's namespaces, if they are known.
  ///   - opened: keeps what is opened.
  init(_ thread: Int32, home known: Home?, _ opened: DescriptorSet) throws(Nested.Refusal) {
    do throws(Errno) {
      let place = "/proc/\(thread)/"
      users = opened.insert(try open(place + "ns/user", O_RDONLY))
      mounts = opened.insert(try open(place + "ns/mnt", O_RDONLY))
      root = opened.insert(try open(place + "root", O_PATH | O_DIRECTORY))
      directory = opened.insert(try open(place + "cwd", O_PATH | O_DIRECTORY))
      let own = try status("/proc/self/ns/user", at: Directory.current)
      let here = try status("/proc/self/ns/mnt", at: Directory.current)
      let (users, mounts) = (try status(at: users), try status(at: mounts))
      hasOtherUsers = !users.isSameFile(as: own)
      if mounts.isSameFile(as: here) { throw Errno.notPermitted }
      home = Home(users: users.inode, mounts: mounts.inode)
      if let known, known != home { throw Errno.notPermitted }
      let status = try ThreadStatus(thread)
      let userMap = IDMap(try readFile(place + "uid_map", limit: 65536))
      let groupMap = IDMap(try readFile(place + "gid_map", limit: 65536))
      let (ids, groupIDs) = (status.numbers("Uid"), status.numbers("Gid"))
      guard ids.count == 4, groupIDs.count == 4, let user = userMap.inside(ids[3]),
        let group = groupMap.inside(groupIDs[3]), let effective = userMap.inside(ids[1]),
        let mask = status.numbers("Umask", radix: 8).first, let capabilities = status.numbers("CapEff", radix: 16).first
      else { throw Errno.notPermitted }
      (self.user, self.group, effectiveUser) = (user, group, effective)
      let mine = try ThreadStatus.own().numbers("Groups")
      let its = status.numbers("Groups")
      if mine == its {
        groups = nil
      } else {
        let inside = its.compactMap { groupMap.inside($0) }
        if inside.count != its.count { throw Errno.notPermitted }
        groups = inside
      }
      fileMask = UInt32(truncatingIfNeeded: mask)
      self.capabilities = capabilities
      isAdministrator = effective == 0 || (userMap.count == 1 && userMap.inside(ids[1]) != nil)
    } catch  where error == .notPermitted || error == .accessDenied {
      throw Nested.Refusal(
        UInt16(EPERM), "the caller is not in the container's own namespaces, or has ids that these lack")
    } catch {
      throw Nested.Refusal(UInt16(EPERM), "the caller can't be seen")
    }
  }

  /// Ids of a user namespace (user_namespaces(7), uid_map).
  private struct IDMap {
    private var ranges: [(inside: UInt64, outside: UInt64, count: UInt64)] = []

    init(_ text: String) {
      for line in text.utf8.split(separator: 0x0a) {
        let words = line.split(separator: 0x20).compactMap { UInt64(String(Substring($0))) }
        if words.count == 3 { ranges.append((words[0], words[1], words[2])) }
      }
    }

    /// How many ids there are.
    var count: UInt64 { ranges.reduce(0) { $0 + $1.count } }

    func inside(_ outside: UInt64) -> UInt32? {
      for range in ranges where outside >= range.outside && outside - range.outside < range.count {
        return UInt32(exactly: range.inside + (outside - range.outside))
      }
      return nil
    }
  }
}
