import LinuxSystem

/// What a prepared sandbox is told to run, and where: the part of a process that is not known before.
struct Claim {
  var arguments: [String]
  var environment: [String]
  var directory: String
  /// Without it, a directory that the sandbox does not have is replaced by the root.
  var directoryIsRequired: Bool

  /// Arguments and environment take so much at most; execve(2) takes less.
  private static let limit = 8 << 20

  /// Texts that end with NUL: directory, whether it is required, number of arguments, arguments, environment.
  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    let head = [directory, directoryIsRequired ? "1" : "0", String(arguments.count)]
    for text in head + arguments + environment { bytes += Array(text.utf8) + [0] }
    return bytes
  }

  init(arguments: [String], environment: [String], directory: String, directoryIsRequired: Bool) {
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.directoryIsRequired = directoryIsRequired
  }

  /// Reads it from a file in memory.
  init(file: Int32) throws(RuntimeError) {
    let bytes = try at(.process, "reading what to run") { () throws(Errno) in
      try rewind(file)
      return try readAll(file, limit: Self.limit)
    }
    guard let claim = Claim(bytes) else { throw RuntimeError(.process, "what to run is not understood") }
    self = claim
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.last == 0 else { return nil }
    let fields = bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard fields.count >= 4, let count = Int(fields[2]), count >= 1, count <= fields.count - 3,
      fields[0].utf8.first == 0x2f, fields[1] == "0" || fields[1] == "1"
    else { return nil }
    self.init(
      arguments: Array(fields[3..<(3 + count)]), environment: Array(fields[(3 + count)...]), directory: fields[0],
      directoryIsRequired: fields[1] == "1")
  }
}
