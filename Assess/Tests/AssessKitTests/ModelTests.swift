import AssessKit
import Testing

@Test func verdictsHaveTheirNames() { #expect(Verdict.notApplicable.rawValue == "not applicable") }
