import Foundation

/// A network of the assessment's own, in namespaces of its own: two places for containers, and a world outside with a
/// metadata service's address. The host's network is not part of it.
public struct Network: Sendable {
  public static let gateway = "10.113.0.1"
  public static let metadata = "169.254.169.254"
  /// Of TEST-NET-2, RFC 5737: somebody on the internet.
  public static let stranger = "198.51.100.7"

  /// The gateway's hardware address.
  public static let hardware = "02:72:63:61:00:01"

  let workspace: Workspace

  /// Names of network namespaces.
  public var world: String { workspace.name + "-world" }
  public func place(_ index: Int) -> String { workspace.name + "-net\(index)" }
  public func path(_ index: Int) -> String { "/run/netns/" + place(index) }
  public func address(_ index: Int) -> String { "10.113.0.\(10 + index)" }

  /// - Throws: `AssessError` if `ip` is missing, or has no right to do it.
  public init(_ workspace: Workspace) async throws {
    self.workspace = workspace
    var commands = ["netns add \(world)", "-n \(world) link set lo up"]
    let outside = "-n \(world)"
    commands += ["\(outside) link add rca0 address \(Self.hardware) type bridge", "\(outside) link set rca0 up"]
    for address in [Self.gateway + "/24", Self.metadata + "/32", Self.stranger + "/32"] {
      commands.append("\(outside) address add \(address) dev rca0")
    }
    for index in 0..<2 {
      let inside = "-n \(place(index))"
      commands += [
        "netns add \(place(index))", "\(inside) link set lo up",
        "\(outside) link add rca-v\(index) type veth peer name eth0 netns \(place(index))",
        "\(outside) link set rca-v\(index) master rca0 up",
        "\(inside) address add \(address(index))/24 dev eth0", "\(inside) link set eth0 up",
        "\(inside) route add default via \(Self.gateway)",
      ]
    }
    try await Self.call(commands, workspace)
  }

  /// Who has which hardware address is learned anew, so that no probe has another's lies.
  func forget() async throws {
    try await Self.call([world, place(0), place(1)].map { "-n \($0) neighbour flush all" }, workspace)
  }

  private static func call(_ commands: [String], _ workspace: Workspace) async throws {
    for command in commands {
      let outcome = try await Command.run(
        ["ip"] + command.split(separator: " ").map(String.init), scratch: workspace.scratch, limit: 10)
      guard outcome.succeeded else { throw AssessError("ip \(command): \(outcome.lastLine)") }
    }
  }
}
