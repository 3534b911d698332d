import OCISpec
import Testing

@testable import Cgroups

@Suite("Limits as cgroups take them") struct LimitTests {
  @Test(arguments: [(2, 1), (1024, 100), (262_144, 10_000), (0, 0), (1, 1)])
  func sharesBecomeWeight(shares: UInt64, weight: UInt64) {
    #expect(UnifiedLimits.weight(shares: shares) == weight)
  }

  @Test func weightsGrowWithShares() {
    var last: UInt64 = 0
    for shares in stride(from: UInt64(2), through: 262_144, by: 97) {
      let weight = UnifiedLimits.weight(shares: shares)
      #expect(weight >= last && weight >= 1 && weight <= 10_000)
      last = weight
    }
  }

  func memory(_ limit: Int64?, _ swap: Int64?) -> OCISpec.Memory {
    var memory = OCISpec.Memory()
    memory.limit = limit
    memory.swap = swap
    return memory
  }

  @Test func swapIsWhatIsLeftOverMemory() throws {
    #expect(try UnifiedLimits.swap(memory(100, 300)) == "200")
    #expect(try UnifiedLimits.swap(memory(100, -1)) == "max")
    #expect(try UnifiedLimits.swap(memory(-1, nil)) == "max")
    #expect(try UnifiedLimits.swap(memory(100, nil)) == nil)
    #expect(throws: (any Error).self) { try UnifiedLimits.swap(memory(nil, 5)) }
    #expect(throws: (any Error).self) { try UnifiedLimits.swap(memory(10, 5)) }
  }

  @Test func v1RaisesTheOuterLimitFirst() {
    var resources = OCISpec.Resources()
    resources.memory = memory(200, 400)
    let raising = LegacyLimits(resources, current: { _, _ in 100 }).writes.map { $0.file }
    #expect(raising == ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"])
    let lowering = LegacyLimits(resources, current: { _, _ in 1000 }).writes.map { $0.file }
    #expect(lowering == ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"])
  }

  @Test func cpuQuotaOnV2() throws {
    var resources = OCISpec.Resources()
    var cpu = OCISpec.CPU()
    cpu.quota = 50_000
    resources.cpu = cpu
    #expect(try UnifiedLimits(resources).writes.map { $0.value } == ["50000 100000"])
    cpu.quota = -1
    cpu.period = 1000
    resources.cpu = cpu
    #expect(try UnifiedLimits(resources).writes.map { $0.value } == ["max 1000"])
  }

  @Test func nothingLeadsAboveTheHierarchy() {
    #expect(Cgroup.cleaned("../../a/./b/../c") == "a/c")
    #expect(Cgroup.cleaned("/..//") == "")
  }

  @Test func hierarchiesAreFoundInMountinfo() {
    let text = """
      25 1 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
      26 1 0:23 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
      27 1 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
      28 1 0:25 / / rw - ext4 /dev/vda rw
      """
    let layout = CgroupLayout(mountInfo: text)
    #expect(layout.hierarchies.map { $0.controllers } == [["cpu", "cpuacct"], ["name=systemd"], []])
    #expect(layout.hierarchies.map { $0.name } == ["cpu,cpuacct", "systemd", "unified"])
  }
}

@Suite("Device rules") struct DeviceTests {
  /// Runs the subset of eBPF that the program uses.
  func run(_ program: [UInt64], type: UInt32, access: UInt32, major: UInt32, minor: UInt32) -> UInt64? {
    var registers = [UInt64](repeating: 0, count: 11)
    var place = 0
    for _ in 0..<10_000 {
      guard place < program.count else { return nil }
      let word = program[place]
      place += 1
      let (to, from) = (Int(word >> 8 & 15), Int(word >> 12 & 15))
      let offset = Int(Int16(truncatingIfNeeded: word >> 16))
      let value = Int64(Int32(truncatingIfNeeded: word >> 32))
      switch UInt8(truncatingIfNeeded: word) {
      case 0x61: registers[to] = [UInt64(access << 16 | type), UInt64(major), UInt64(minor)][offset / 4]
      case 0xbf: registers[to] = registers[from]
      case 0x57: registers[to] &= UInt64(bitPattern: value)
      case 0x77: registers[to] >>= UInt64(value)
      case 0xb7: registers[to] = UInt64(bitPattern: value)
      case 0x55: if registers[to] != UInt64(bitPattern: value) { place += offset }
      case 0x15: if registers[to] == UInt64(bitPattern: value) { place += offset }
      case 0x56: if UInt32(truncatingIfNeeded: registers[to]) != UInt32(truncatingIfNeeded: value) { place += offset }
      case 0x95: return registers[0]
      default: return nil
      }
    }
    return nil
  }

  @Test func theProgramAgreesWithTheRules() {
    var seed: UInt64 = 3
    func next(_ bound: UInt64) -> UInt64 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (seed >> 33) % bound
    }
    for _ in 0..<300 {
      var rules: [DeviceRules.Rule] = []
      for _ in 0..<next(9) {
        rules.append(
          DeviceRules.Rule(
            allow: next(2) == 0, kind: [nil, .block, .character][Int(next(3))],
            major: next(2) == 0 ? nil : UInt32(next(4)), minor: next(2) == 0 ? nil : UInt32(next(4)),
            access: UInt32(1 + next(7))))
      }
      let program = DeviceRules.program(rules)
      for kind in [DeviceRules.Rule.Kind.block, .character] {
        for access in 1...7 as ClosedRange<UInt32> {
          for major in 0..<5 as Range<UInt32> {
            let minor = UInt32(next(5))
            let expected = DeviceRules.allows(rules, kind: kind, major: major, minor: minor, access: access)
            let found = run(program, type: kind == .block ? 1 : 2, access: access, major: major, minor: minor)
            #expect(found == (expected ? 1 : 0))
          }
        }
      }
    }
  }

  @Test func laterRulesOverrideEarlierOnesForTheirAccess() {
    let all = DeviceRules.Rule(allow: true, kind: nil, major: nil, minor: nil, access: 7)
    let noWrite = DeviceRules.Rule(allow: false, kind: .character, major: 1, minor: 3, access: 4)
    let rules = [all, noWrite]
    #expect(DeviceRules.allows(rules, kind: .character, major: 1, minor: 3, access: 2))
    #expect(!DeviceRules.allows(rules, kind: .character, major: 1, minor: 3, access: 6))
    #expect(Cgroup.text(noWrite) == "c 1:3 w")
  }

  @Test func rulesOfTheConfigurationAreCheckedStrictly() {
    var rule = DeviceRule()
    rule.access = "rx"
    #expect(DeviceRules.rule(rule) == nil)
    rule.access = "rw"
    rule.type = "q"
    #expect(DeviceRules.rule(rule) == nil)
    rule.type = "c"
    rule.major = -5
    #expect(DeviceRules.rule(rule) == nil)
    rule.major = -1
    #expect(DeviceRules.rule(rule)?.major == nil)
  }
}
