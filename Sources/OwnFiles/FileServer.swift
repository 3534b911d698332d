import CLinux
import Cgroups
import LinuxSystem

/// The process that makes what a container's own files of /proc and /sys say, when they are read. It has no capabilities, and
/// ends when the last mount of the files is gone; when it is gone first, reading them fails (ENOTCONN).
public enum OwnFiles {
  /// A file and where the container has it.
  public struct File: Sendable {
    /// In the file system of the server.
    public let name: String
    /// In the container.
    public let path: String
  }

  public static let files: [File] =
    ["meminfo", "cpuinfo", "stat", "uptime", "loadavg", "swaps"].map { File(name: $0, path: "/proc/" + $0) }
    + ["online", "possible", "present"].map { File(name: $0, path: "/sys/devices/system/cpu/" + $0) }

  /// The number of the first file; the root has 1 (FUSE_ROOT_ID).
  private static let firstNode: UInt64 = 2

  /// What is there before a container is.
  public struct Running: Sendable {
    public let pid: Int32
    /// A detached mount with the files.
    public let mount: Int32
  }

  /// Mounts the files and starts the server, as a child of this process, which has to have the right to mount.
  /// - Parameters:
  ///   - opened: keeps the mount.
  public static func start(_ cgroup: Cgroup, opened: DescriptorSet) throws(Errno) -> Running {
    let files = try mount()
    let pid = try serve(files.device.raw, cgroup)
    return Running(pid: pid, mount: opened.insert(files.root))
  }

  /// Mounts the files as root of a user namespace, where nobody serves them yet.
  /// - Returns: nil where that can't be. The device has to be handed to ``serve(_:_:)`` outside before anything in the mount
  ///   is looked up.
  public static func mountInside() -> Mounted? { try? mount() }

  /// Starts the server, as a child of this process.
  /// - Parameter device: what the kernel asks it through.
  public static func serve(_ device: Int32, _ cgroup: Cgroup) throws(Errno) -> Int32 {
    switch try clone(flags: 0) {
    case .child:
      do throws(Errno) {
        try startSession()
        // Standard error too: an engine waits until everybody has closed it.
        try closeAll(but: [device])
        try changeDirectory("/")
        try processControl(PR_SET_NO_NEW_PRIVS, 1)
        // An ordinary user has no other ids, nor has every user namespace.
        if !isRootless() {
          try setSupplementaryGroups([])
          try setGroup(65534)
          try setUser(65534)
        }
        try setCapabilities(effective: 0, permitted: 0, inheritable: 0)
        var server = Server(device, cgroup)
        try server.run()
      } catch { exitNow(1) }
      exitNow(0)
    case .parent(let pid, _):
      return pid
    }
  }

  /// Whether there is the device that it takes, by its numbers (linux/miscdevice.h), and it may be opened.
  public static var hasDevice: Bool {
    guard let device = try? open("/dev/fuse", O_RDWR), let found = try? status(at: device.raw) else { return false }
    return found.isCharacterDevice && found.major == 10 && found.minor == 229
  }

  /// Whether they can be mounted here: throws if not.
  public static func probe() throws(Errno) { _ = try mount() }

  private static func mount() throws(Errno) -> Mounted {
    let device = try open("/dev/fuse", O_RDWR)
    let context = try FileSystemContext(type: "fuse")
    try context.set("source", "rcontainer")
    try context.set("fd", String(device.raw))
    try context.set("rootmode", "40555")
    // Some id that this user namespace has.
    try context.set("user_id", String(effectiveUser()))
    try context.set("group_id", String(effectiveGroup()))
    try context.set("allow_other")
    try context.set("default_permissions")
    let attributes = RC_ATTR_RDONLY | RC_ATTR_NOSUID | RC_ATTR_NODEV | RC_ATTR_NOEXEC
    let root = try context.mount(attributes: UInt32(attributes))
    return Mounted(device: device, root: root)
  }

  /// The kernel's end of the files, detached, and ours.
  public struct Mounted: ~Copyable {
    public let device, root: Descriptor
  }

  // MARK: the process

  private struct Server {
    private let device: Int32
    private let cgroup: Cgroup
    /// Hundredths of a second of the clock that counts sleep (proc_uptime(5)), and seconds since 1970.
    private let begin: UInt64
    private let start: UInt64
    private var load = Load()
    private var lastUse: UInt64 = 0
    private var lastTime: UInt64
    /// What each file said when it was last read from its beginning: who reads on gets the rest of that.
    private var said: [[UInt8]]
    /// When each was made. Within a hundredth of a second it is not made again: who reads without end spends more of its own
    /// time than of ours.
    private var made: [UInt64]

    init(_ device: Int32, _ cgroup: Cgroup) {
      self.device = device
      self.cgroup = cgroup
      begin = Self.now
      lastTime = begin
      start = UInt64(rc_now_nanoseconds(CLOCK_REALTIME) / 1_000_000_000)
      said = [[UInt8]](repeating: [], count: OwnFiles.files.count)
      made = [UInt64](repeating: 0, count: OwnFiles.files.count)
    }

