import Foundation
import Testing

@testable import AssessKit

@Test func verdictsHaveTheirNames() { #expect(Verdict.notApplicable.rawValue == "not applicable") }

struct OwnKernelTests {
  private func probe(_ group: ProbeGroup, kernel: Bool? = nil) throws -> Probe {
    let text = """
      {"id": "x", "title": "x", "group": "\(group.rawValue)", "technique": "T1611", "source": "https://example.org/",
       "meaning": "x", "payload": ["x"], "kernel": \(kernel.map { "\($0)" } ?? "null"), "cleanup": "none",
       "controls": {"weak": {}, "hard": {}}}
      """
    return try JSONDecoder().decode(Probe.self, from: Data(text.utf8))
  }

  private func finding(_ verdict: Verdict, status: Int? = nil) -> Finding {
    Finding(
      probe: "x", subject: "a/b", verdict: verdict, reason: "why",
      evidence: Evidence(command: [], output: "", status: status, seconds: 1))
  }

  @Test func whatTheKernelAnswersIsItsOwn() throws {
    #expect(finding(.exposed).withOwnKernel(try probe(.kernel)).verdict == .contained)
    #expect(finding(.exposed).withOwnKernel(try probe(.leaks, kernel: true)).verdict == .contained)
    #expect(finding(.exposed).withOwnKernel(try probe(.leaks)).verdict == .exposed)
    #expect(finding(.exposed).withOwnKernel(try probe(.kernel)).reason.hasSuffix("own kernel answers: why"))
  }

  @Test func anEscapeStaysOne() throws {
    for group in ProbeGroup.allCases {
      #expect(finding(.escaped).withOwnKernel(try probe(group, kernel: true)) == finding(.escaped))
    }
  }

  @Test func aSandboxThatEndsByItsLimitHasHeldIt() throws {
    #expect(finding(.inconclusive, status: 137).withOwnKernel(try probe(.exhaustion)).verdict == .contained)
    #expect(finding(.inconclusive, status: 0).withOwnKernel(try probe(.exhaustion)).verdict == .inconclusive)
    #expect(finding(.inconclusive, status: nil).withOwnKernel(try probe(.exhaustion)).verdict == .inconclusive)
    #expect(finding(.inconclusive, status: 137).withOwnKernel(try probe(.leaks)).verdict == .inconclusive)
  }
}
