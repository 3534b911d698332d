import OCISpec
import Testing

/// Each kind of error: the line, the column in bytes and the path of what is wrong.
@Suite struct SpecErrorTests {
  struct Case: CustomTestStringConvertible {
    let document: String
    let description: String

    init(_ document: String, _ description: String) {
      self.document = document
      self.description = description
    }

    var testDescription: String { description }
  }

  static let cases = [
    // The document
    Case("", "c.json:1:1: expected an object, found the end of the document"),
    Case("[]", "c.json:1:1: expected an object, found an array"),
    Case(
      "\u{feff}{}",
      "c.json:1:1: expected an object, found a byte order mark, or another character that is not ASCII"
    ),
    Case(
      #"{"ociVersion":"1.0.0"} x"#, "c.json:1:24: unexpected text after the end of the document"),
    Case(
      #"{"ociVersion":"1.0.0""#, "c.json:1:22: expected ',' or '}', found the end of the document"),
    Case(#"{"ociVersion":"1.0.0",}"#, "c.json:1:23: expected another value after ','"),
    Case("{1:2}", "c.json:1:2: expected a member name in quotes, found a number"),
    Case("{\"a\"\n 1}", "c.json:2:2: expected ':' after \"a\", found a number"),
    Case("{\"a\": \u{1}}", "c.json:1:7: a: expected a value, found a control character"),
    Case("{\"a\": é}", "c.json:1:7: a: expected a value, found a character that is not ASCII"),
    Case("{\"a\": ?}", "c.json:1:7: a: expected a value, found '?'"),
    Case("{}", "c.json:1:3: \"ociVersion\" is missing"),
    Case(#"{"ociVersion":null}"#, "c.json:1:20: \"ociVersion\" is missing"),
    // Types
    Case(#"{"ociVersion":1}"#, "c.json:1:15: ociVersion: expected a string, found a number"),
    Case(
      "{\n  \"process\": {\n    \"rlimits\": [\n      {\"type\": \"RLIMIT_CORE\", \"hard\": \"1\"}\n]}}",
      "c.json:4:39: process.rlimits[0].hard: expected an unsigned integer, found a string"),
    Case(
      #"{"process":{"oomScoreAdj":{}}}"#,
      "c.json:1:27: process.oomScoreAdj: expected an integer, found an object"),
    Case(
      #"{"process":{"args":["a",true]}}"#,
      "c.json:1:25: process.args[1]: expected a string, found a truth value"),
    Case(
      #"{"process":{"terminal":"yes"}}"#,
      "c.json:1:24: process.terminal: expected true or false, found a string"),
    Case(#"{"mounts":{}}"#, "c.json:1:11: mounts: expected an array, found an object"),
    Case(#"{"mounts":[null]}"#, "c.json:1:12: mounts[0]: expected an object, found null"),
    Case(
      #"{"annotations":{"org.x":1}}"#,
      #"c.json:1:25: annotations["org.x"]: expected a string, found a number"#),
    // Numbers
    Case(
      #"{"process":{"user":{"uid":4294967296}}}"#,
      "c.json:1:27: process.user.uid: expected an unsigned integer of 32 bits, found 4294967296"),
    Case(
      #"{"process":{"user":{"uid":-1}}}"#,
      "c.json:1:27: process.user.uid: expected an unsigned integer of 32 bits, found -1"),
    Case(
      #"{"linux":{"resources":{"pids":{"limit":1.5}}}}"#,
      "c.json:1:40: linux.resources.pids.limit: expected an integer, found a fraction"),
    Case(
      #"{"linux":{"resources":{"pids":{"limit":010}}}}"#,
      "c.json:1:40: linux.resources.pids.limit: a number may not start with 0"),
    // Strings; columns count bytes, so é before the value counts two
    Case(#"{"é":1,"hostname":"ab\q"}"#, "c.json:1:23: hostname: unknown escape in a string"),
    Case(#"{"hostname":"ab\u12x4"}"#, "c.json:1:16: hostname: expected four hexadecimal digits"),
    Case(#"{"hostname":"ab\ud800"}"#, "c.json:1:16: hostname: half a surrogate pair in a string"),
    Case(#"{"hostname":"ab\u0000"}"#, "c.json:1:16: hostname: a string may not hold NUL"),
    Case(
      "{\"hostname\":\"ab\n\"}",
      "c.json:1:16: hostname: a control character in a string must be escaped"),
    Case(#"{"hostname":"ab"#, "c.json:1:13: hostname: a string has no end"),
    // Fields that have to be there, at the end of their object
    Case(#"{"process":{"user":{}}}"#, "c.json:1:23: process: \"cwd\" is missing"),
    Case(#"{"root":{}}"#, "c.json:1:11: root: \"path\" is missing"),
    Case(#"{"mounts":[{"type":"proc"}]}"#, "c.json:1:27: mounts[0]: \"destination\" is missing"),
    Case(
      #"{"linux":{"seccomp":{"defaultAction":"a","syscalls":[{"action":"b"}]}}}"#,
      "c.json:1:68: linux.seccomp.syscalls[0]: \"names\" is missing"),
    // Values that only the specification knows
    Case(
      #"{"linux":{"namespaces":[{"type":"pid"},{"type":"disk"}]}}"#,
      "c.json:1:48: linux.namespaces[1].type: namespace type \"disk\" is unknown"
        + " (use pid, network, mount, ipc, uts, user, cgroup or time)"),
  ]

  @Test(arguments: cases)
  func saysWhatAndWhere(_ expected: Case) {
    let document = Array(expected.document.utf8)
    let error = failure { () throws(SpecError) in try Spec.decode(document, file: "c.json") }
    #expect(error?.description == expected.description)
  }

  /// A document must not be able to forge lines of a log, or to command a terminal.
  @Test func isOneLineWhateverTheDocumentSays() {
    let document = Array(#"{"a\nfatal: b\u001b[31m\u009b\u007f": ?}"#.utf8)
    let error = failure { () throws(SpecError) in try Spec.decode(document, file: "c.json") }
    #expect(
      error?.description
        == #"c.json:1:39: ["a\u000afatal: b\u001b[31m\u009b\u007f"]: expected a value, found '?'"#)
  }

  @Test func namesTheFileOfOtherDocuments() {
    let process = failure { () throws(SpecError) in try Process.decode([0x7b, 0x7d], file: "p") }
    #expect(process?.description == "p:1:3: \"cwd\" is missing")
    let text = Array(#"{"cpu":{"shares":"many"}}"#.utf8)
    let resources = failure { () throws(SpecError) in try Resources.decode(text, file: "-") }
    #expect(
      resources?.description == "-:1:18: cpu.shares: expected an unsigned integer, found a string")
  }
}
