import LinuxSystem
import OCISpec
import Testing

@testable import Cgroups

@Suite struct DeviceListTests {
  typealias Rule = DeviceRules.Rule

  private func rule(
    _ allow: Bool, _ kind: Rule.Kind?, _ major: UInt32?, _ minor: UInt32?, _ access: UInt32 = 7
  ) -> Rule {
    Rule(allow: allow, kind: kind, major: major, minor: minor, access: access)
  }

  @Test func withoutRulesOnlyTheUsualDevicesAreAllowed() throws {
    let lists = try DeviceLists(DeviceRules.always)
    #expect(!lists.allowsByDefault)
    #expect(
      lists.exceptions.map(Cgroup.text) == [
        "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
        "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
      ])
  }

  @Test func privilegedAllowsEverything() throws {
    let lists = try DeviceLists(
      [rule(false, nil, nil, nil), rule(true, nil, nil, nil)] + DeviceRules.always)
    #expect(lists.allowsByDefault && lists.exceptions.isEmpty)
  }

  /// The kernel would read `a 10:229 r` as all access to all devices.
  @Test func aRuleForBothKindsKeepsItsNumbers() throws {
    let lists = try DeviceLists([rule(true, nil, 10, 229, DeviceRules.Access.read)])
    #expect(!lists.allowsByDefault)
    #expect(lists.exceptions.map(Cgroup.text) == ["b 10:229 r", "c 10:229 r"])
  }

  @Test func aDenialTakesBackWhatItCovers() throws {
    let lists = try DeviceLists([
      rule(true, .character, 10, 229), rule(true, .character, 10, 200), rule(true, .block, 8, 0),
      rule(false, .character, 10, nil, DeviceRules.Access.write),
    ])
    #expect(lists.exceptions.map(Cgroup.text) == ["c 10:229 rm", "c 10:200 rm", "b 8:0 rwm"])
  }

  /// The kernel would take the denial, and go on allowing the device.
  @Test func aHoleInAWildcardIsRefused() {
    let text = failure { () throws(RuntimeError) in
      _ = try DeviceLists([rule(true, .character, nil, nil), rule(false, .character, 10, 229)])
    }
    #expect(text?.contains("c 10:229 rwm") == true)
  }

  // MARK: one meaning

  /// What the kernel does with exceptions of v1 for one kind of access (security/device_cgroup.c).
  private func legacyAllows(
    _ lists: DeviceLists, _ kind: Rule.Kind, _ major: UInt32, _ minor: UInt32, _ access: UInt32
  ) -> Bool {
    let isException = lists.exceptions.contains {
      $0.kind == kind && ($0.major == nil || $0.major == major)
        && ($0.minor == nil || $0.minor == minor) && $0.access & access != 0
    }
    return isException != lists.allowsByDefault
  }

  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  /// Lists and rules say the same of every device, for all rules that lists can express.
  @Test func listsMeanWhatTheRulesMean() {
    var random = Generator(state: 7)
    var expressible = 0
    for round in 0..<3000 {
      let rules = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        rule(
          Bool.random(using: &random), [nil, .block, .character].randomElement(using: &random)!,
          [nil, 0, 1, UInt32.max].randomElement(using: &random)!,
          [nil, 0, 1].randomElement(using: &random)!, UInt32.random(in: 0...7, using: &random))
      }
      guard let lists = try? DeviceLists(rules) else { continue }
      expressible += 1
      for kind in [Rule.Kind.block, .character] {
        for major in [0, 1, 2, UInt32.max] {
          for minor in [0, 1, 2] as [UInt32] {
            for access in [1, 2, 4] as [UInt32] {
              let allowed = DeviceRules.allows(
                rules, kind: kind, major: major, minor: minor, access: access)
              #expect(legacyAllows(lists, kind, major, minor, access) == allowed, "round \(round)")
            }
          }
        }
      }
    }
    #expect(expressible > 500)
  }
}
