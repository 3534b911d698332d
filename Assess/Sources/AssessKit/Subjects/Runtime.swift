import Foundation

/// A runtime to be assessed: a program, and who drives it.
public struct Runtime: Sendable, Equatable {
  public enum Driver: String, Sendable { case direct, podman, docker, containerd }

  /// What the report calls it: `runc`, `podman:crun` …
  public let name: String
  public let driver: Driver
  /// The OCI runtime: a path; for an engine, what the engine is told to use.
  public let path: String

  /// The runtimes that are looked for where none is named; the first name is what the report calls it.
  static let known: [[String]] = [
    ["runc"], ["crun"], ["youki"], ["runsc"], ["kata", "kata-runtime"], ["runnc"], ["rcontainer"],
  ]

  public init(name: String, driver: Driver, path: String) {
    (self.name, self.driver, self.path) = (name, driver, path)
  }

  /// - Parameters:
  ///   - text: `NAME=PATH`, `NAME` of a program in PATH, or `ENGINE:NAME`.
  ///   - beside: a directory that is looked in first.
  /// - Throws: `AssessError` if it is none of these.
  public init(parsing text: String, beside: String? = nil) throws {
    if let equals = text.firstIndex(of: "=") {
      let (name, path) = (String(text[..<equals]), String(text[text.index(after: equals)...]))
      guard !name.isEmpty, path.hasPrefix("/"), name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) })
      else { throw AssessError("--runtime \"\(text)\" is not NAME=PATH with an absolute path") }
      self.init(name: name, driver: .direct, path: path)
    } else if let colon = text.firstIndex(of: ":") {
      let (engine, name) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
      guard let driver = Driver(rawValue: engine), driver != .direct, !name.isEmpty else {
        throw AssessError("--runtime \"\(text)\" names no engine", hint: "podman, docker and containerd are known")
      }
      self.init(name: text, driver: driver, path: name)
    } else {
      guard let found = Self.find(Self.known.first { $0[0] == text } ?? [text], beside: beside) else {
        throw AssessError("runtime \"\(text)\" is not in PATH", hint: "name it as NAME=PATH")
      }
      self.init(name: text, driver: .direct, path: found)
    }
  }

  /// All known ones that are installed here. `beside` is looked in first, for a runtime that was just built.
  public static func installed(beside: String? = nil) -> [Runtime] {
    known.compactMap { names in
      guard let path = find(names, beside: beside) else { return nil }
      return Runtime(name: names[0], driver: .direct, path: path)
    }
  }

  private static func find(_ names: [String], beside: String?) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let folders =
      (beside.map { [$0] } ?? []) + path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
    for name in names {
      for folder in folders where System.isExecutable("\(folder)/\(name)") { return "\(folder)/\(name)" }
    }
    return nil
  }

  var isOurs: Bool { isCalled("rcontainer") }

  private func isCalled(_ program: Substring) -> Bool {
    name.split(separator: ":").last == program || path.hasSuffix("/" + program)
  }

  /// What it is tried in. Engines choose their own profile.
  public var configurations: [Configuration] {
    let all: [Configuration] =
      switch driver {
      case .direct where isOurs:
        (["default", "strict", "compat", "userns", "none"] + (System.exists("/dev/conshim") ? ["cca"] : []))
          .map(Configuration.conShim)
      case .direct where isCalled("runsc"):
        [.docker, .hostNetwork, .userNamespace, .unconfined]
      case .direct: [.docker, .userNamespace, .unconfined]
      case .podman, .docker, .containerd: [.docker]
      }
    // An ordinary user's containers are in a user namespace anyway.
    return geteuid() == 0 ? all : all.filter { $0.id != "userns" }
  }
}
