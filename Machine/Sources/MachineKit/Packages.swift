import Foundation

/// Fetches arm64 packages of the Debian release that this system runs, with an apt of its own: the system's
/// package state stays untouched.
public struct Packages {
  let layout: Layout
  let say: (String) -> Void

  public init(layout: Layout, say: @escaping (String) -> Void) {
    self.layout = layout
    self.say = say
  }

  /// The kernel that was unpacked, by its release name.
  struct Kernel: Codable, Equatable {
    var release: String
    var files: [String]
  }

  private var apt: URL { layout.machine.appending(path: "apt") }
  private var stamp: URL { layout.machine.appending(path: "packages.json") }

  /// Kernel, headers and busybox. Does nothing when they are there already.
  public func fetch(again: Bool = false) throws {
    if !again, let data = try? Data(contentsOf: stamp), (try? JSONDecoder().decode(Kernel.self, from: data)) != nil,
      [layout.image, layout.busybox, layout.headers.appending(path: "Makefile")].allSatisfy(\.exists)
    {
      return
    }
    try? FileManager.default.removeItem(at: stamp)
    try configure()
    say("fetching the lists of packages")
    _ = try aptRun(["apt-get", "-qq", "update"])
    let image = try dependency(of: "linux-image-cloud-arm64", startingWith: "linux-image-")
    let headers = try dependency(of: "linux-headers-cloud-arm64", startingWith: "linux-headers-")
    let common = try dependency(of: headers, startingWith: "linux-headers-", endingWith: "-common")
    let kbuild = try dependency(of: headers, startingWith: "linux-kbuild-")
    let host = try Tool.run(["dpkg", "--print-architecture"]).trimmingCharacters(in: .whitespacesAndNewlines)
    try download(["\(image):arm64", "\(headers):arm64", "\(common):all", "\(kbuild):\(host)", "busybox-static:arm64"])
    let release = String(image.dropFirst("linux-image-".count))
    try unpack()
    try place(release: release, headers: headers, common: common, kbuild: kbuild)
    let names = try FileManager.default.contentsOfDirectory(atPath: layout.packages.plainPath).sorted()
    try JSONEncoder().encode(Kernel(release: release, files: names)).write(to: stamp, options: .atomic)
    say("Linux \(release)")
  }

  /// Modules that are put into the initramfs, in the order in which they are loaded.
  static let modules = [
    "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko", "drivers/virtio/virtio_mmio.ko",
    "drivers/char/virtio_console.ko", "fs/overlayfs/overlay.ko", "fs/fuse/fuse.ko",
  ]

  func module(_ name: String) throws -> URL {
    let kernel = try JSONDecoder().decode(Kernel.self, from: Data(contentsOf: stamp))
    return layout.unpacked.appending(path: "lib/modules/\(kernel.release)/kernel/\(name)")
  }

  // MARK: apt

  private func aptRun(_ arguments: [String], in directory: URL? = nil) throws -> String {
    try Tool.run(
      arguments, in: directory, environment: ["APT_CONFIG": apt.appending(path: "apt.conf").plainPath], package: "apt")
  }

  private func configure() throws {
    let release = try codename()
    // The system's own sources say where its archive is; only those of the release itself are taken.
    let targets = try Tool.run(
      ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
      package: "apt")
    let sources = Self.sources(targets: targets, codename: release)
    guard !sources.isEmpty else {
      throw MachineError("apt knows no source of packages for Debian \(release) main")
    }
    for directory in ["state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"] {
      try FileManager.default.createDirectory(at: apt.appending(path: directory), withIntermediateDirectories: true)
    }
    try Data().write(to: apt.appending(path: "status"))
    try Data(sources.joined(separator: "\n").appending("\n").utf8).write(to: apt.appending(path: "etc/sources.list"))
    let here = apt.plainPath
    var lines = [
      "Dir::State \"\(here)/state\";", "Dir::State::status \"\(here)/status\";", "Dir::Cache \"\(here)/cache\";",
      "Dir::Etc \"\(here)/etc\";", "Dir::Etc::sourcelist \"\(here)/etc/sources.list\";",
      "Dir::Etc::sourceparts \"-\";", "APT::Architecture \"arm64\";",
      "APT::Architectures { \"arm64\"; \"\(try Tool.run(["dpkg", "--print-architecture"]).trimmed)\"; };",
      "APT::Sandbox::User \"\";", "Acquire::Languages \"none\";", "Acquire::Retries \"3\";",
    ]
    // A proxy that the system's apt needs is needed here as well.
    lines += try Tool.run(["apt-config", "dump"], package: "apt").split(separator: "\n").map(String.init)
      .filter { $0.range(of: "^Acquire::(http|https)::", options: .regularExpression) != nil }
    try Data(lines.joined(separator: "\n").appending("\n").utf8).write(to: apt.appending(path: "apt.conf"))
  }

