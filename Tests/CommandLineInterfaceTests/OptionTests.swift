import Testing

@testable import CommandLineInterface

@Suite struct OptionTests {
  /// An option of a verb, or a global one.
  struct Place: CustomTestStringConvertible, Sendable {
    let verb: Verb?
    let option: Option

    var testDescription: String { (verb.map { $0.name + " " } ?? "") + "--" + option.name }

    /// A command line with the option in it.
    func words(_ spelling: [String]) -> [String] {
      guard let verb else { return spelling + ["list"] }
      return [verb.name] + spelling + verb.someOperands
    }

    func values(_ spelling: [String]) throws -> Invocation.Values {
      let invocation = try Invocation(words(spelling))
      return verb == nil ? invocation.global : invocation.options
    }

    static let all =
      Option.global.map { Place(verb: nil, option: $0) }
      + Verb.all.flatMap { verb in verb.options.map { Place(verb: verb, option: $0) } }
    static let switches = all.filter { $0.option.argument == nil }
    static let withArgument = all.filter { $0.option.argument != nil }
  }

  @Test(arguments: Place.switches) func switchesAreSet(place: Place) throws {
    let name = place.option.name
    var spellings = ["--" + name, "-" + name]
    // --help and --version are no values.
    if name != "help" { spellings += ["--\(name)=true", "--\(name)=1"] }
    if let short = place.option.short { spellings.append("-" + short) }
    for spelling in spellings { #expect(try place.values([spelling]).has(name), "\(spelling)") }
    if name != "help" {
      #expect(try !place.values(["--\(name)=false"]).has(name))
      #expect(complaint(place.words(["--\(name)=maybe"]))?.contains("true or false") == true)
    }
  }

  @Test(arguments: Place.withArgument) func argumentsArrive(place: Place) throws {
    let name = place.option.name
    let argument = try #require(place.option.argument)
    for good in argument.samples.good {
      var spellings = [
        ["--" + name, good], ["--\(name)=\(good)"], ["-" + name, good], ["-\(name)=\(good)"],
      ]
      if let short = place.option.short { spellings += [["-" + short, good], ["-\(short)=\(good)"]] }
      for spelling in spellings {
        #expect(try place.values(spelling)[name] == good, "\(spelling)")
      }
    }
  }

  @Test(arguments: Place.withArgument) func wrongArgumentsAreNamed(place: Place) throws {
    let argument = try #require(place.option.argument)
    for bad in argument.samples.bad {
      let line = complaint(place.words(["--" + place.option.name, bad]))
      #expect(line?.hasPrefix("--\(place.option.name) '\(bad)' is not ") == true, "'\(bad)': \(line ?? "")")
    }
    let words = (place.verb.map { [$0.name] } ?? []) + ["--" + place.option.name]
    #expect(
      complaint(words)
        == "option --\(place.option.name) needs an argument; write --\(place.option.name) \(argument.name)"
    )
  }

  @Test func countsHaveBounds() {
    #expect(complaint("run", "--preserve-fds", "65536", "c") == nil)
    #expect(
      complaint("run", "--preserve-fds", "65537", "c")
        == "--preserve-fds '65537' is not a whole number from 0 to 65536; see 'rcontainer run --help'")
    #expect(complaint("do", "--pids", "0", "ls") != nil)
    #expect(complaint("update", "--blkio-weight", "65536", "c") != nil)
  }

  @Test func optionsStandBeforeAndAfterTheID() throws {
    for words in [["kill", "--all", "c", "9"], ["kill", "c", "--all", "9"], ["kill", "c", "9", "-a"]] {
      let invocation = try Invocation(words)
      #expect(invocation.options.has("all"))
      #expect(invocation.operands == ["c", "9"])
    }
  }

  @Test func theLastArgumentCountsButRepeatedOnesAreKept() throws {
    let twice = try Invocation(["run", "-b", "/a", "--bundle=/b", "c"])
    #expect(twice.options["bundle"] == "/b")
    let exec = try Invocation(["exec", "-e", "A=1", "--env", "B=2", "-e=C=3", "c", "ls"])
    #expect(exec.options.all("env") == ["A=1", "B=2", "C=3"])
    let changed = try Invocation(["kill", "--all", "--all=false", "c"])
    #expect(!changed.options.has("all"))
  }

  @Test func switchesOfOneLetterCluster() throws {
    let exec = try Invocation(["exec", "-td", "c", "ls"])
    #expect(exec.options.has("tty") && exec.options.has("detach"))
    #expect(complaint("exec", "-tu", "1", "c", "ls")?.hasPrefix("unknown option -tu") == true)
  }

  @Test func everyWordOfACommandIsItsOwn() throws {
    #expect(try Invocation(["do", "ls", "--all", "--", "-l"]).operands == ["ls", "--all", "--", "-l"])
    #expect(try Invocation(["do", "--json", "--", "--odd", "-x"]).operands == ["--odd", "-x"])
    let exec = try Invocation(["exec", "-t", "c", "sh", "-c", "x", "--env", "A"])
    #expect(exec.operands == ["c", "sh", "-c", "x", "--env", "A"] && !exec.options.has("env"))
    #expect(try Invocation(["exec", "c", "-t"]).operands == ["c", "-t"])
    #expect(try Invocation(["exec", "c", "--", "-t"]).operands == ["c", "-t"])
    #expect(try Invocation(["exec", "c", "--help"]).operands == ["c", "--help"])
    #expect(try Invocation(["ps", "c", "-ef", "--format", "x"]).operands == ["c", "-ef", "--format", "x"])
  }

  @Test func twoDashesEndOptions() throws {
    #expect(try Invocation(["state", "--", "-c"]).operands == ["-c"])
    let global = try Invocation(["--debug", "--", "list", "-q"])
    #expect(global.global.has("debug") && global.verb == "list" && global.options.has("quiet"))
  }

  @Test func oneDashIsAnOperand() throws {
    #expect(try Invocation(["update", "-r", "-", "c"]).options["resources"] == "-")
    #expect(try Invocation(["state", "-"]).operands == ["-"])
  }

  @Test func helpAndVersionNeedNothingElse() throws {
    #expect(try Invocation(["--help", "--nonsense"]).global.has("help"))
    #expect(try Invocation(["-v", "nonsense"]).global.has("version"))
    for words in [["create", "-h"], ["create", "--help", "--nonsense"], ["help", "create"]] {
      let invocation = try Invocation(words)
      #expect(invocation.verb == "create" && invocation.options.has("help"))
    }
    #expect(try Invocation(["help"]).global.has("help"))
    #expect(try Invocation([]).verb == nil)
  }

  @Test func tablesAreSound() {
    #expect(Set(Verb.all.map(\.name)).count == Verb.all.count)
    for options in [Option.global] + Verb.all.map(\.options) {
      let spellings = options.flatMap { [$0.name] + ($0.short.map { [$0] } ?? []) }
      #expect(Set(spellings).count == spellings.count, "two options with one name")
    }
    for option in Option.global + Verb.all.flatMap(\.options) {
      #expect(option.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" })
      #expect(option.short?.utf8.count ?? 1 == 1)
      #expect(!option.help.hasSuffix(".") && option.help.allSatisfy(\.isASCII))
    }
  }

  @Test func aToolsWordsAreItsOwn() throws {
    let words = ["--full", "--help", "--runtime", "runc", "-x"]
    let invocation = try Invocation(["assess"] + words)
    #expect(invocation.operands == words)
    #expect(!invocation.options.has("help"))
    #expect(try Invocation(["assess"]).operands.isEmpty)
    #expect(try Invocation(["help", "assess"]).options.has("help"))
  }
}
