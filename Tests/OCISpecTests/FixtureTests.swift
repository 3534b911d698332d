import Foundation
import Testing

@testable import OCISpec

func fixture(_ name: String) throws -> [UInt8] {
  let url = try #require(Bundle.module.url(forResource: "Fixtures/" + name, withExtension: "json"))
  return Array(try Data(contentsOf: url))
}

@Suite("Configurations of real engines") struct FixtureTests {
  @Test(arguments: ["docker-config", "podman-config", "ctr-config"])
  func isReadCheckedAndWrittenTheSame(name: String) throws {
    let spec = try Spec.decode(try fixture(name), file: name)
    try spec.validate(file: name)
    let again = try Spec.decode(spec.encode(), file: "again")
    #expect(again == spec)
    #expect(try Spec.decode(spec.encode(pretty: true), file: "pretty") == spec)
    #expect(!spec.mounts.isEmpty)
    #expect(spec.linux?.namespaces.contains { $0.type == .mount } == true)
  }

  @Test func theParserAgreesWithFoundation() throws {
    // Every leaf that Foundation sees in what we write, it sees in what the engine wrote: nothing that we
    // know is lost or changed.
    for name in ["docker-config", "podman-config", "ctr-config"] {
      let original = try fixture(name)
      let ours = try Spec.decode(original, file: name).encode()
      let a = try #require(JSONSerialization.jsonObject(with: Data(original)) as? NSDictionary)
      let b = try #require(JSONSerialization.jsonObject(with: Data(ours)) as? NSDictionary)
      for (section, key) in [
        ("process", "args"), ("process", "env"), ("process", "capabilities"),
        ("linux", "maskedPaths"), ("linux", "namespaces"),
      ] {
        let (x, y) = (a[section] as? NSDictionary, b[section] as? NSDictionary)
        #expect(x?[key] as? NSObject == y?[key] as? NSObject, "\(name): \(section).\(key)")
      }
      #expect(a["mounts"] as? NSArray == b["mounts"] as? NSArray, "\(name): mounts")
    }
  }
}

@Suite("Messages of the reader") struct ReaderErrorTests {
  func message(_ text: String) -> String {
    do throws(SpecError) {
      let spec = try Spec.decode(Array(text.utf8), file: "config.json")
      try spec.validate(file: "config.json")
      return ""
    } catch { return error.description }
  }

  @Test func placeAndPathAreNamed() {
    #expect(
      message("{\"ociVersion\":\"1.0.2\",\n \"process\": {\"cwd\":\"/\", \"rlimits\": [{\"hard\": \"x\"}]}}")
        == "config.json:2:46: process.rlimits[0].hard: expected an unsigned integer, found a string")
  }

  @Test(arguments: [
    ("", "config.json:1:1: expected an object, found the end of the document"),
    ("[]", "config.json:1:1: expected an object, found an array"),
    ("{\"ociVersion\":1}", "config.json:1:15: ociVersion: expected a string, found a number"),
    ("{} x", "config.json:1:3: \"ociVersion\" is missing"),
    ("{\"ociVersion\":\"1.0.0\"} x", "config.json:1:24: unexpected text after the end of the document"),
    ("{\"ociVersion\":\"1.0.0\",}", "config.json:1:23: expected another value after ','"),
    ("{\"hostname\":\"a\\u0000b\"}", "config.json:1:15: hostname: a string may not hold NUL"),
    ("{\"hostname\":\"\\ud800\"}", "config.json:1:14: hostname: half a surrogate pair in a string"),
    (
      "{\"process\":{\"user\":{\"uid\":-1}}}",
      "config.json:1:27: process.user.uid: expected an unsigned integer of 32 bits, found -1"
    ),
    (
      "{\"process\":{\"user\":{\"uid\":4294967296}}}",
      "config.json:1:27: process.user.uid: expected an unsigned integer of 32 bits, found 4294967296"
    ),
    (
      "{\"process\":{\"user\":{\"uid\":1.5}}}",
      "config.json:1:27: process.user.uid: expected an unsigned integer, found a fraction"
    ),
  ])
  func eachMistakeHasItsMessage(text: String, expected: String) {
    #expect(message(text).hasPrefix(expected), "\(message(text))")
  }

  @Test func nestingHasALimit() {
    let deep = "{\"x\":" + String(repeating: "[", count: 5000)
    #expect(message(deep).contains("nested too deeply"))
  }

  @Test func unknownFieldsAreIgnoredAndNullIsAbsent() throws {
    let text = "{\"ociVersion\":\"1.0.2-dev\",\"future\":{\"a\":[1,2.5e3,true,null,\"x\"]},\"process\":null}"
    let spec = try Spec.decode(Array(text.utf8), file: "c")
    #expect(spec.process == nil)
  }

  @Test(arguments: [
    ("{\"ociVersion\":\"2.0.0\"}", "ociVersion: version \"2.0.0\" is not supported"),
    ("{\"ociVersion\":\"1.0\"}", "ociVersion: version \"1.0\" is not supported"),
    (
      "{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"x\",\"args\":[\"a\"]}}",
      "process.cwd: \"x\" is not an absolute path"
    ),
    ("{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"/\"}}", "process.args: must not be empty"),
    (
      "{\"ociVersion\":\"1.2.0\",\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}}",
      "linux.namespaces[1].type: \"pid\" is given twice"
    ),
    (
      "{\"ociVersion\":\"1.2.0\",\"hooks\":{\"poststop\":[{\"path\":\"x\"}]}}",
      "hooks.poststop[0].path: \"x\" is not an absolute path"
    ),
    (
      "{\"ociVersion\":\"1.2.0\",\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}}",
      "linux.namespaces[0].type: namespace type \"x\" is unknown"
    ),
  ])
  func meaningIsChecked(text: String, expected: String) {
    #expect(message(text).contains(expected), "\(message(text))")
  }

  @Test func everyFieldOfTheExampleSurvives() throws {
    for spec in [Spec.example(), Spec.example(rootless: (1000, 1000))] {
      #expect(try Spec.decode(spec.encode(pretty: true), file: "e") == spec)
      try spec.validate(file: "e")
    }
  }

  @Test func stringsAreEscapedSoThatFoundationReadsThem() throws {
    let nasty = "a\"b\\c\n\t\r\u{1}\u{7f}ü😀"
    var writer = JSONWriter()
    writer.object { $0.member("k", nasty) }
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: String])
    #expect(object["k"] == nasty)
  }
}
