import Foundation
import Testing

@testable import CommandLineInterface

@Suite struct HelpTests {
  @Test func fitsATerminal() {
    for text in Verb.all.map({ Help.verb($0.name) }) + [Help.overview()] {
      for line in text.split(separator: "\n") {
        // The usage line is one word of the shell's, however long.
        #expect(line.utf8.count <= 80, "\(line)")
      }
    }
  }

  @Test func tellsEverything() {
    let overview = Help.overview()
    for verb in Verb.all {
      #expect(overview.contains("\n  " + verb.name + " "))
      let help = Help.verb(verb.name)
      #expect(help.hasPrefix("Usage: rcontainer " + verb.name))
      for option in verb.options { #expect(help.contains("--" + option.name)) }
    }
    for option in Option.global { #expect(overview.contains("--" + option.name)) }
    #expect(Help.verb("nonsense") == overview)
  }

  @Test func longRowsAreBroken() {
    let help = Help.verb("do")
    #expect(
      help.contains(
        """
          -e, --env NAME[=VALUE]    set a variable, or pass it on (repeatable)

        """))
    #expect(help.contains("\n                            "))
  }
}

@Suite struct ManualPageTests {
  private let page = ManualPage.text(version: "1.2.3")

  @Test func tellsEverything() {
    for verb in Verb.all {
      #expect(page.contains(".SS rcontainer " + verb.name.replacingOccurrences(of: "-", with: "\\-")))
    }
    for option in Option.global + Verb.all.flatMap(\.options) {
      #expect(page.contains("\\-\\-" + option.name.replacingOccurrences(of: "-", with: "\\-")))
    }
  }

  @Test(.enabled(if: installed("groff") != nil, "groff is not installed"))
  func groffHasNothingToSay() throws {
    let checked = try output(of: "groff", ["-man", "-Tutf8", "-ww", "-z"], input: page)
    #expect(checked.status == 0 && checked.text.isEmpty, "\(checked.text)")
    let shown = try output(of: "groff", ["-man", "-Tutf8"], input: page)
    #expect(shown.text.contains("rcontainer 1.2.3"))
  }
}

@Suite struct CompletionTests {
  @Test(arguments: Completions.shells) func everyVerbAndOptionIsKnown(shell: String) throws {
    let script = try #require(Completions.script(shell))
    for verb in Verb.all { #expect(script.contains(verb.name)) }
    for option in Option.global + Verb.all.flatMap(\.options) { #expect(script.contains(option.name)) }
  }

  @Test func otherShellsHaveNone() { #expect(Completions.script("tcsh") == nil) }

  @Test(.enabled(if: installed("bash") != nil, "bash is not installed"))
  func bashReadsItsScript() throws {
    let checked = try output(of: "bash", ["-n"], input: try #require(Completions.script("bash")))
    #expect(checked.status == 0 && checked.text.isEmpty, "\(checked.text)")
  }

  @Test(.enabled(if: installed("zsh") != nil, "zsh is not installed"))
  func zshReadsItsScript() throws {
    let checked = try output(of: "zsh", ["-n"], input: try #require(Completions.script("zsh")))
    #expect(checked.status == 0 && checked.text.isEmpty, "\(checked.text)")
  }

  @Test(.enabled(if: installed("fish") != nil, "fish is not installed"))
  func fishReadsItsScript() throws {
    let checked = try output(
      of: "fish", ["--no-execute", "/dev/stdin"], input: try #require(Completions.script("fish")))
    #expect(checked.status == 0 && checked.text.isEmpty, "\(checked.text)")
  }

  /// What bash offers for the last of these words. `rcontainer` itself is replaced: it lists two ids.
  private func offered(_ words: [String]) throws -> [String] {
    let quoted = words.map { "'" + $0 + "'" }.joined(separator: " ")
    let script = """
      rcontainer() { [ "$1" = list ] && printf '%s\\n' alpha beta; }
      \(try #require(Completions.script("bash")))
      COMP_WORDS=(rcontainer \(quoted)) COMP_CWORD=\(words.count)
      cd /
      _rcontainer
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    return try output(of: "bash", [], input: script).text.split(separator: "\n").map(String.init)
  }

  @Test(
    .enabled(if: installed("bash") != nil, "bash is not installed"),
    arguments: [
      (["cre"], ["create"]),
      (["--log-f"], ["--log-format"]),
      (["--log-format", ""], ["text", "json"]),
      (["--log-format", "=", "j"], ["json"]),
      (["--log-format", "="], ["text", "json"]),
      (["--root", "/ru"], ["/run"]),
      (["--root", "create", "sta"], ["start", "state"]),
      (["start", ""], ["alpha", "beta"]),
      (["start", "a"], ["alpha"]),
      (["start", "alpha", ""], []),
      (["kill", "alpha", "US"], ["USR1", "USR2"]),
      (["kill", "--a"], ["--all"]),
      (["create", "--bundle", "/us"], ["/usr"]),
      (["create", "--bundle", "/x", "--pid"], ["--pid-file"]),
      (["create", "--bundle", "=", "/x", "--pid"], ["--pid-file"]),
      (["update", "--memory", ""], []),
      (["list", "-f", "j"], ["json"]),
      (["do", "--net", ""], ["none", "host"]),
      (["do", "ls", "--net", "/et"], ["/etc"]),
      (["do", "--js"], ["--json"]),
      (["exec", "-t", ""], ["alpha", "beta"]),
      (["exec", "alpha", "sh", "--pro"], []),
      (["completion", "z"], ["zsh"]),
    ])
  func bashOffers(words: [String], expected: [String]) throws {
    #expect(try Set(offered(words)) == Set(expected))
  }
}

/// The files of the repository are what the tables generate; `make generate` writes them.
@Suite struct GeneratedFileTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test(arguments: Completions.shells) func completions(shell: String) throws {
    let file = Self.root.appending(path: "completions/rcontainer.\(shell)")
    #expect(try String(contentsOf: file, encoding: .utf8) == Completions.script(shell))
  }

  @Test func manualPage() throws {
    let file = Self.root.appending(path: "docs/man/rcontainer.1")
    let text = try String(contentsOf: file, encoding: .utf8)
    // The version is the runtime's, of which the tables know nothing.
    let version = try #require(text.firstMatch(of: /"rcontainer ([0-9][^"]*)"/)).output.1
    #expect(text == ManualPage.text(version: String(version)))
  }
}
