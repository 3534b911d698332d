import Testing

@testable import CommandLineInterface

/// One line, which names the word and says what to do.
@Suite struct MistakeTests {
  @Test(arguments: [
    (["crate", "x"], "unknown verb 'crate'; did you mean 'create'?"),
    (["ruin"], "unknown verb 'ruin'; did you mean 'run'?"),
    (["checkpoint", "x"], "unknown verb 'checkpoint'; see 'rcontainer --help'"),
    (["help", "x"], "no help for unknown verb 'x'; see 'rcontainer --help'"),
    (
      ["create", "--bundel", "/b", "x"],
      "unknown option --bundel for 'create'; did you mean --bundle?"
    ),
    (["create", "--foo", "x"], "unknown option --foo for 'create'; see 'rcontainer create --help'"),
    (["create", "--foo=bar", "x"], "unknown option --foo for 'create'; see 'rcontainer create --help'"),
    (["create", "---bundle", "x"], "unknown option ---bundle for 'create'; did you mean --bundle?"),
    (["create", "--debug", "x"], "unknown option --debug for 'create'; --debug stands before the verb"),
    (["--bundle", "/b", "create", "x"], "unknown option --bundle; options of a verb stand behind it"),
    (["--rot", "/r", "list"], "unknown option --rot; did you mean --root?"),
    (["--="], "unknown option --; see 'rcontainer --help'"),
    (["create"], "'create' needs <id>; usage: rcontainer create [options] <id>"),
    (["do"], "'do' needs [--] <command> [argument...]; usage: rcontainer do [options] [--] <command> [argument...]"),
    (
      ["exec", "c"],
      "'exec' needs [command] [argument...], or --process; "
        + "usage: rcontainer exec [options] <id> [command] [argument...]"
    ),
    (["exec"], "'exec' needs <id>; usage: rcontainer exec [options] <id> [command] [argument...]"),
    (["state", "a", "b"], "'state' has no use for 'b'; usage: rcontainer state <id>"),
    (["list", "a"], "'list' has no use for 'a'; usage: rcontainer list [options]"),
    (["create", "--bundle"], "option --bundle needs an argument; write --bundle DIR"),
    (
      ["run", "--detach=maybe", "x"],
      "option --detach takes no argument but true or false; see 'rcontainer run --help'"
    ),
    (["--log-format", "xml", "list"], "--log-format 'xml' is not text or json; see 'rcontainer --help'"),
    (
      ["--cgroup-manager", "x", "list"],
      "--cgroup-manager 'x' is not cgroupfs, systemd or disabled; see 'rcontainer --help'"
    ),
    (
      ["exec", "-u", "0x0", "c", "id"],
      "--user '0x0' is not UID or UID:GID, in numbers; see 'rcontainer exec --help'"
    ),
    (
      ["do", "--memory", "lots", "ls"],
      "--memory 'lots' is not a size such as 512m or 2g; see 'rcontainer do --help'"
    ),
  ])
  func areTold(words: [String], expected: String) {
    #expect(complaint(words) == expected)
  }

  @Test func aProcessFileStandsForTheCommand() {
    #expect(complaint("exec", "--process", "/p", "c") == nil)
  }

  @Test func whatIsShownIsOneLineAndHarmless() {
    let line = complaint("create", "--\u{1b}[2J\n\u{7f}\u{85}x" + String(repeating: "y", count: 9999))
    #expect(line?.utf8.count ?? 0 < 200)
    #expect(line?.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) } == true)
    #expect(complaint("\u{1b}]0;x\u{7}")?.hasPrefix("unknown verb '?]0;x?'") == true)
  }

  @Test func theNearestWordIsSuggested() {
    #expect(Suggestion.nearest(to: "stat", in: ["start", "state"]) == "start")
    #expect(Suggestion.nearest(to: "statee", in: ["start", "state"]) == "state")
    #expect(Suggestion.nearest(to: "xx", in: ["ps", "do"]) == nil)
    #expect(Suggestion.nearest(to: "", in: ["a", "bc"]) == "a")
    #expect(Suggestion.distance("kitten", "sitting") == 3)
    #expect(Suggestion.distance("", "abc") == 3 && Suggestion.distance("abc", "") == 3)
    #expect(Suggestion.nearest(to: String(repeating: "create", count: 99), in: ["create"]) == nil)
  }

  /// Any words at all are either understood or refused.
  @Test func noCommandLineTraps() {
    var random = SplitMix(state: 1)
    let parts =
      Verb.all.map(\.name) + Option.global.map { "--" + $0.name }
      + Verb.all.flatMap { $0.options.map { "--" + $0.name } }
      + Verb.all.flatMap { $0.options.compactMap { $0.short.map { "-" + $0 } } } + [
        "", "-", "--", "---", "=", "--=", "-=x", "é", "\u{0}", "\u{fffd}", "-1", "18446744073709551616",
        "-9223372036854775808", "1e9", "9223372036854775807t", "99999999999h", "0.0.0", ".", "4294967295:",
        "RTMIN+31", "c", "🧵-", "--\u{301}", "--root=", "--env==",
      ]
    var accepted = 0
    for _ in 0..<20_000 {
      let words = (0..<Int(random.next() % 6)).map { _ in
        var word = parts[Int(random.next() % UInt64(parts.count))]
        if random.next() % 4 == 0 { word += parts[Int(random.next() % UInt64(parts.count))] }
        return word
      }
      if complaint(words) == nil { accepted += 1 }
    }
    #expect((1..<20_000).contains(accepted))
  }
}

/// Numbers that are the same in every run (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
