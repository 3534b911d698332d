import Foundation
import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

/// Real cgroups of this machine. They need root, and hierarchies that may be written.
@Suite(.serialized, .enabled(if: Host.canMakeCgroups, "needs root and writable cgroups"))
struct KernelTests {
  @Test func aProcessIsInEveryHierarchy() throws {
    let real = try RealCgroup()
    let pid = try real.spawn()
    let text = try String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8)
    let places = text.split(separator: "\n").map { $0.hasSuffix(real.path) }
    #expect(places.count(where: { $0 }) == real.cgroup.record.entries.count)
    #expect(try real.cgroup.pids() == [pid])
  }

  @Test func destroyLeavesNothingBelow() throws {
    let real = try RealCgroup()
    for entry in real.cgroup.record.entries {
      try makeDirectories(entry.directory + "/a/b/c", mode: 0o755)
      try makeDirectory(entry.directory + "/d", mode: 0o755)
    }
    try real.cgroup.destroy()
    #expect(real.remains.isEmpty)
    try real.cgroup.destroy()
  }

  @Test func pidsAreThoseOfChildrenToo() throws {
    let real = try RealCgroup()
    let pid = try real.spawn()
    try real.moveBelow(pid)
    #expect(try real.cgroup.pids() == [pid])
  }

  // MARK: belonging to somebody else

  /// The cleaning up after a refusal must not reach the processes that caused it.
  @Test(arguments: [false, true]) func aCgroupInUseIsRefusedBeforeItIsPlanned(isBelow: Bool) throws {
    if isBelow && !Host.hasUnified { return }
    // Where no process stays in the cgroup itself.
    let real = try RealCgroup(onlyUnified: isBelow)
    let pid = try real.spawn()
    if isBelow { try real.moveBelow(pid) }
    let text = failure { () throws(RuntimeError) in
      _ = try Cgroup.plan(
        path: real.path, id: "x", layout: real.layout, resources: nil, rootless: false)
    }
    #expect(text?.contains("in use") == true)
    #expect(throws: RuntimeError.self) { try real.cgroup.create() }
    #expect(real.remains.count == real.cgroup.record.entries.count)
    #expect(try real.cgroup.pids() == [pid])
  }

  @Test func anEmptyCgroupIsTakenOver() throws {
    let real = try RealCgroup()
    try real.cgroup.create()
    #expect(real.remains.count == real.cgroup.record.entries.count)
  }

  @Test func whatWasMadeIsRemovedWhenTheRestFails() throws {
    let layout = try #require(Host.layout)
    let first = try #require(layout.hierarchies.first)
    let directory = first.mountPoint + "/rcontainer-test-" + UUID().uuidString
    let cgroup = Cgroup(
      record: CgroupRecord(entries: [
        .init(controllers: first.controllers, directory: directory, name: first.name),
        .init(controllers: ["x"], directory: "/proc/nowhere/x", name: "x"),
      ]))
    #expect(throws: RuntimeError.self) { try cgroup.create() }
    #expect(!FileManager.default.fileExists(atPath: directory))
  }

  @Test(.enabled(if: Host.has("freezer"), "needs the freezer of cgroup v1"))
  func aFrozenCgroupIsRefused() throws {
    let real = try RealCgroup()
    try real.cgroup.freeze()
    #expect(
      failure { () throws(RuntimeError) in try real.cgroup.create() }?.contains("frozen") == true)
  }

  // MARK: freezing and killing

  @Test(arguments: [false, true]) func freezeStopsAndThawGoesOn(onlyUnified: Bool) throws {
    if onlyUnified && !Host.hasUnified { return }
    let real = try RealCgroup(onlyUnified: onlyUnified)
    _ = try real.spawn()
    try real.cgroup.freeze()
    #expect(real.cgroup.isFrozen)
    try real.cgroup.thaw()
    #expect(!real.cgroup.isFrozen)
  }

  @Test(arguments: [false, true]) func killAllReachesFrozenProcesses(onlyUnified: Bool) throws {
    if onlyUnified && !Host.hasUnified { return }
    let real = try RealCgroup(onlyUnified: onlyUnified)
    let pids = [try real.spawn(), try real.spawn()]
    try real.cgroup.freeze()
    try real.cgroup.killAll(SIGKILL)
    for pid in pids { #expect(try real.end(of: pid) == .signaled(SIGKILL)) }
    try real.cgroup.destroy()
    #expect(real.remains.isEmpty)
  }

  /// A container that may write its cgroup must not be able to make itself immortal.
  @Test(.enabled(if: Host.has("freezer"), "needs the freezer of cgroup v1"))
  func killAllReachesWhatWasFrozenBelow() throws {
    let real = try RealCgroup()
    let pid = try real.spawn()
    let below = real.directory("freezer") + "/below"
    try makeDirectory(below, mode: 0o755)
    try writeFile(below + "/cgroup.procs", String(pid))
    try writeFile(below + "/freezer.state", "FROZEN")
    try real.cgroup.killAll(SIGKILL)
    #expect(try real.end(of: pid) == .signaled(SIGKILL))
    try real.cgroup.destroy()
    #expect(real.remains.isEmpty)
  }

  @Test func otherSignalsAreDelivered() throws {
    let real = try RealCgroup()
    let pid = try real.spawn()
    try real.cgroup.killAll(SIGTERM)
    #expect(try real.end(of: pid) == .signaled(SIGTERM))
  }

  // MARK: limits

  @Test(.enabled(if: Host.has("memory", "cpu", "pids", "cpuset"), "needs controllers of cgroup v1"))
  func limitsArriveInTheFiles() throws {
    let real = try RealCgroup()
    var resources = Resources()
    resources.memory = Memory()
    resources.memory?.limit = 64 << 20
    resources.memory?.swappiness = 30
    resources.cpu = CPU()
    resources.cpu?.shares = 512
    resources.cpu?.quota = 20_000
    resources.cpu?.period = 50_000
    resources.cpu?.cpus = "0"
    resources.pids = Pids()
    resources.pids?.limit = 33
    try real.cgroup.apply(resources)
    #expect(try real.text("memory", "memory.limit_in_bytes") == String(64 << 20))
    #expect(try real.text("memory", "memory.swappiness") == "30")
    #expect(try real.text("cpu", "cpu.shares") == "512")
    #expect(try real.text("cpu", "cpu.cfs_quota_us") == "20000")
    #expect(try real.text("cpu", "cpu.cfs_period_us") == "50000")
    #expect(try real.text("cpuset", "cpuset.cpus") == "0")
    #expect(try real.text("cpuset", "cpuset.mems") == "0")
    #expect(try real.text("pids", "pids.max") == "33")
  }

  @Test(.enabled(if: Host.has("memory"), "needs memory of cgroup v1"))
  func memoryAndSwapRiseAndFall() throws {
    let real = try RealCgroup()
    try #require(canAccess(real.directory("memory") + "/memory.memsw.limit_in_bytes", mode: F_OK))
    for (limit, swap) in [(64 << 20, 80 << 20), (256 << 20, 300 << 20), (32 << 20, 32 << 20)] {
      var resources = Resources()
      resources.memory = Memory()
      resources.memory?.limit = Int64(limit)
      resources.memory?.swap = Int64(swap)
      try real.cgroup.update(resources)
      #expect(try real.text("memory", "memory.limit_in_bytes") == String(limit))
      #expect(try real.text("memory", "memory.memsw.limit_in_bytes") == String(swap))
    }
  }

  /// The quota of a child may not exceed its parent's: a shorter period alone is invalid until the quota shrank.
  @Test(.enabled(if: Host.has("cpu"), "needs cpu of cgroup v1"))
  func quotaAndPeriodChangeTogether() throws {
    let parent = try RealCgroup()
    var resources = Resources()
    resources.cpu = CPU()
    resources.cpu?.quota = 50_000
    resources.cpu?.period = 100_000
    try parent.cgroup.update(resources)
    for entry in parent.cgroup.record.entries {
      try makeDirectory(entry.directory + "/below", mode: 0o755)
    }
    let child = parent.cgroup.child("below")
    try child.update(resources)
    resources.cpu?.quota = 10_000
    resources.cpu?.period = 20_000
    try child.update(resources)
    let directory = parent.directory("cpu") + "/below"
    #expect(Cgroup.trimmed(try readFile(directory + "/cpu.cfs_quota_us")) == "10000")
    #expect(Cgroup.trimmed(try readFile(directory + "/cpu.cfs_period_us")) == "20000")
  }

  @Test(.enabled(if: Host.hasLegacy, "needs cgroup v1")) func swappinessIsChecked() throws {
    let real = try RealCgroup()
    var resources = Resources()
    resources.memory = Memory()
    resources.memory?.swappiness = 101
    let text = failure { () throws(RuntimeError) in try real.cgroup.update(resources) }
    #expect(text?.contains("from 0 to 100") == true)
  }

  @Test(.enabled(if: Host.hasLegacy, "needs cgroup v1")) func unifiedIsRefusedOnV1() throws {
    let real = try RealCgroup()
    var resources = Resources()
    resources.unified = [StringPair("memory.high", "1")]
    let text = failure { () throws(RuntimeError) in try real.cgroup.apply(resources) }
    #expect(text?.contains("needs cgroup v2") == true)
  }

  @Test(.enabled(if: Host.hasLegacy && !Host.has("rdma"), "needs cgroup v1 without rdma"))
  func aLimitWithoutItsControllerIsRefused() throws {
    let real = try RealCgroup()
    var (resources, limit) = (Resources(), RDMALimit())
    (limit.device, limit.hcaHandles) = ("mlx5_1", 3)
    resources.rdma = [limit]
    let text = failure { () throws(RuntimeError) in try real.cgroup.apply(resources) }
    #expect(text?.contains("rdma is not mounted") == true)
  }

  @Test func statisticsOfARunningProcess() throws {
    let real = try RealCgroup()
    _ = try real.spawn()
    let data = try statistics(of: real.cgroup)
    for key in ["cpu", "memory", "pids", "blkio", "hugetlb"] {
      #expect(data[key] is [String: Any])
    }
    if Host.has("pids") { #expect(data.at("pids.current") as? Int == 1) }
    if Host.has("memory") { #expect(data.at("memory.usage.limit") as? UInt64 ?? 0 > 0) }
  }

  // MARK: devices

  /// In turn: a device that every container may use, one that the rules name, and one that nothing names.
  /// Opening a node whose driver is absent fails too, but not for want of permission.
  @Test(arguments: [false, true]) func devicesAreDeniedUnlessNamed(onlyUnified: Bool) throws {
    if onlyUnified && !Host.hasUnified { return }
    if !onlyUnified && !Host.has("devices") { return }
    let directory = NSTemporaryDirectory() + "devices-" + UUID().uuidString
    try makeDirectory(directory, mode: 0o700)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let top = try open(directory, O_RDONLY | O_DIRECTORY)
    try makeNode("usual", at: top.raw, mode: UInt32(S_IFCHR) | 0o600, major: 1, minor: 3)
    try makeNode("named", at: top.raw, mode: UInt32(S_IFCHR) | 0o600, major: 240, minor: 77)
    try makeNode("other", at: top.raw, mode: UInt32(S_IFCHR) | 0o600, major: 240, minor: 78)

    let real = try RealCgroup(onlyUnified: onlyUnified)
    var (resources, named) = (Resources(), DeviceRule())
    (named.allow, named.type, named.major, named.minor, named.access) = (true, "c", 240, 77, "r")
    resources.devices = [named]
    try real.cgroup.apply(resources)
    let number = top.raw
    func permitted(_ name: String, _ flags: Int32) -> Bool {
      do throws(Errno) { _ = try open(name, at: number, flags) } catch {
        return error != .notPermitted
      }
      return true
    }
    let trigger = try LinuxSystem.Pipe()
    let reader = trigger.reader.raw
    let pid = try real.spawn {
      // Waits until the test has seen it: it must not end before.
      _ = try? waitReadable([reader], timeout: 5000)
      var bits: Int32 = 0
      if permitted("usual", O_RDWR) { bits |= 1 }
      if permitted("named", O_RDONLY) { bits |= 2 }
      if permitted("named", O_RDWR) { bits |= 4 }
      if permitted("other", O_RDONLY) { bits |= 8 }
      return bits
    }
    try writeAll(trigger.writer.raw, "x")
    #expect(try real.end(of: pid) == .exited(3))
  }
}
