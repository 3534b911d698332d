import SyscallCatalogue

/// Finds what the dynamic linker would load.
final class Loader {
  /// A program with all that is loaded for it.
  struct Loaded {
    var images: [Image] = []
    /// Images whose start is a way in: the program and its dynamic linker.
    var entries: [Int] = []
    /// What is loaded while the program runs, so that all of its functions may be asked for.
    var opened: Set<Int> = []
    /// Libraries that strings name; their functions are asked for by names that are strings as well.
    var hinted: Set<Int> = []
    /// Modules that cannot be loaded, and why.
    var notes: [String] = []
  }

  private let root: RootFileSystem
  private var images: [String: Image] = [:]
  private var configured: [String]?
  private var resolved: [String: String?] = [:]

  init(_ root: RootFileSystem) { self.root = root }

  /// - Parameter path: without links.
  func image(_ path: String) throws(ProfileError) -> Image {
    if let known = images[path] { return known }
    guard let bytes = root.contents(path) else { throw ProfileError("\(path) is no file that can be read") }
    let image = Image(try ElfFile(path: path, bytes: bytes))
    images[path] = image
    return image
  }

  /// - Parameter more: further libraries and modules, by path.
  func load(_ path: String, with more: [String]) throws(ProfileError) -> Loaded {
    let program = try image(path)
    var loaded = Loaded()
    var places: [String: Int] = [:]
    func add(_ path: String) throws(ProfileError) -> Int? {
      guard places[path] == nil else { return nil }
      let added = try image(path)
      guard added.file.architecture == program.file.architecture else {
        throw ProfileError("\(path) is for another machine than \(program.file.path)")
      }
      places[path] = loaded.images.count
      loaded.images.append(added)
      return loaded.images.count - 1
    }
    _ = try add(path)
    loaded.entries = [0]
    if let name = program.file.interpreter {
      guard let interpreter = resolve(name) else {
        throw ProfileError("\(path) needs the dynamic linker \(name), which is not in the root file system")
      }
      if let index = try add(interpreter) { loaded.entries.append(index) }
    }
    var next = 0
    func needed() throws(ProfileError) {
      while next < loaded.images.count {
        let file = loaded.images[next].file
        next += 1
        for name in file.needed {
          guard let found = find(name, for: file, program.file) else {
            throw ProfileError("\(file.path) needs \(name), which is not in the root file system")
          }
          _ = try add(found)
        }
      }
    }
    try needed()
    // Modules may have hints in them as well.
    var looked = 0
    var asked = more
    repeat {
      var hinted: [String] = []
      while looked < loaded.images.count {
        hinted += hints(loaded.images[looked].file, program.file)
        looked += 1
      }
      asked += families(loaded, path)
      for (module, isHint) in asked.sorted().map({ ($0, false) }) + hinted.sorted().map({ ($0, true) })
      where places[module] == nil {
        let before = loaded
        let placesBefore = places
        do throws(ProfileError) {
          guard let index = try add(module) else { continue }
          try needed()
          if isHint { loaded.hinted.insert(index) } else { loaded.opened.insert(index) }
        } catch {
          loaded = before
          loaded.notes.append("\(module) is left out: \(error)")
          places = placesBefore
          places[module] = -1
          next = loaded.images.count
        }
      }
      asked = []
    } while looked < loaded.images.count
    return loaded
  }

  // MARK: modules

  /// Libraries that strings of a file name.
  private func hints(_ file: ElfFile, _ program: ElfFile) -> [String] {
    var names: Set<String> = []
    file.forEachString(minimum: 4) { _, bytes in
      guard bytes.count < 256, Self.looksLikeLibrary(bytes) else { return }
      names.insert(String(decoding: bytes, as: UTF8.self))
    }
    return names.compactMap { name in
      guard let found = name.contains("/") ? resolve(name) : find(name, for: file, program) else { return nil }
      return (try? image(found)) == nil ? nil : found
    }
  }

