import Testing

@testable import LayerChanges

@Suite struct PathTextTests {
  @Test(arguments: [
    ("/plain/näme", "/plain/näme"), ("/a\nb", "/a\\nb"), ("/a\\nb", "/a\\\\nb"), ("/\u{1b}[2J", "/\\x1b[2J"),
    ("/\u{9b}2J", "/\\x9b2J"), ("/\u{7f}", "/\\x7f"), ("/gnp\u{202e}exe", "/gnp\\u{202e}exe"),
    ("/a\u{200b}b", "/a\\u{200b}b"),
    ("/\u{1f600}", "/\u{1f600}"),
  ])
  func nothingThatATerminalObeys(path: String, shown: String) { #expect(PathText.shown(Array(path.utf8)) == shown) }

  /// Overlong forms, surrogates, what is cut off, and what is too large.
  @Test(
    arguments: [
      ([0xff], "\\xff"), ([0xc0, 0x8a], "\\xc0\\x8a"), ([0xe2, 0x80], "\\xe2\\x80"),
      ([0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"),
      ([0xf4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"), ([0xc3, 0x0a], "\\xc3\\n"),
      ([0x41, 0xf0, 0x9f, 0x98], "A\\xf0\\x9f\\x98"),
    ] as [([UInt8], String)])
  func bytesThatAreNotUTF8(path: [UInt8], shown: String) { #expect(PathText.shown(path) == shown) }

  @Test func aListIsBounded() {
    var list = ChangeList()
    for number in 0..<70_000 { list.add(Change(.added, Array("/\(number)".utf8), .file, size: 0)) }
    #expect(list.count == 70_000 && list.changes.count == 65_536 && list.isTruncated)
    var long = ChangeList()
    for _ in 0..<20 { long.add(Change(.added, [UInt8](repeating: 0x61, count: 1 << 20), .file, size: 0)) }
    #expect(long.changes.count == 16 && long.count == 20)
  }
}
