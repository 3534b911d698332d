import OCISpec
import SyscallCatalogue
import Testing

@testable import ShimPolicy

@Suite("What a policy with nested lets a container have") struct NestedTests {
  private static let recursive: UInt64 = 0x4000, bind: UInt64 = 0x1000, remount: UInt64 = 0x20
  private static let limit: UInt64 = 64 << 20

  private func plan(_ type: String?, _ flags: UInt64 = 0, _ data: String? = nil) -> Nested.Mount? {
    try? Nested.mount(type: type, flags: flags, data: data, memoryLimit: Self.limit)
  }

  private func error(_ type: String?, _ flags: UInt64 = 0, _ data: String? = nil) -> UInt16? {
    do { _ = try Nested.mount(type: type, flags: flags, data: data, memoryLimit: Self.limit) } catch {
      return error.error
    }
    return nil
  }

  // MARK: the policy

  private func policy(_ members: String) throws -> ShimPolicy {
    try ShimPolicy(json: Array("{\"name\": \"x\", \(members)}".utf8), file: "x.json")
  }

  @Test func theMemberIsReadAndInherited() throws {
    #expect(try !policy("\"base\": \"default\"").nested)
    let nested = try policy("\"base\": \"default\", \"nested\": true")
    #expect(nested.nested && nested.nestedCalls.contains("mount") && nested.nestedCalls.contains("mknodat"))
    #expect(try policy("\"base\": \"nested\"").nestedCalls == nested.nestedCalls)
    let off = try policy("\"base\": \"nested\", \"nested\": false")
    #expect(off.nestedCalls.isEmpty && off.callClass("mount") == .mediated(error: 1))
    #expect(nested.callClass("getxattr") == .direct)
    #expect(nested.reaches(at: SyscallCatalogue.index(of: "mount")!))
    #expect(!ShimPolicy.builtIn("default")!.reaches(at: SyscallCatalogue.index(of: "mount")!))
    // Ways around mount(2) stay shut.
    for call in ["fsopen", "fsmount", "open_tree", "move_mount", "mount_setattr", "pivot_root", "setns", "unshare"] {
      #expect(!nested.reaches(at: SyscallCatalogue.index(of: call)!), "\(call)")
    }
  }

  @Test func rulesOfThePolicyCount() throws {
    let rule =
      "\"rules\": [{\"calls\": [\"mount\"], \"action\": \"deny\"}, {\"calls\": [\"mknod\"], \"action\": \"allow\"}]"
    let mine = try policy("\"base\": \"nested\", " + rule)
    #expect(!mine.nestedCalls.contains("mount") && !mine.nestedCalls.contains("mknod"))
    #expect(mine.nestedCalls.contains("umount2"))
    let compat = try policy("\"base\": \"compat\", \"nested\": true")
    #expect(compat.nestedCalls.contains("mount") && !compat.nestedCalls.contains("setxattr"))
  }

