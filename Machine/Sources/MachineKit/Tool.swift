import Foundation

/// Programs of the system that do part of the work.
enum Tool {
  /// Runs a program and returns its standard output. What it wrote to standard error is part of the error.
  @discardableResult
  static func run(
    _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:], package: String? = nil
  ) throws -> String {
    guard let program = find(arguments[0]) else {
      let hint = package.map { "; install the Debian package \($0), or run scripts/install-dependencies cca" } ?? ""
      throw MachineError("\(arguments[0]) is missing\(hint)")
    }
    let process = Process()
    // Nothing goes on alone when this process is killed: it would hold its locks.
    if let setpriv = find("setpriv") {
      process.executableURL = setpriv
      process.arguments = ["--pdeathsig", "TERM", "--", program.plainPath] + arguments.dropFirst()
    } else {
      process.executableURL = program
      process.arguments = Array(arguments.dropFirst())
    }
    process.currentDirectoryURL = directory
    process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    // Files, because two pipes that one thread empties one after the other could block the program.
    let output = try temporaryFile()
    let errors = try temporaryFile()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let lines = try contents(errors).split(separator: "\n")
      let reason = lines.last { $0.hasPrefix("E:") } ?? lines.last ?? "no message"
      throw MachineError("\(arguments[0]) failed (status \(process.terminationStatus)): \(reason)")
    }
    return try contents(output)
  }

  static func find(_ name: String) -> URL? {
    if name.contains("/") { return URL(fileURLWithPath: name) }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { URL(fileURLWithPath: String($0)).appending(path: name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.plainPath) }
  }

  private static func temporaryFile() throws -> FileHandle {
    let url = FileManager.default.temporaryDirectory.appending(path: "rcontainer-machine-\(UUID().uuidString)")
    try Data().write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try FileHandle(forUpdating: url)
  }

  private static func contents(_ file: FileHandle) throws -> String {
    try file.seek(toOffset: 0)
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
  }
}

extension Data {
  /// Writes the file, but only if it would change: what depends on it is then not built again.
  @discardableResult
  func writeIfChanged(to url: URL) throws -> Bool {
    if let old = try? Data(contentsOf: url), old == self { return false }
    try write(to: url, options: .atomic)
    return true
  }
}
