import OCISpec
import SeccompFilter
import Testing

@testable import ShimPolicy

@Suite struct ExecRuleTests {
  private func policy(_ exec: String, base: String = "default") throws -> ShimPolicy {
    try ShimPolicy(json: Array("{\"name\": \"x\", \"base\": \"\(base)\"\(exec)}".utf8), file: "x.json")
  }

  @Test func rulesAreRead() throws {
    #expect(try policy("").exec == .any)
    #expect(try policy(", \"exec\": \"any\"", base: "strict").exec == .any)
    #expect(try policy("", base: "strict").exec == .image)
    #expect(try policy(", \"exec\": \"image\"").exec == .image)
    #expect(try policy(", \"exec\": [\"/bin/sh\", \"/bin/ls\"]").exec == .paths(["/bin/sh", "/bin/ls"]))
  }

  @Test(arguments: ["\"all\"", "[]", "[\"sh\"]", "[\"\"]", "true", "{}", "[1]"])
  func mistakesAreRefused(exec: String) {
    #expect(throws: SpecError.self) { try policy(", \"exec\": \(exec)") }
  }

  @Test func onlyWhatWasAllowedIsNotified() {
    let condition = SeccompPolicy.Condition(argument: 4, .equal, 0)
    var rules = SeccompPolicy(
      defaultAction: .error(1),
      rules: [
        SeccompPolicy.Rule(["read", "execve"], .allow), SeccompPolicy.Rule(["execveat"], .allow, [condition]),
        SeccompPolicy.Rule(["execveat", "write"], .error(38)),
      ])
    rules.notify(["execve", "execveat"])
    #expect(
      rules.rules == [
        SeccompPolicy.Rule(["execve"], .notify), SeccompPolicy.Rule(["read"], .allow),
        SeccompPolicy.Rule(["execveat"], .notify, [condition]), SeccompPolicy.Rule(["execveat", "write"], .error(38)),
      ])
  }
}