  @Test(arguments: [
    "\"base\": \"strict\", \"nested\": true", "\"base\": \"nested\", \"exec\": \"image\"",
    "\"base\": \"nested\", \"nested\": 1",
  ])
  func mistakesAreRefused(members: String) { #expect(throws: SpecError.self) { try policy(members) } }

  // MARK: mounts

  @Test func fileSystemsInMemoryAreBounded() {
    func size(_ data: String?) -> [String: String]? {
      guard case .tmpfs(let options, let attributes)? = plan("tmpfs", 0, data) else { return nil }
      #expect(attributes.isSuperset(of: .always))
      return Dictionary(uniqueKeysWithValues: options.map { ($0.key, $0.value) })
    }
    #expect(size(nil)?["size"] == String(Self.limit))
    #expect(size("size=1m,mode=755") == ["size": "1048576", "mode": "755", "nr_inodes": "256"])
    #expect(size("size=1g")?["size"] == String(Self.limit))
    #expect(size("size=0,nr_inodes=0") == ["size": String(Self.limit), "nr_inodes": String(Self.limit / 4096)])
    #expect(size("size=50%")?["size"] == String(Self.limit / 100 * 50))
    #expect(size("nr_inodes=999999999")?["nr_inodes"] == String(Self.limit / 4096))
    for data in [
      "size=18446744073709551615g", "size=", "size=-1", "size=x", "nr_blocks=0", "huge=always", "mode=4755",
      "context=x", "uid=x", "size",
    ] {
      #expect(error("tmpfs", 0, data) == 22, "\(data)")
    }
  }

  @Test(arguments: [
    "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "debugfs", "tracefs", "securityfs", "bpf", "mqueue", "ramfs",
    "ext4", "fuse", "nfs",
    "", "TMPFS", "tmpfs ", "binfmt_misc",
  ])
  func otherFileSystemsAreNotMade(type: String) {
    #expect(error(type) == 1)
    #expect(error(type, 1, "x") == 1)
  }

  @Test func flagsOnlyTakeAway() {
    #expect(plan("tmpfs", 0xc0ed_0001) == plan("tmpfs", 1))
    guard case .tmpfs(_, let attributes)? = plan("tmpfs", 0x9) else { return #expect(Bool(false)) }
    #expect(attributes == [.readOnly, .noExecute, .noSetUser, .noDevices])
    #expect(plan(nil, Self.bind) == .bind)
    #expect(plan("ignored", Self.bind | Self.recursive | 1) == .bind)
    #expect(plan(nil, Self.remount | Self.bind | 1) == .restrict([.readOnly]))
    #expect(plan(nil, Self.remount) == .restrict([]))
    #expect(error(nil, Self.remount, "size=1g") == 1)
    #expect(error(nil, Self.remount | Self.recursive) == 22)
    #expect(plan(nil, 0x40000 | Self.recursive) == .propagation(.isPrivate, recursive: true))
    #expect(plan(nil, 0x80000) == .propagation(.slave, recursive: false))
    for flags: UInt64 in [0x100000, 0x20000, 0x2000, 0xc0000] { #expect(error(nil, flags) == 1, "\(flags)") }
    for flags: UInt64 in [0x10, 0x40, 0x80, 0x800000, 0x8000_0000, 0x3000, 0x1010] {
      #expect(error("tmpfs", flags) == 22, "\(flags)")
    }
    // Only 32 bits are flags.
    #expect(plan(nil, Self.bind | 1 << 32) == .bind)
  }

  @Test func noFlagBringsAnotherFileSystem() {
    for bit in 0..<32 {
      switch plan("sysfs", 1 << UInt64(bit)) {
      case nil, .bind, .restrict, .propagation: break
      case let other: Issue.record("flag \(bit): \(String(describing: other))")
      }
    }
  }

  @Test func overlaysNameTheirLayers() {
    guard
      case .overlay(let layers, let attributes)? = plan("overlay", 0, "lowerdir=/a:/b,upperdir=u,workdir=w,userxattr")
    else {
      return #expect(Bool(false))
    }
    #expect(layers.lower == ["/a", "/b"] && layers.upper == "u" && layers.work == "w" && attributes == .always)
    guard case .overlay(_, let readOnly)? = plan("overlay", 0, "lowerdir=/a:/b") else { return #expect(Bool(false)) }
    #expect(readOnly.contains(.readOnly))
    for data in [
      "", "lowerdir=", "upperdir=/u,workdir=/w", "lowerdir=/a,upperdir=/u", "lowerdir=/a,workdir=/w",
      "lowerdir=/a,redirect_dir=on",
      "lowerdir=/a,metacopy=on", "lowerdir=/a\\:b", "lowerdir+=/a", "lowerdir=/a,datadir+=/b",
      "lowerdir=/a,override_creds",
      "lowerdir=" + String(repeating: "/a:", count: 33), "lowerdir=/a,upperdir=,workdir=",
    ] { #expect(error("overlay", 0, data) == 22, "\(data)") }
    #expect(plan("proc") == .proc(.always))
    #expect(error("proc", 0, "hidepid=0") == 22)
  }

  // MARK: nodes and attributes

  @Test func onlyTheUsualDevicesAreMade() throws {
    #expect(try Nested.node(mode: 0o20666, device: 0x103) == .device(name: "null", minor: 3, major: 1))
    #expect(try Nested.node(mode: 0o20666, device: 0x500) == .device(name: "tty", minor: 0, major: 5))
    #expect(try Nested.node(mode: 0o20000, device: 0) == .whiteout)
    var made = 0
    for major: UInt64 in 0..<300 {
      for minor: UInt64 in 0..<300 {
        let device = minor & 0xff | major << 8 | (minor & ~0xff) << 12
        #expect(throws: Nested.Refusal.self) { try Nested.node(mode: 0o60666, device: device) }
        if (try? Nested.node(mode: 0o20666, device: device)) != nil { made += 1 }
      }
    }
    #expect(made == 7)
    // High bits of the minor number are not cut off, those above 32 bits are, as in the kernel.
    #expect(throws: Nested.Refusal.self) { try Nested.node(mode: 0o20666, device: 0x10_0103) }
    #expect(try Nested.node(mode: 0o20666, device: 1 << 32 | 0x103) == .device(name: "null", minor: 3, major: 1))
  }

  @Test func onlyAttributesOfUsersAreSet() throws {
    try Nested.checkAttribute("user.a")
    try Nested.checkAttribute("user.overlay.opaque")
    for name in [
      "trusted.overlay.opaque", "trusted.x", "security.capability", "security.selinux", "system.posix_acl_access",
      "user", "User.a", "x", " user.a",
    ] {
      #expect(throws: Nested.Refusal(95, "only attributes user.* are set")) { try Nested.checkAttribute(name) }
    }
    for name in ["", "user.", "user." + String(repeating: "x", count: 251)] {
      #expect(throws: Nested.Refusal.self) { try Nested.checkAttribute(name) }
    }
  }

  // MARK: what mounts hide

  private static let lines = """
    20 1 0:50 / / rw,relatime - overlay overlay rw
    21 20 0:51 / /proc rw - proc proc rw
    22 21 0:51 /sys /proc/sys ro - proc proc rw
    23 20 8:1 /data /data rw shared:7 - ext4 /dev/sda1 rw
    24 20 0:52 / /dev rw - tmpfs tmpfs rw
    25 24 0:53 / /dev/shm rw - tmpfs shm rw
    26 20 8:2 /other /other rw - ext4 /dev/sda2 rw
    27 20 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw

    """

  private func objection(_ more: String, source: Int, own: [Int] = [], hides: Bool = false) throws -> String? {
    try MountTable(Self.lines + more).objection(toShowing: source, own: own, root: 20, hidesInRoot: hides)
  }

  @Test func tablesAreRead() throws {
    let table = try MountTable(Self.lines)
    #expect(table.entries.count == 8 && table.entry(23)!.isShared && !table.entry(20)!.isShared)
    #expect(table.entry(22)!.root == "/sys" && table.entry(22)!.type == "proc")
    #expect(table.present([20, 5, 26]) == [20, 26])
    #expect(throws: Nested.Refusal.self) { try MountTable("20 1 0:50 / / rw") }
    #expect(throws: Nested.Refusal.self) { try MountTable("x 1 0:50 / / rw - a b c") }
  }

  @Test func whatMountsHideIsNotShownElsewhere() throws {
    #expect(try objection("", source: 20) == nil)
    #expect(try objection("", source: 23) == nil)
    #expect(try objection("", source: 99) != nil)
    // A part of a volume that is read-only, a mask, and something in memory over it.
    for line in [
      "30 23 8:1 /data/keys /data/keys ro - ext4 x ro", "30 23 0:9 /null /data/key rw - devtmpfs x rw",
      "30 23 0:9 / /data/t ro - tmpfs x ro",
    ] {
      #expect(try objection(line, source: 23) != nil, "\(line)")
      // The same file system, by another mount.
      #expect(try objection(line, source: 27) != nil, "\(line)")
      #expect(try objection(line, source: 26) == nil, "\(line)")
      // If it was made here, or a copy of it was.
      #expect(try objection(line, source: 23, own: [30]) == nil, "\(line)")
    }
    #expect(
      try objection(
        "30 20 8:1 /data /copy rw - ext4 x rw\n31 30 8:1 /data/keys /copy/keys ro - ext4 x rw", source: 23, own: [30])
        == nil)
    #expect(try objection("30 23 8:3 / /data/disk rw - ext4 x rw", source: 23) == nil)
    // A mask below a /sys that is a directory of the image.
    #expect(try objection("30 20 0:9 /null /sys/firmware rw - devtmpfs x rw", source: 20) != nil)
    // Where the configuration hides paths in the image, only what was made here is shown.
    #expect(try objection("", source: 20, hides: true) != nil)
    #expect(try objection("30 26 0:90 / /other/t rw - tmpfs x rw", source: 30, own: [30], hides: true) == nil)
  }
}
