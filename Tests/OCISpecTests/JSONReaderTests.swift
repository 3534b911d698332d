import OCISpec
import Testing

/// The reader on its own, as other modules use it.
@Suite struct JSONReaderTests {
  /// Reads the member `v` of a document with `body`.
  private func read<T>(
    _ value: String, _ body: @escaping (inout JSONReader) throws(SpecError) -> T
  ) throws(SpecError) -> T? {
    var result: T?
    var reader = JSONReader(Array("{\"v\":\(value)}".utf8), file: "f")
    try reader.document { (reader, _) throws(SpecError) in result = try body(&reader) }
    return result
  }

  private func string(_ value: String) throws(SpecError) -> String? {
    try read(value) { (reader) throws(SpecError) in try reader.string() }
  }

  private func integer<T: FixedWidthInteger>(_ value: String, _: T.Type) throws(SpecError) -> T? {
    try read(value) { (reader) throws(SpecError) in try reader.integer() as T }
  }

  private func skip(_ value: String) throws(SpecError) {
    _ = try read(value) { (reader) throws(SpecError) in try reader.skip() }
  }

  @Test func readsDocumentsOfOtherModules() throws {
    let text =
      #"{"id": "c1", "pid": 7, "gone": null, "more": [{"x": [1.5e3]}], "tags": ["a", "b"]}"#
    var reader = JSONReader(Array(text.utf8), file: "state.json")
    var id = ""
    var pid: Int32 = 0
    var tags: [String] = []
    var keys: [String] = []
    try reader.document { (reader, key) throws(SpecError) in
      keys.append(key)
      switch key {
      case "id": id = try reader.string()
      case "pid": pid = try reader.integer()
      case "tags": tags = try reader.strings()
      default: try reader.skip()
      }
    }
    #expect(id == "c1" && pid == 7 && tags == ["a", "b"])
    #expect(keys == ["id", "pid", "more", "tags"], "null counts as absent")
  }

