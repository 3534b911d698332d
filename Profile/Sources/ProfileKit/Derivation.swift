import SyscallCatalogue

/// Derives the system calls that programs of a root file system can make, from their code.
public final class Derivation {
  /// A system call instruction whose number is not known.
  public struct Unresolved: Hashable, Sendable {
    public var file: String
    public var function: UInt64
    public var address: UInt64
    /// Where the way of the number was lost: a file and an address in it.
    public var lost = ""
  }

  public private(set) var architecture: Architecture?
  /// Names of calls that the code can make.
  public private(set) var calls: Set<String> = []
  public private(set) var unresolved: Set<Unresolved> = []
  /// Programs that were looked at, and what people may want to know.
  public private(set) var programs: [String] = []
  public private(set) var notes: [String] = []
  /// Who makes a call, for people: one of the places in the code.
  public private(set) var origins: [String: Unresolved] = [:]

  private let root: RootFileSystem
  private let loader: Loader
  private let modules: [String]
  private var queue: [String] = []
  private var known: Set<String> = []
  /// What was asked for by name, and what the scripts among it need.
  private var required: Set<String> = []

  /// - Parameter modules: further libraries that programs load while they run.
  public init(_ root: RootFileSystem, modules: [String] = []) throws(ProfileError) {
    self.root = root
    loader = Loader(root)
    var found: [String] = []
    for module in modules {
      guard let path = root.resolve(module) else { throw ProfileError("\(module) is not in the root file system") }
      found.append(path)
    }
    self.modules = found
  }

  static let searchPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

  /// A program by its path, or by its name as execvp(3) looks for it.
  public func add(_ program: String) throws(ProfileError) {
    let path = program.contains("/") ? root.resolve(program) : lookUp(program)
    guard let path else { throw ProfileError("\(program) is not in the root file system") }
    guard root.isExecutable(path) else { throw ProfileError("\(program) is no program: it cannot be executed") }
    required.insert(path)
    enqueue(path)
    try run()
  }

  /// All programs of the root file system.
  public func addAll() throws(ProfileError) {
    for path in loader.below("/", { _ in true }) where root.isExecutable(path) && isProgram(path) { enqueue(path) }
    guard !queue.isEmpty else { throw ProfileError("\(root.path) holds no program") }
    try run()
  }

  private func isProgram(_ path: String) -> Bool {
    guard let start = root.contents(path, limit: 20) else { return false }
    if start.starts(with: [0x23, 0x21]) { return true }
    // A library may be executable; a program says how to start it, or is one file.
    guard start.starts(with: [0x7f, 0x45, 0x4c, 0x46]), let image = try? loader.image(path) else { return false }
    return image.file.interpreter != nil || image.file.isFixed || image.file.name == nil && image.file.entry != 0
  }

  private func lookUp(_ name: String) -> String? {
    for directory in Self.searchPath {
      if let path = root.resolve(directory + "/" + name), root.isExecutable(path) { return path }
    }
    return nil
  }

  private func enqueue(_ path: String, for script: String) {
    if required.contains(script) { required.insert(path) }
    enqueue(path)
  }

  private func enqueue(_ path: String) {
    if known.insert(path).inserted { queue.append(path) }
  }

  private func run() throws(ProfileError) {
    while let path = queue.popLast() {
      do throws(ProfileError) {
        if root.contents(path, limit: 2)?.elementsEqual([0x23, 0x21]) ?? false {
          try script(path)
        } else {
          try analyse(path)
        }
      } catch {
        // What cannot be started makes no calls; but who asks for it wants to know.
        if required.contains(path) { throw error }
        notes.append("\(path) is left out: \(error)")
      }
    }
  }

  // MARK: scripts

  private func script(_ path: String) throws(ProfileError) {
    let text = String(decoding: root.contents(path, limit: 1 << 20) ?? [], as: UTF8.self)
    let first = text.prefix { $0 != "\n" }.dropFirst(2)
    let words = first.split(separator: " ").map(String.init)
    guard let name = words.first, let interpreter = root.resolve(name), root.isExecutable(interpreter) else {
      throw ProfileError("\(path) is a script for \(words.first ?? "nothing"), which is not in the root file system")
    }
    programs.append(path)
    enqueue(interpreter, for: path)
    if name.hasSuffix("/env"), let program = words.dropFirst().first(where: { !$0.hasPrefix("-") && !$0.contains("=") })
    {
      guard let found = lookUp(program) else {
        throw ProfileError("\(path) is a script for \(program), which is not in the root file system")
      }
      enqueue(found, for: path)
    }
    addNamed(in: text)
  }

  /// Programs that the words of a script name.
  public func addNamed(in text: String) {
    let words = text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "_-+./[".contains($0))) }
    for word in Set(words.map(String.init)) {
      if word.hasPrefix("/") {
        if let path = root.resolve(word), root.isExecutable(path), isProgram(path) { enqueue(path) }
      } else if !word.contains("/"), let path = lookUp(word), isProgram(path) {
        enqueue(path)
      }
    }
  }

  // MARK: programs

  private func analyse(_ path: String) throws(ProfileError) {
    let loaded = try loader.load(path, with: modules)
    let file = loaded.images[0].file
    if let architecture, architecture != file.architecture {
      throw ProfileError("\(path) is for another machine than \(programs[0])")
    }
    programs.append(path)
    architecture = file.architecture
    notes += loaded.notes
    let graph = CallGraph(
      images: loaded.images, entries: loaded.entries, opened: loaded.opened,
      hinted: loaded.hinted)
    var flow = NumberFlow(graph, file.architecture)
    for site in graph.systemCalls {
      let result = flow.numbers(at: site)
      let place = Unresolved(
        file: loaded.images[site.function.image].file.path, function: site.function.start, address: site.address)
      for number in result.values {
        guard let name = SyscallCatalogue.name(number, on: file.architecture) else { continue }
        calls.insert(name)
        if origins[name] == nil { origins[name] = place }
      }
      if let lost = result.lost {
        var place = place
        place.lost = "\(loaded.images[lost.image].file.path) 0x\(String(lost.address, radix: 16))"
        unresolved.insert(place)
      }
    }
    for name in graph.paths.sorted() {
      if let program = root.resolve(name), root.isExecutable(program), isProgram(program) { enqueue(program) }
    }
  }
}

extension Derivation {
  /// The process of a bundle. What a shell is told to do is looked through for programs.
  public func add(process arguments: [String]) throws(ProfileError) {
    guard let program = arguments.first else { throw ProfileError("the bundle starts no process: name a program") }
    if arguments.count > 2,
      ["sh", "bash", "dash", "ash"].contains(program.split(separator: "/").last.map(String.init) ?? "")
    {
      for word in arguments.dropFirst() { addNamed(in: word) }
    }
    try add(program)
  }
}
