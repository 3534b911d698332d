import Foundation
import Testing

@testable import CommandLineInterface

@Suite("Command lines") struct ParserTests {
  @Test(arguments: ["argv-docker", "argv-podman", "argv-ctr"])
  func whatEnginesPassIsUnderstood(name: String) throws {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/" + name, withExtension: "txt"))
    var count = 0
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let call = try #require(line.split(separator: ": ", maxSplits: 1).last)
      let invocation = try Invocation(call.split(separator: " ").map(String.init))
      #expect(invocation.verb != nil)
      #expect(!invocation.operands.isEmpty)
      count += 1
    }
    #expect(count > 0)
  }

  @Test func formsOfOptions() throws {
    let a = try Invocation(["--root", "/r", "--log-format=json", "create", "-b", "/b", "--no-pivot", "c1"])
    #expect(a.global["root"] == "/r" && a.global["log-format"] == "json")
    #expect(a.options["bundle"] == "/b" && a.options.has("no-pivot") && a.operands == ["c1"])
    let b = try Invocation(["exec", "-t", "--env", "A=1", "-e", "B=2", "c1", "sh", "-c", "-x --env"])
    #expect(b.options.all("env") == ["A=1", "B=2"] && b.operands == ["c1", "sh", "-c", "-x --env"])
    let c = try Invocation(["do", "--memory", "1g", "--", "ls", "--all"])
    #expect(c.operands == ["ls", "--all"])
    #expect(try Invocation(["do", "ls", "--", "-l"]).operands == ["ls", "--", "-l"])
    #expect(try Invocation(["ps", "c1", "-ef"]).operands == ["c1", "-ef"])
    #expect(try Invocation(["kill", "c1", "9"]).operands == ["c1", "9"])
    #expect(try Invocation(["update", "--resources", "-", "c1"]).options["resources"] == "-")
  }

  @Test(arguments: [
    (["crate", "x"], "unknown verb \"crate\" (did you mean create?)"),
    (["create", "--bundel", "/b", "x"], "unknown option --bundel for create (did you mean --bundle?)"),
    (["create"], "too few arguments for create (usage: rcontainer create [options] <id>)"),
    (["state", "a", "b"], "too many arguments for state (usage: rcontainer state [options] <id>)"),
    (["create", "--bundle"], "option --bundle needs an argument (--bundle DIR)"),
    (["run", "--detach=maybe", "x"], "option --detach takes no argument (it is a switch)"),
  ])
  func mistakesHaveOneClearLine(words: [String], expected: String) {
    do throws(UsageError) {
      _ = try Invocation(words)
      Issue.record("accepted")
    } catch { #expect(error.description == expected) }
  }

  @Test func everyOptionOfEveryVerbIsAccepted() throws {
    for verb in verbs {
      var words = [verb.name.description]
      for option in verb.options {
        words.append("--" + option.name.description)
        if option.argument != nil { words.append("1") }
      }
      words += Array(repeating: "x", count: verb.operandCount.lowerBound)
      let invocation = try Invocation(words)
      for option in verb.options { #expect(invocation.options.has(option.name.description)) }
    }
  }

  @Test func quantities() {
    #expect(Quantities.bytes("512m") == 512 << 20)
    #expect(Quantities.bytes("2G") == 2 << 30)
    #expect(Quantities.bytes("1kb") == 1024 && Quantities.bytes("7") == 7 && Quantities.bytes("-1") == -1)
    for bad in ["", "m", "-2", "1x", "99999999999t", " 1", "+1", "1.5m"] { #expect(Quantities.bytes(bad) == nil) }
    #expect(Quantities.milliseconds("1.5s") == 1500 && Quantities.milliseconds("30") == 30_000)
    #expect(Quantities.milliseconds("250ms") == 250 && Quantities.milliseconds("x") == nil)
    #expect(Quantities.thousandths("1.5") == 1500 && Quantities.thousandths("1.") == nil)
    #expect(Quantities.signal("SIGTERM") == 15 && Quantities.signal("kill") == 9 && Quantities.signal("RTMIN+3") == 37)
    #expect(Quantities.signal("0") == nil && Quantities.signal("65") == nil && Quantities.signal("FOO") == nil)
  }

  @Test func usersAreNumbersAndNothingElse() {
    #expect(Quantities.user("1000")?.uid == 1000 && Quantities.user("0:5")?.gid == 5)
    for bad in ["", ":", "1:", ":1", "-1", "+0", "1000x", "1:2:3", "4294967296", "0x0", " 0"] {
      #expect(Quantities.user(bad) == nil, "\(bad)")
    }
  }

  @Test func helpFitsATerminal() {
    for text in verbs.map({ Help.verb($0.name.description) }) + [Help.overview()] {
      for line in text.split(separator: "\n") { #expect(line.utf8.count <= 100, "\(line)") }
    }
  }

  @Test func completionsKnowEveryVerb() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try #require(Completions.script(shell))
      for verb in verbs { #expect(script.contains(verb.name.description)) }
    }
    #expect(Completions.script("tcsh") == nil)
  }
}