  @Test(arguments: [
    (#""""#, ""), (#""plain""#, "plain"), (#""é𝄞""#, "é𝄞"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
    (#""\ud834\udd1e""#, "𝄞"), (#""\uD800\uDC00\udbff\udfff""#, "\u{10000}\u{10ffff}"),
    ("\"\u{7f}\u{2028}\"", "\u{7f}\u{2028}"),
  ])
  func readsStrings(_ json: String, _ expected: String) throws {
    let text = try string(json)
    #expect(text.map { Array($0.utf8) } == Array(expected.utf8))
  }

  @Test(arguments: [
    #""\ud834""#, #""\ud834x""#, #""\ud834\n""#, #""\ud834\u0041""#, #""\udd1e""#,
    #""\ud834\ud834""#,
    #""\x""#, #""\u12""#, #""\u12g4""#, #""\u""#, #""\"#, #""abc"#, "\"a\nb\"", "\"a\u{0}b\"",
    #""a\u0000b""#, "'a'", "abc",
  ])
  func refusesStrings(_ json: String) {
    #expect(failure { () throws(SpecError) in try string(json) } != nil)
  }

  @Test(
    arguments: [
      [0x80], [0xff], [0xc3], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func refusesTextThatIsNotUTF8(_ bytes: [UInt8]) {
    for place in ["value", "key", "skipped"] {
      var document = Array((place == "key" ? "{\"" : "{\"hostname\":\"").utf8)
      if place == "skipped" { document = Array("{\"other\":\"".utf8) }
      document += bytes + Array((place == "key" ? "\":1}" : "\"}").utf8)
      let error = failure { () throws(SpecError) in try Spec.decode(document, file: "f") }
      #expect(error?.message == "a string is not valid UTF-8", "\(place)")
    }
  }

  @Test func readsIntegersToTheirLimits() throws {
    #expect(try integer("0", UInt16.self) == 0)
    #expect(try integer("65535", UInt16.self) == .max)
    #expect(try integer("4294967295", UInt32.self) == .max)
    #expect(try integer("18446744073709551615", UInt64.self) == .max)
    #expect(try integer("9223372036854775807", Int64.self) == .max)
    #expect(try integer("-9223372036854775808", Int64.self) == .min)
    #expect(try integer("-128", Int8.self) == .min)
  }

  @Test func refusesIntegersBeyondTheirLimits() {
    #expect(failure { () throws(SpecError) in try integer("65536", UInt16.self) } != nil)
    #expect(failure { () throws(SpecError) in try integer("4294967296", UInt32.self) } != nil)
    #expect(
      failure { () throws(SpecError) in try integer("18446744073709551616", UInt64.self) } != nil)
    #expect(
      failure { () throws(SpecError) in try integer("9223372036854775808", Int64.self) } != nil)
    #expect(
      failure { () throws(SpecError) in try integer("-9223372036854775809", Int64.self) } != nil)
    #expect(failure { () throws(SpecError) in try integer("-1", UInt64.self) } != nil)
    let digits = String(repeating: "9", count: 5000)
    #expect(failure { () throws(SpecError) in try integer(digits, Int64.self) } != nil)
  }

  @Test(arguments: ["01", "-", "+1", "1.5", "1e3", "1E3", "-01", ".5", "0x10", "1_0", "\"1\"", ""])
  func refusesWhatIsNoInteger(_ json: String) {
    #expect(failure { () throws(SpecError) in try integer(json, Int64.self) } != nil)
  }

  @Test(arguments: [
    "0", "-0", "1.5", "-1.25e+10", "1E-3", "true", "false", "null", "[]", "{}",
    "[1,[2,{\"a\":[]}]]",
    " \t\r\n[ 1 , 2 ] ",
  ])
  func skipsWhatIsJSON(_ json: String) throws { try skip(json) }

  @Test(arguments: [
    "01", "1.", ".1", "1e", "1e+", "-", "--1", "tru", "True", "nul", "NaN", "Infinity", "[1,]",
    "[,1]",
    "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "[1", "{\"a\":1", "[}",
    "1 2",
    "/* */ 1", "\u{a0}1",
  ])
  func refusesToSkipWhatIsNot(_ json: String) {
    #expect(failure { () throws(SpecError) in try skip(json) } != nil)
  }

  @Test func limitsNesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    try skip(nested(127))
    let error = failure { () throws(SpecError) in try skip(nested(128)) }
    #expect(error?.message == "nested too deeply")
    let endless = String(repeating: "[", count: 1 << 20)
    #expect(failure { () throws(SpecError) in try skip(endless) } != nil)
  }

  @Test func lastOfEqualKeysCounts() throws {
    let pairs = try read(#"{"a":"1","b":"2","a":"3","c":"4","b":"5"}"#) {
      (reader) throws(SpecError) in try reader.stringMap()
    }
    #expect(pairs == [StringPair("a", "3"), StringPair("c", "4"), StringPair("b", "5")])
  }

  /// `String` holds both keys to be equal, JSON doesn't.
  @Test func keysAreComparedByTheirBytes() throws {
    let pairs = try read("{\"\u{e9}\":\"1\",\"e\u{301}\":\"2\"}") {
      (reader) throws(SpecError) in try reader.stringMap()
    }
    #expect(pairs?.map { $0.value } == ["1", "2"])
  }

  @Test func lastOfEqualNamesCountsInOtherMaps() throws {
    let text = #"""
      {"ociVersion": "1.3.0", "linux": {
        "resources": {"rdma": {"a": {"hcaHandles": 1}, "a": {"hcaHandles": 2}}},
        "netDevices": {"e": {"name": "x"}, "e": {"name": "y"}},
        "timeOffsets": {"boottime": {"secs": 1}, "boottime": {"secs": 2}}}}
      """#
    let linux = try Spec.decode(Array(text.utf8), file: "f").linux
    #expect(linux?.resources?.rdma.map { $0.hcaHandles } == [2])
    #expect(linux?.netDevices.map { $0.name } == ["y"])
    #expect(linux?.timeOffsets.map { $0.secs } == [2])
  }

  @Test func unknownFieldsAreIgnored() throws {
    let text =
      #"{"ociVersion": "1.9.0", "vm": {"a": [1, {}]}, "process": {"cwd": "/", "new": null}}"#
    let spec = try Spec.decode(Array(text.utf8), file: "f")
    #expect(spec.process?.cwd == "/")
  }

  @Test func otherModulesNameThePlaceOfTheirErrors() {
    var reader = JSONReader(Array("{\n  \"phase\": \"odd\"\n}".utf8), file: "state.json")
    let error = failure { () throws(SpecError) in
      try reader.document { (reader, _) throws(SpecError) in
        let phase = try reader.string()
        throw reader.error("unknown phase " + phase, hint: "delete it")
      }
    }
    #expect(error?.description == "state.json:2:12: phase: unknown phase odd (delete it)")
  }
}
