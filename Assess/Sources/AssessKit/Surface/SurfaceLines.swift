/// What the payload `surface` says. Its words come out of a container, so they are held to what was asked for.
struct SurfaceLines: Equatable {
  enum State: String { case reached, refused, absent }

  /// By kind and name.
  private(set) var things: [String: [String: State]] = [:]
  private(set) var numbers: [String: Int] = [:]

  static let kinds: Set = [
    "syscalls", "syscalls-other-abi", "socket-families", "ioctls", "devices", "capabilities", "proc-sys-readable",
    "proc-sys-writable", "setuid-files",
  ]
  static let numbered: Set = [
    "devices", "proc-sys-readable", "proc-sys-writable", "setuid-files", "setuid-effective", "kernel-messages",
  ]
  private static let mostLines = 5000
  private static let mostFiles = 1_000_000
  private static let longestName = 512

  /// - Parameter reference: what the host's payload said; of the kinds that it has, no other names are taken.
  /// - Throws: `AssessError` with the line that is not as it should be.
  init(_ output: String, reference: SurfaceLines? = nil) throws {
    let lines = output.split(separator: "\n").filter { $0.hasPrefix("SURFACE ") }
    guard lines.count <= Self.mostLines else {
      throw AssessError("the payload says \(lines.count) lines of its surface")
    }
    for line in lines {
      let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      guard words.count == 4 else { throw Self.odd(line) }
      if words[1] == "number" {
        guard Self.numbered.contains(words[2]), let value = Int(words[3]), (0...Self.mostFiles).contains(value),
          numbers.updateValue(value, forKey: words[2]) == nil
        else { throw Self.odd(line) }
        continue
      }
      guard Self.kinds.contains(words[1]), let state = State(rawValue: words[2]),
        (1...Self.longestName).contains(words[3].utf8.count), words[3].utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
        reference?.things[words[1]].map({ $0[words[3]] != nil }) ?? true
      else { throw Self.odd(line) }
      // Two devices that differ in a number only have one name.
      things[words[1], default: [:]][words[3]] = state
    }
  }

  func names(_ kind: String, _ state: State) -> [String] {
    (things[kind] ?? [:]).filter { $0.value == state }.keys.sorted()
  }

  private static func odd(_ line: Substring) -> AssessError {
    AssessError("the payload says of its surface \"\(line.prefix(100))\", which nobody asked for")
  }
}
