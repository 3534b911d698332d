import Foundation
import OCISpec
import Testing

@Suite struct JSONWriterTests {
  @Test func writesCompactly() {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("a", "x")
      writer.member("b", -1)
      writer.member("c", UInt64.max)
      writer.member("d", true)
      writer.member("e", ["1", "2"])
      writer.member("f", [StringPair("k", "v")])
      writer.key("g")
      writer.array { writer in
        writer.object { _ in }
        writer.array { _ in }
        writer.raw("1.5")
      }
    }
    #expect(
      writer.text
        == #"{"a":"x","b":-1,"c":18446744073709551615,"d":true,"e":["1","2"],"f":{"k":"v"},"#
        + #""g":[{},[],1.5]}"#)
  }

  @Test func indentsByFour() {
    var writer = JSONWriter(pretty: true)
    writer.object { writer in
      writer.member("a", ["1", "2"])
      writer.member("none", [String]())
      writer.key("o")
      writer.object { writer in writer.member("n", 1) }
    }
    #expect(
      writer.text == """
        {
            "a": [
                "1",
                "2"
            ],
            "none": [],
            "o": {
                "n": 1
            }
        }
        """)
  }

  @Test func leavesOutWhatIsAbsent() {
    var writer = JSONWriter()
    writer.object { writer in
      writer.optional("a", String?.none)
      writer.optional("b", Int?.none)
      writer.optional("c", Bool?.none)
      writer.optional("d", [String]())
      writer.optional("e", [StringPair]())
      writer.optional("f", false)
      writer.optional("g", "")
    }
    #expect(writer.text == #"{"f":false,"g":""}"#)
  }

  /// Every character of the lowest two blocks, and some beyond, as names and as values.
  @Test func escapesSoThatOthersReadItBack() throws {
    let scalars = (1...0x2ff).compactMap { Unicode.Scalar($0) } + ["\u{2028}", "\u{ffff}", "𝄞"]
    for scalar in scalars {
      let text = "a" + String(scalar) + "b"
      var writer = JSONWriter()
      writer.object { writer in writer.member(text, text) }
      #expect(try tree(writer.bytes) == [text: text])
      var reader = JSONReader(writer.bytes, file: "f")
      try reader.document { (reader, key) throws(SpecError) in
        let value = try reader.string()
        #expect(Array(key.utf8) == Array(text.utf8) && Array(value.utf8) == Array(text.utf8))
      }
    }
  }
}
