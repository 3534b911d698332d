import Testing

@testable import ShimPolicy

@Suite struct TmpfsOptionsTests {
  @Test(
    arguments: [
      (["size=64m"], 16384), (["mode=1777", "size=65536k"], 16384), (["mode=755,size=1g"], 262144),
      (["size=5000000"], 1220),
      (["size=4k"], 64), (["size=1m", "size=2m"], 512),
    ] as [([String], UInt64)])
  func asManyFilesAsPages(options: [String], count: UInt64) { #expect(TmpfsOptions.inodes(options) == count) }

  @Test(arguments: [
    [], ["mode=755"], ["size=64m", "nr_inodes=7"], ["nr_inodes=0,size=64m"], ["size=0"], ["size=50%"], ["size="],
    ["size=99999999999999999999"], ["huge=always"],
  ])
  func whatIsToldOtherwiseStays(options: [String]) { #expect(TmpfsOptions.inodes(options) == nil) }
}
