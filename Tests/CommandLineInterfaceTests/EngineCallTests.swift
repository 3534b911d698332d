import Foundation
import Testing

@testable import CommandLineInterface

/// What podman, docker and containerd really passed to a runtime.
@Suite struct EngineCallTests {
  private func calls(_ name: String) throws -> [Invocation] {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/" + name, withExtension: "txt"))
    return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
      let call = try #require(line.split(separator: ": ", maxSplits: 1).last)
      return try Invocation(call.split(separator: " ").map(String.init))
    }
  }

  @Test(arguments: [
    ("argv-ctr", ["create", "start", "delete", "delete"]),
    (
      "argv-docker",
      [
        "create", "start", "exec", "pause", "resume", "update", "ps", "kill", "kill", "delete",
        "delete",
      ]
    ),
    (
      "argv-podman",
      [
        "create", "create", "exec", "exec", "delete", "kill", "pause", "resume", "start", "update",
      ]
    ),
  ])
  func everyCallIsUnderstood(name: String, verbs: [String]) throws {
    let calls = try calls(name)
    #expect(calls.map(\.verb) == verbs)
    for call in calls { #expect(call.operands.first == "<ID>" || call.operands.first == "cl1") }
  }

  @Test func containerdsOptionsArrive() throws {
    let calls = try calls("argv-docker")
    for call in calls {
      #expect(call.global["root"]?.hasSuffix("/moby") == true)
      #expect(call.global["log"]?.hasSuffix("/log.json") == true)
      #expect(call.global["log-format"] == "json")
    }
    #expect(calls[0].options["bundle"]?.hasSuffix("/moby/<ID>") == true)
    #expect(calls[0].options["pid-file"]?.hasSuffix("/init.pid") == true)
    #expect(calls[2].options["process"]?.hasPrefix("/tmp/runc-process") == true)
    #expect(calls[2].options.has("detach"))
    #expect(calls[5].options["resources"] == "-")
    #expect(calls[6].options["format"] == "json")
    #expect(calls[7].operands == ["<ID>", "15"])
    #expect(!calls[9].options.has("force") && calls[10].options.has("force"))
  }

  @Test func podmansOptionsArrive() throws {
    let calls = try calls("argv-podman")
    #expect(calls[0].options["console-socket"] == "/run/conmon-term.SDZAZ3")
    #expect(calls[1].options["console-socket"] == nil)
    #expect(calls[2].options.has("tty") && calls[2].options.has("detach"))
    #expect(calls[9].options["resources"] == "/var/tmp/podman1866626096")
  }
}
