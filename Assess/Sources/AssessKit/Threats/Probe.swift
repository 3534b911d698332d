import Foundation

/// A probe: what is tried, and what it would mean. A data file, `Probes/ID.json`; `docs/assessment.md` tells how to add one.
///
/// In strings, `${CANARY}` is the probe's private directory on the host, `${TOKEN}` the secret in it, `${ROOTFS}` and `${BUNDLE}`
/// the container's, `${HOST_PID}` the process of `host`, `${NEIGHBOUR_ID}` the second container's name, `${NEIGHBOUR}` a second container's root, `${PAYLOAD}` the payload on the host, `${RUNTIME}` a copy of the
/// runtime's program below `${CANARY}` (which then is what is run), `${NAME}` a name that nothing else on the host has.
public struct Probe: Codable, Sendable, Equatable {
  public var id: String
  public var title: String
  public var group: ProbeGroup
  public var technique: String
  public var cve: [String]?
  public var source: String
  public var meaning: String
  /// What must be so for the probe to say anything.
  public var requires: [Requirement]?
  /// Arguments of the payload in the container: the name of what it tries first.
  public var payload: [String]
  /// What is done to the root file system before the container starts.
  public var setup: [Setup]?
  /// A merge patch of `config.json` (see `JSON.merged`); what a hostile image or user may ask for.
  public var config: JSON?
  /// More options of the runtime's `run`.
  public var options: [String]?
  /// Arguments of the payload when the runtime executes it in the running container too, and options of `exec`.
  public var exec: [String]?
  public var execOptions: [String]?
  /// The runtime is started with the host's root directory as descriptor 3, which it was not told to hand on.
  public var descriptor: Bool?
  /// The container has a terminal, and the runtime is started on one.
  public var terminal: Bool?
  /// A file or directory of the host: what the payload says as `VALUE` is a leak only if it is found there.
  public var sameAsHost: String?
  /// What works is the kernel's that answers: where that is the runtime's own, the host's is not reached. True of all in the group `kernel`.
  public var kernel: Bool?
  /// A directory of the container's: what works in it counts only if the host's own was changed by it.
  public var hostDirectory: String?
  /// Arguments of the payload in a second container of the same kind, which runs meanwhile and has to survive.
  public var neighbour: [String]?
  /// Arguments of the payload on the host, where it runs meanwhile and has to survive.
  public var host: [String]?
  /// How often it is tried: for races. 1 if not given.
  public var times: Int?
  /// Seconds that one try may take; 10 if not given.
  public var limit: Double?
  /// What it means if the runtime refuses to start such a container: it is contained if this is true.
  public var refusalContains: Bool?
  public var cleanup: String
  public var controls: Controls

  public enum Requirement: String, Codable, Sendable {
    case root, x86_64, aarch64
    case cgroupV1 = "cgroup-v1"
    case cgroupV2 = "cgroup-v2"
    /// Two containers and a world outside on a network of their own.
    case network
    /// The same payload works on the host: the kernel has what is tried.
    case worksOnHost = "works-on-host"
  }

  /// One change of the root file system; paths are below it.
  public struct Setup: Codable, Sendable, Equatable {
    /// `symlink`, `directory`, `file`, `fifo` or `remove`.
    public var make: String
    public var path: String
    /// Where a link points, or what a file holds.
    public var content: String?
  }

  /// Configurations in which the probe's own verdict is known, on runc or crun.
  public struct Controls: Codable, Sendable, Equatable {
    /// The only runtime that can be weakened like this: `runc` or `crun`.
    public var runtime: String?
    /// Here it must report exposed or escaped.
    public var weak: Control
    /// Here it must report contained.
    public var hard: Control
  }

  public struct Control: Codable, Sendable, Equatable {
    /// Names in `controls.json`, applied in this order to docker's configuration.
    public var with: [String]?
    /// Another patch, after these.
    public var config: JSON?
    /// System calls that answer EPERM, whatever the profile says.
    public var deny: [String]?
    /// Options of `run`, or of `exec` where the probe is executed.
    public var options: [String]?
  }

  var isAboutKernel: Bool { group == .kernel || kernel == true }
  var usesNetwork: Bool { requires?.contains(.network) == true }

  public var record: ProbeRecord {
    ProbeRecord(
      id: id, title: title, group: group.title, technique: technique, cve: cve ?? [], source: source, meaning: meaning)
  }
}

/// What probes are about.
public enum ProbeGroup: String, Codable, Sendable, CaseIterable {
  case runtime, kernel, namespaces, leaks, neighbours, exhaustion, egress, credentials, tampering

  public var title: String {
    switch self {
    case .runtime: "Runtime escapes"
    case .kernel: "Kernel interfaces"
    case .namespaces: "Namespaces and cgroups"
    case .leaks: "What leaks of host and neighbours"
    case .neighbours: "Attacks on neighbours"
    case .exhaustion: "Exhaustion"
    case .egress: "Ways out by the network"
    case .credentials: "Credentials"
    case .tampering: "Tampering with programs"
    }
  }
}

/// The probes of a directory, and the weakened and hardened configurations of their controls.
public struct ProbeLibrary: Sendable {
  public let probes: [Probe]
  /// Patches by name.
  public let controls: [String: JSON]

  /// - Throws: `AssessError` naming the file that can't be read.
  public init(directories: [String]) throws {
    var probes: [Probe] = []
    var controls: [String: JSON] = [:]
    for directory in directories {
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
        throw AssessError("\(directory) can't be read", hint: "name the directory of the probes with --probes")
      }
      for name in names.sorted() where name.hasSuffix(".json") {
        let path = directory + "/" + name
        guard let data = FileManager.default.contents(atPath: path) else { throw AssessError("\(path) can't be read") }
        do {
          if name == "controls.json" {
            controls.merge(try JSONDecoder().decode([String: JSON].self, from: data)) { $1 }
          } else {
            let probe = try JSONDecoder().decode(Probe.self, from: data)
            guard name == probe.id + ".json" else { throw AssessError("its id is \(probe.id), which is not its name") }
            probes.append(probe)
          }
        } catch { throw AssessError("\(path) is not a probe: \(Self.described(error))") }
      }
    }
    let order = Dictionary(uniqueKeysWithValues: ProbeGroup.allCases.enumerated().map { ($1, $0) })
    self.probes = probes.sorted { (order[$0.group]!, $0.id) < (order[$1.group]!, $1.id) }
    self.controls = controls
    guard Set(probes.map(\.id)).count == probes.count else { throw AssessError("two probes have the same id") }
  }

  /// The patch of a control.
  public func patch(_ control: Probe.Control) throws -> [JSON] {
    var patches: [JSON] = []
    for name in control.with ?? [] {
      guard let patch = controls[name] else { throw AssessError("controls.json has no \"\(name)\"") }
      patches.append(patch)
    }
    if let patch = control.config { patches.append(patch) }
    if let calls = control.deny { patches.append(["deny": .array(calls.map(JSON.string))]) }
    return patches
  }

  private static func described(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\": \(context.debugDescription)"
    default: "\(error)"
    }
  }
}
