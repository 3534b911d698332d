import Foundation
import Testing

@testable import MachineKit

@Suite struct CpioArchiveTests {
  /// Reads the format again: names, modes and contents.
  private func entries(_ data: Data) -> [(name: String, mode: Int, contents: String)] {
    let bytes = Array(data)
    var at = 0
    var result: [(name: String, mode: Int, contents: String)] = []
    func field(_ index: Int) -> Int {
      let start = at + 6 + index * 8
      return Int(String(decoding: bytes[start..<start + 8], as: UTF8.self), radix: 16) ?? -1
    }
    while true {
      let (mode, size, nameSize) = (field(1), field(6), field(11))
      let name = String(decoding: bytes[at + 110..<at + 110 + nameSize - 1], as: UTF8.self)
      if name == "TRAILER!!!" { return result }
      let contents = (at + 110 + nameSize + 3) / 4 * 4
      result.append((name, mode, String(decoding: bytes[contents..<contents + size], as: UTF8.self)))
      at = (contents + size + 3) / 4 * 4
    }
  }

  @Test func parentsComeFirstAndEntriesAreSorted() {
    var archive = CpioArchive()
    archive.addFile("/b/c/file", Data("12345".utf8), mode: 0o755)
    archive.addLink("a", to: "b/c")
    archive.addDirectory("b", mode: 0o700)
    let found = entries(archive.data)
    #expect(found.map(\.name) == ["a", "b", "b/c", "b/c/file"])
    #expect(found.map(\.mode) == [0o120777, 0o040700, 0o040755, 0o100755])
    #expect(found.map(\.contents) == ["b/c", "", "", "12345"])
    #expect(archive.data.count % 512 == 0)
  }

  @Test func theOrderOfAddingMakesNoDifference() {
    var (one, two) = (CpioArchive(), CpioArchive())
    one.addFile("x", Data([1]))
    one.addFile("y/z", Data([2]))
    two.addFile("y/z", Data([2]))
    two.addFile("./x", Data([1]))
    #expect(one.data == two.data)
  }

  @Test func appletsAreTheSortedNames() {
    let program = Data("rubbish\0[\0[[\0acpid\0sh\0zcat\0/var/log\0zz\0".utf8)
    #expect(Initramfs.applets(in: program) == ["[", "[[", "acpid", "sh", "zcat"])
    #expect(Initramfs.applets(in: Data("nothing".utf8)).isEmpty)
  }
}
