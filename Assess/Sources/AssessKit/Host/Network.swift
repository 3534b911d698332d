import Foundation

/// A network of the assessment's own, in namespaces of its own: two places for containers, and a world outside with a
/// metadata service's address. The host's network is not part of it.
public struct Network: Sendable {
  public static let gateway = "10.113.0.1"
  public static let metadata = "169.254.169.254"
  /// Of TEST-NET-2, RFC 5737: somebody on the internet.
  public static let stranger = "198.51.100.7"

  /// The gateway's hardware address: one of its own, or the bridge would have that of whichever container is there.
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
    try await ip(nil, ["netns add \(world)"])
    try await ip(
      world,
      ["link set lo up", "link add rca0 address \(Self.hardware) type bridge", "link set rca0 up"]
        + [Self.gateway + "/24", Self.metadata + "/32", Self.stranger + "/32"].map { "address add \($0) dev rca0" })
    try await ip(nil, (0..<2).map { "netns add \(place($0))" })
    try await connect()
  }

  /// Makes the containers' places anew: what one of them did to addresses, routes and neighbours is gone for the next.
  ///
  /// - Throws: `AssessError`.
  public func renew() async throws {
    // By name: with its namespace a pair would be gone too, but later. One that a container removed is not there.
    for index in 0..<2 { try? await ip(world, ["link delete rca-v\(index)"]) }
    try await ip(nil, (0..<2).flatMap { ["netns delete \(place($0))", "netns add \(place($0))"] })
    try await connect()
  }

  private func connect() async throws {
    try await ip(
      world,
      (0..<2).flatMap { index in
        [
          "link add rca-v\(index) type veth peer name eth0 address 02:72:63:61:01:0\(index) netns \(place(index))",
          "link set rca-v\(index) master rca0 up",
        ]
      } + ["neighbour flush all"])
    for index in 0..<2 {
      try await ip(
        place(index),
        [
          "link set lo up", "address add \(address(index))/24 dev eth0", "link set eth0 up",
          "route add default via \(Self.gateway)",
        ])
    }
  }

  private func ip(_ namespace: String?, _ commands: [String]) async throws {
    let outcome = try await Command.run(
      ["ip"] + (namespace.map { ["-n", $0] } ?? []) + ["-batch", "-"], scratch: workspace.scratch, limit: 10,
      input: commands.joined(separator: "\n") + "\n")
    guard outcome.succeeded else { throw AssessError("ip: \(outcome.lastLine)") }
  }
}
