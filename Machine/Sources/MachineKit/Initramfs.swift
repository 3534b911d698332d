import Foundation

/// The machine's root file system.
public struct Initramfs {
  let layout: Layout

  public init(layout: Layout) { self.layout = layout }

  /// Builds build/machine/initramfs.cpio and its compressed twin, if something has changed.
  @discardableResult
  public func build() throws -> Bool {
    let changed = try archive().data.writeIfChanged(to: layout.initramfs)
    if changed || !layout.compressedInitramfs.exists {
      // Not atomic in itself: an interrupted run must not leave half of it.
      let new = layout.machine.appending(path: "initramfs.cpio.new")
      try Data(contentsOf: layout.initramfs).write(to: new)
      try Tool.run(["gzip", "--no-name", "--force", "-6", new.plainPath], package: "gzip")
      try? FileManager.default.removeItem(at: layout.compressedInitramfs)
      try FileManager.default.moveItem(
        at: layout.machine.appending(path: "initramfs.cpio.new.gz"), to: layout.compressedInitramfs)
    }
    return changed
  }

  private func archive() throws -> CpioArchive {
    var archive = CpioArchive()
    for directory in ["dev", "proc", "sys", "newroot", "root", "run", "usr/bin", "usr/sbin"] {
      archive.addDirectory(directory)
    }
    archive.addDirectory("tmp", mode: 0o1777)
    for (name, path) in [("init", "init"), ("agent", "machine/agent"), ("counter", "bin/counter")] {
      let source = layout.guest.appending(path: name)
      guard source.exists else { throw MachineError("\(source.plainPath) is missing; run scripts/build-machine") }
      archive.addFile(path, try Data(contentsOf: source), mode: 0o755)
    }
    archive.addFile("bin/busybox", try Data(contentsOf: layout.busybox), mode: 0o755)
    for name in try applets() where !archive.contains("bin/\(name)") {
      archive.addLink("bin/\(name)", to: "busybox")
    }
    archive.addLink("sbin", to: "bin")
    try addModules(to: &archive)
    archive.addFile("etc/passwd", Data("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n".utf8))
    archive.addFile("etc/group", Data("root:x:0:\nnogroup:x:65534:\n".utf8))
    archive.addFile("etc/hosts", Data("127.0.0.1 localhost\n".utf8))
    if layout.runtime.exists {
      archive.addFile("usr/bin/rcontainer", try Data(contentsOf: layout.runtime), mode: 0o755)
    }
    // Last, so that it can replace everything.
    if layout.overlay.exists { try archive.add(layout.overlay.resolvingSymlinksInPath(), at: "") }
    return archive
  }

  private func addModules(to archive: inout CpioArchive) throws {
    let packages = Packages(layout: layout, say: { _ in })
    var names: [String] = []
    for module in Packages.modules {
      let source = try packages.module(module)
      // A kernel may have one built in.
      guard source.exists else { continue }
      names.append(source.lastPathComponent)
      archive.addFile("lib/modules/\(source.lastPathComponent)", try Data(contentsOf: source))
    }
    archive.addFile("machine/modules", Data(names.joined(separator: "\n").appending("\n").utf8))
    if layout.driver.exists { archive.addFile("lib/modules/conshim.ko", try Data(contentsOf: layout.driver)) }
  }

  /// The names that busybox answers to. It is an arm64 program, so they are looked up in it, not asked for:
  /// the table is a run of strings that end with NUL, in alphabetical order, from "[" to "zcat".
  private func applets() throws -> [String] {
    let names = Self.applets(in: try Data(contentsOf: layout.busybox))
    guard names.contains("sh"), names.contains("mount"), names.contains("switch_root") else {
      throw MachineError("\(layout.busybox.plainPath) has no list of applets")
    }
    return names
  }

  static func applets(in program: Data) -> [String] {
    guard let start = program.firstRange(of: Data("\0[\0[[\0".utf8)) else { return [] }
    var names: [String] = []
    let table = program[(start.lowerBound + 1)...].prefix(64 * 1024)
    for part in table.split(separator: 0, omittingEmptySubsequences: false) {
      let name = String(decoding: part, as: UTF8.self)
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x2f }), name > (names.last ?? "")
      else { break }
      names.append(name)
    }
    return names
  }
}
