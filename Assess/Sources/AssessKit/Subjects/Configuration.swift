import Foundation

/// How a runtime is set up: the same container, confined to different degrees.
public struct Configuration: Sendable, Equatable {
  public let id: String
  public let summary: String
  /// Changes of the configuration that docker would write.
  public let patch: JSON
  /// More options for the runtime itself, before the verb.
  public let options: [String]

  /// What docker gives its containers: fourteen capabilities, its seccomp profile, masked paths.
  public static let docker = Configuration(
    id: "docker", summary: "docker's default: 14 capabilities, its seccomp profile, masked paths", patch: [:],
    options: [])
  public static let unconfined = Configuration(
    id: "unconfined", summary: "docker's default without a seccomp profile", patch: ["linux": ["seccomp": .null]],
    options: [])
  /// gVisor without its own network stack, which not every kernel lets it set up. Nobody else brings the loopback up then; a hook does,
  /// as an engine would.
  public static let hostNetwork = Configuration(
    id: "hostnet", summary: "docker's default; connections are the host kernel's, by runsc --network=host",
    patch: geteuid() != 0 ? [:] : ["hooks": ["prestart": [loopbackUp]]], options: ["--network=host"])
  /// The state that a hook reads tells the sandbox's process (runtime-spec, POSIX-platform hooks).
  private static let loopbackUp: JSON = [
    "path": "/bin/sh",
    "args": [
      "sh", "-c",
      #"exec nsenter --net="/proc/$(sed 's/.*"pid": *\([0-9]*\).*/\1/' | tr -d '\n')/ns/net" ip link set lo up"#,
    ],
    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
  ]
  public static let userNamespace = Configuration(
    id: "userns", summary: "docker's default in a user namespace", patch: userNamespacePatch, options: [])

  /// Ids from 100000 on, as /etc/subuid usually gives them.
  static let firstID: Int64 = 100_000
  private static let userNamespacePatch: JSON = [
    "linux": [
      "+namespaces": [["type": "user"]],
      "uidMappings": [["containerID": 0, "hostID": .integer(firstID), "size": 65536]],
      "gidMappings": [["containerID": 0, "hostID": .integer(firstID), "size": 65536]],
    ]
  ]

  /// What of docker's configuration an ordinary user can have: a user namespace with this user as its root, no cgroups.
  static func rootless(_ config: JSON) -> JSON {
    var config = config.merged([
      "linux": [
        "uidMappings": [["containerID": 0, "hostID": .integer(Int64(getuid())), "size": 1]],
        "gidMappings": [["containerID": 0, "hostID": .integer(Int64(getgid())), "size": 1]],
        "cgroupsPath": .null, "resources": .null,
      ],
      "process": ["user": ["additionalGids": .null], "oomScoreAdj": .null],
    ])
    if !config["linux"]["namespaces"].elements.contains(where: { $0["type"].string == "user" }) {
      config["linux"]["namespaces"].elements.append(["type": "user"])
    }
    config["mounts"].elements = config["mounts"].elements.compactMap { mount in
      var mount = mount
      if mount["type"].string == "cgroup" { return nil }
      // No other group than one's own is there.
      mount["options"].elements = mount["options"].elements.filter { !($0.string ?? "").hasPrefix("gid=") }
      return mount
    }
    return config
  }

  /// Our own con-shims, of a policy or `cca`. `default` is what an engine's container gets that asks for nothing.
  static func conShim(policy: String) -> Configuration {
    switch policy {
    case "default":
      Configuration(
        id: policy, summary: "docker's default in the software con-shim, with the policy default", patch: [:],
        options: [])
    case "none":
      Configuration(
        id: "unconfined", summary: "docker's default without a seccomp profile or a policy",
        patch: unconfined.patch, options: ["--policy", "none"])
    case "userns":
      Configuration(
        id: policy, summary: "the policy default in a user namespace", patch: userNamespacePatch, options: [])
    case "cca":
      Configuration(
        id: policy, summary: "docker's default in a CCA con-shim",
        patch: ["annotations": ["org.rcontainer.shim": "cca"]],
        options: [])
    default:
      Configuration(
        id: policy, summary: "docker's default in the software con-shim, with the policy \(policy)", patch: [:],
        options: ["--policy", policy])
    }
  }

  /// The configuration that docker writes, from which the others are made.
  static func base() throws -> JSON { try JSON(parsing: Data(PackageResources.docker_json)) }
}