  /// Lines of a sources.list, from lines of "URI RELEASE COMPONENT".
  static func sources(targets: String, codename: String) -> [String] {
    let wanted = [codename, "\(codename)-updates", "\(codename)-security"]
    var lines: Set<String> = []
    for line in targets.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 3, wanted.contains(words[1]), words[2] == "main" else { continue }
      lines.insert("deb [signed-by=\(keyring)] \(words[0]) \(words[1]) main")
    }
    return lines.sorted()
  }

  static let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

  private func codename() throws -> String {
    let text = try String(contentsOfFile: "/etc/os-release", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("VERSION_CODENAME=") }
    guard let line, text.split(separator: "\n").contains("ID=debian") else {
      throw MachineError("the machine's kernel comes from Debian packages, and this system is not Debian")
    }
    return String(line.dropFirst("VERSION_CODENAME=".count))
  }

  /// The package that `name` depends on whose name starts and ends like that.
  private func dependency(of name: String, startingWith start: String, endingWith end: String = "") throws -> String {
    let lines = try aptRun(["apt-cache", "depends", "--no-recommends", "--no-suggests", name])
    let names = lines.split(separator: "\n").compactMap { line -> String? in
      let words = line.split(whereSeparator: { " |".contains($0) })
      guard words.count == 2, words[0] == "Depends:" else { return nil }
      return words[1].split(separator: ":").first.map(String.init)
    }
    guard let found = names.first(where: { $0.hasPrefix(start) && $0.hasSuffix(end) }) else {
      throw MachineError("package \(name) of arm64 depends on no \(start)*\(end); is it in apt's sources?")
    }
    return found
  }

  private func download(_ names: [String]) throws {
    let partial = layout.machine.appending(path: "download")
    try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: true)
    say("fetching \(names.joined(separator: " "))")
    // What was fetched completely in an earlier run is recognised by its checksum and stays.
    _ = try aptRun(["apt-get", "-qq", "download"] + names, in: partial)
    let wanted = try aptRun(["apt-get", "-qq", "download", "--print-uris"] + names)
      .split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
    try? FileManager.default.removeItem(at: layout.packages)
    try FileManager.default.createDirectory(at: layout.packages, withIntermediateDirectories: true)
    for name in wanted {
      let file = partial.appending(path: name)
      guard file.exists else { throw MachineError("apt did not fetch \(name)") }
      try FileManager.default.linkItem(at: file, to: layout.packages.appending(path: name))
    }
  }

  // MARK: unpacking

  private func unpack() throws {
    let new = layout.machine.appending(path: "unpacked.new")
    try? FileManager.default.removeItem(at: new)
    try FileManager.default.createDirectory(at: new, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: layout.packages.plainPath).sorted() {
      try Tool.run(["dpkg", "-x", layout.packages.appending(path: name).plainPath, new.plainPath], package: "dpkg")
    }
    try? FileManager.default.removeItem(at: layout.unpacked)
    try FileManager.default.moveItem(at: new, to: layout.unpacked)
  }

  private func place(release: String, headers: String, common: String, kbuild: String) throws {
    let manager = FileManager.default
    let sources = layout.unpacked.appending(path: "usr/src")
    func link(_ url: URL, to target: String) throws {
      try? manager.removeItem(at: url)
      try manager.createSymbolicLink(atPath: url.plainPath, withDestinationPath: target)
    }
    func copy(_ from: String, to url: URL) throws {
      let source = layout.unpacked.appending(path: from)
      guard source.exists else { throw MachineError("the packages hold no \(from)") }
      try? manager.removeItem(at: url)
      try manager.copyItem(at: source, to: url)
    }
    try copy("boot/vmlinuz-\(release)", to: layout.image)
    let busybox = ["bin/busybox", "usr/bin/busybox"].first { layout.unpacked.appending(path: $0).exists }
    try copy(busybox ?? "bin/busybox", to: layout.busybox)
    // The headers refer to each other by absolute paths of an installed system.
    let main = sources.appending(path: headers)
    let makefile = "include \(sources.appending(path: common).plainPath)/Makefile\n"
    try Data(makefile.utf8).write(to: main.appending(path: "Makefile"))
    for part in ["scripts", "tools"] {
      let tools = layout.unpacked.appending(path: "usr/lib/\(kbuild)/\(part)").plainPath
      try link(sources.appending(path: "\(common)/\(part)"), to: tools)
      try link(main.appending(path: part), to: tools)
    }
    try link(layout.headers, to: main.plainPath)
  }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
