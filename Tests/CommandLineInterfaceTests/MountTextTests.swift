import Testing

@testable import CommandLineInterface

@Suite struct MountTextTests {
  @Test(arguments: [
    ("type=bind,src=/a,dst=/b", MountText.Kind.bind(source: "/a"), "/b", false),
    ("type=bind,source=a b,target=/b,readonly", .bind(source: "a b"), "/b", true),
    ("src=/a,destination=/b,ro=true", .bind(source: "/a"), "/b", true),
    ("dst=/b/c,source=/a=1,ro=false", .bind(source: "/a=1"), "/b/c", false),
    ("type=tmpfs,dst=/t", .memory(size: nil), "/t", false),
    ("type=tmpfs,dst=/t,size=64m,ro", .memory(size: 64 << 20), "/t", true),
    ("type=tmpfs,dst=/t,tmpfs-size=1k", .memory(size: 1024), "/t", false),
  ])
  func readsDockersWords(text: String, kind: MountText.Kind, destination: String, isReadOnly: Bool) throws {
    let mount = try MountText(text)
    #expect(mount.kind == kind && mount.destination == destination && mount.isReadOnly == isReadOnly)
  }

  @Test(arguments: [
    "", "type=bind", "type=bind,src=/a", "type=bind,dst=/b", "type=volume,src=a,dst=/b", "src=/a,dst=b", "src=/a,dst=/",
    "src=/a,dst=/./", "src=/a,dst=/b/../..", "src=/a,dst=/b,", "src=/a,dst=/b,size=1m", "type=tmpfs,src=/a,dst=/b",
    "type=tmpfs,dst=/b,size=0", "type=tmpfs,dst=/b,size=-1", "type=tmpfs,dst=/b,size=x", "src=,dst=/b", "src,dst=/b",
    "src=/a,source=/b,dst=/c", "src=/a,dst=/b,ro=maybe", "src=/a,dst=/b,rw\u{1b}[2J",
  ])
  func refusesInOneLine(text: String) {
    do throws(UsageError) {
      _ = try MountText(text)
      Issue.record("accepted")
    } catch { #expect(error.message.utf8.allSatisfy { $0 >= 0x20 } && error.message.utf8.starts(with: "--mount".utf8)) }
  }
}