  /// A name as in `libm.so.6`, without blanks and format characters.
  private static func looksLikeLibrary(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while let last = rest.last, last == 0x2e || (last >= 0x30 && last <= 0x39) { rest.removeLast() }
    guard rest.suffix(3).elementsEqual([0x2e, 0x73, 0x6f]), rest.count > 3 else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e, 0x2f, 0x5f: true
      default: false
      }
    }
  }

  private static let nameServices = [
    "getpw", "getgr", "getsp", "getaddrinfo", "gethostby", "getserv", "getproto", "getnet", "initgroups", "getnameinfo",
  ]

  /// Modules whose names are put together while the program runs: name services, character sets, Python's extensions.
  private func families(_ loaded: Loaded, _ path: String) -> [String] {
    var found: [String] = []
    func imports(_ condition: (String) -> Bool) -> Bool {
      loaded.images.contains { image in
        image.file.symbols.contains { !$0.isDefined && condition($0.name) }
      }
    }
    let directories = standardDirectories
    func modules(_ directory: String, _ condition: (String) -> Bool) {
      found += root.names(in: directory).filter(condition).compactMap { resolve(directory + "/" + $0) }
    }
    let isStatic = loaded.images[0].file.interpreter == nil
    if imports({ name in Self.nameServices.contains { name.hasPrefix($0) } })
      || isStatic && contains(loaded.images[0].file, "libnss_")
    {
      for directory in directories { modules(directory) { $0.hasPrefix("libnss_") && $0.hasSuffix(".so.2") } }
    }
    if imports({ $0 == "iconv_open" }) {
      for directory in directories { modules(directory + "/gconv") { $0.hasSuffix(".so") } }
    }
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    if name.hasPrefix("python") || loaded.images.contains(where: { $0.file.name?.hasPrefix("libpython") ?? false }) {
      for parent in ["/usr/lib", "/usr/local/lib"] {
        for version in root.names(in: parent) where version.hasPrefix("python") {
          for folder in ["lib-dynload", "site-packages", "dist-packages"] {
            found += below(parent + "/" + version + "/" + folder) { $0.hasSuffix(".so") }
          }
        }
      }
    }
    return found.filter { (try? image($0))?.file.architecture == loaded.images[0].file.architecture }
  }

  private func contains(_ file: ElfFile, _ text: String) -> Bool {
    var found = false
    file.forEachString(minimum: text.utf8.count) { _, bytes in
      if bytes.starts(with: Array(text.utf8)) { found = true }
    }
    return found
  }

  /// All files below a directory whose names meet a condition, links not followed into other directories.
  func below(_ directory: String, depth: Int = 0, _ condition: (String) -> Bool) -> [String] {
    guard depth < 32 else { return [] }
    var found: [String] = []
    for name in root.names(in: directory) {
      let path = directory + (directory == "/" ? "" : "/") + name
      if root.isDirectory(path) {
        if root.resolve(path) == path { found += below(path, depth: depth + 1, condition) }
      } else if condition(name), let file = resolve(path) {
        found.append(file)
      }
    }
    return found
  }

  // MARK: search

  /// Where a library is that a file needs (ld.so(8)).
  private func find(_ name: String, for file: ElfFile, _ program: ElfFile) -> String? {
    if name.contains("/") { return resolve(name) }
    let own = file.searchPath.isEmpty ? file.oldSearchPath + program.oldSearchPath : file.searchPath
    let origin = file.path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    let written = own.map { directory in
      ["$ORIGIN", "${ORIGIN}"].reduce(directory) { text, word in
        text.hasPrefix(word) ? origin + text.dropFirst(word.count) : text
      }
    }
    for directory in written + directories {
      guard let found = resolve(directory + "/" + name) else { continue }
      if let library = try? image(found), library.file.architecture == program.architecture { return found }
    }
    return nil
  }

  private var directories: [String] {
    if let configured { return configured }
    var found = configuration("/etc/ld.so.conf", depth: 0)
    for name in root.names(in: "/etc") where name.hasPrefix("ld-musl-") && name.hasSuffix(".path") {
      found += lines("/etc/" + name).flatMap { $0.split(separator: ":").map(String.init) }
    }
    found += standardDirectories
    configured = found
    return found
  }

  private let standardDirectories = [
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
  ]

  /// ld.so.conf and what it includes; patterns stand for names at the end of a path.
  private func configuration(_ path: String, depth: Int) -> [String] {
    guard depth < 8 else { return [] }
    var found: [String] = []
    for line in lines(path) {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 2, words[0] == "include" {
        var parts = words[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let pattern = parts.removeLast()
        let directory = words[1].hasPrefix("/") ? parts.joined(separator: "/") : "/etc/" + parts.joined(separator: "/")
        let suffix = pattern.hasPrefix("*") ? String(pattern.dropFirst()) : nil
        for name in root.names(in: directory) where suffix.map({ name.hasSuffix($0) }) ?? (name == pattern) {
          found += configuration(directory + "/" + name, depth: depth + 1)
        }
      } else {
        found += words
      }
    }
    return found
  }

  private func lines(_ path: String) -> [String] {
    guard let bytes = root.contents(path, limit: 1 << 20) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
      String(line.prefix { $0 != "#" }).split(separator: " ").joined(separator: " ")
    }.filter { !$0.isEmpty }
  }

  private func resolve(_ path: String) -> String? {
    if let known = resolved[path] { return known }
    let found = root.resolve(path)
    resolved[path] = .some(found)
    return found
  }
}