    private static var now: UInt64 { UInt64(rc_now_nanoseconds(CLOCK_BOOTTIME) / 10_000_000) }

    mutating func run() throws(Errno) {
      var buffer = [UInt8](repeating: 0, count: FileMessages.bufferSize)
      while true {
        let count: Int
        do throws(Errno) { count = try LinuxSystem.read(device, into: &buffer) } catch {
          // The last mount is gone.
          if error == .noDevice { return }
          // A request was taken back before we had it.
          if error == .noEntry || error == .interrupted || error == .tryAgain { continue }
          throw error
        }
        guard let (id, request) = FileMessages.read(buffer[0..<count]), let answer = answer(id, request) else {
          continue
        }
        // Who asked may be gone by now.
        try? writeAll(device, answer)
      }
    }

    private mutating func answer(_ id: UInt64, _ request: FileMessages.Request) -> [UInt8]? {
      switch request {
      case .initialize(let minor): return FileMessages.answer(id, FileMessages.initialized(minor: minor))
      case .lookUp(let parent, let name):
        // A container that begins looks them all up; who opens one asks for its size again.
        guard parent == 1, let index = OwnFiles.files.firstIndex(where: { $0.name == name }) else {
          return FileMessages.answer(id, error: parent == 1 ? ENOENT : ENOTDIR)
        }
        return FileMessages.answer(
          id, FileMessages.entry(OwnFiles.firstNode + UInt64(index), size: 4096, time: start))
      case .attributes(let node):
        let index = Self.file(node)
        guard node == 1 || index != nil else { return FileMessages.answer(id, error: ENOENT) }
        let length = index == nil ? 0 : size(index ?? 0)
        return FileMessages.answer(id, FileMessages.attributesAnswer(node, size: length, time: start))
      case .open(let node, let flags):
        guard Self.file(node) != nil else { return FileMessages.answer(id, error: node == 1 ? EISDIR : ENOENT) }
        guard flags & 3 == UInt32(O_RDONLY) else { return FileMessages.answer(id, error: EACCES) }
        return FileMessages.answer(id, FileMessages.opened)
      case .openDirectory(let node):
        return node == 1 ? FileMessages.answer(id, FileMessages.opened) : FileMessages.answer(id, error: ENOTDIR)
      case .read(let node, let offset, let size):
        guard let index = Self.file(node) else { return FileMessages.answer(id, error: ENOENT) }
        if offset == 0 { make(index) }
        let text = said[index]
        let first = Int(clamping: min(offset, UInt64(text.count)))
        return FileMessages.answer(id, Array(text[first..<min(text.count, first + size)]))
      case .readDirectory(let node, let offset, let size):
        guard node == 1 else { return FileMessages.answer(id, error: ENOTDIR) }
        var names: [(name: String, node: UInt64)] = []
        for (index, file) in OwnFiles.files.enumerated() {
          names.append((file.name, OwnFiles.firstNode + UInt64(index)))
        }
        return FileMessages.answer(id, FileMessages.directory(names, offset: offset, size: min(size, 65536)))
      case .release: return FileMessages.answer(id)
      case .statistics: return FileMessages.answer(id, FileMessages.statistics)
      case .silent: return nil
      case .unknown: return FileMessages.answer(id, error: ENOSYS)
      }
    }

    private static func file(_ node: UInt64) -> Int? {
      guard node >= OwnFiles.firstNode, node - OwnFiles.firstNode < UInt64(OwnFiles.files.count) else { return nil }
      return Int(node - OwnFiles.firstNode)
    }

    private mutating func make(_ index: Int) {
      let now = Self.now
      if now == made[index] { return }
      said[index] = Array(contents(of: OwnFiles.files[index].name).utf8)
      made[index] = now
    }

    /// Whole pages, as sysfs has them: programs take such a size for a guess.
    private mutating func size(_ index: Int) -> UInt64 {
      if said[index].isEmpty { make(index) }
      return UInt64(said[index].count + 4095) / 4096 * 4096
    }

    private mutating func contents(of name: String) -> String {
      func host(_ path: String) -> String { (try? readFile(path, limit: 4 << 20)) ?? "" }
      let figures = cgroup.figures()
      let now = Self.now
      let up = now - begin
      let online = FileText.list(host("/sys/devices/system/cpu/online"))
      let count = FileText.processorCount(figures, online: online)
      switch name {
      case "meminfo": return FileText.memory(host: host("/proc/meminfo"), figures.memory)
      case "swaps": return FileText.swaps(host: host("/proc/meminfo"), figures.memory)
      case "cpuinfo":
        return FileText.processorInformation(
          host: host("/proc/cpuinfo"), allowed: FileText.processors(figures, online: online), count: count)
      case "stat": return FileText.statistics(figures, up: up, processors: count, start: start)
      case "uptime": return FileText.uptime(figures, up: up, processors: count)
      case "loadavg":
        let use = figures.userTime + figures.systemTime
        load.add(used: Double(use &- min(use, lastUse)) / 1_000_000, in: Double(now - lastTime) / 100)
        (lastUse, lastTime) = (use, now)
        return FileText.load(load, processes: figures.processes)
      default: return FileText.processorList(count)
      }
    }
  }
}
