import Foundation

/// Tests the probes themselves: in a weakened container of runc or crun each has to succeed, in a hardened one it has to fail.
public struct TruthTable: Sendable {
  let library: ProbeLibrary
  let runtime: Runtime
  let data: String

  public init(library: ProbeLibrary, runtime: Runtime, data: String) {
    (self.library, self.runtime, self.data) = (library, runtime, data)
  }

  /// - Parameter tell: gets a line per probe.
  /// - Returns: how many probes are wrong.
  /// - Throws: `AssessError` if none can be tried.
  public func run(_ tell: (String) -> Void) async throws -> Int {
    let machine = Machine.current()
    let payload = try machine.payload(in: data)
    let workspace = try Workspace()
    do {
      let wrong = try await table(machine, payload, workspace, tell)
      workspace.clean()
      return wrong
    } catch {
      workspace.clean()
      throw error
    }
  }

  private func table(
    _ machine: Machine, _ payload: String, _ workspace: Workspace, _ tell: (String) -> Void
  ) async throws -> Int {
    let needed = library.probes.contains(where: \.usesNetwork)
    let network = needed && machine.root ? try await Network(workspace) : nil
    let runner = ProbeRunner(workspace: workspace, payload: payload, network: network, machine: machine)
    let subject = Subject(runtime: runtime, configuration: .docker)
    var wrong = 0
    for probe in library.probes {
      let controls = probe.controls
      if let only = controls.runtime, only != runtime.name {
        tell("--    \(probe.id): its control is for \(only)")
        continue
      }
      // What told nothing is asked once more.
      func finding(_ control: Probe.Control) async throws -> Finding {
        let patch = try library.patch(control)
        func once() async throws -> Finding {
          try await runner.finding(probe, subject, control: patch, options: control.options ?? [])
        }
        let first = try await once()
        return first.verdict == .inconclusive ? try await once() : first
      }
      let (weak, hard) = (try await finding(controls.weak), try await finding(controls.hard))
      let right = [.exposed, .escaped].contains(weak.verdict) && hard.verdict == .contained
      if !right { wrong += 1 }
      tell("\(right ? "ok   " : "WRONG") \(probe.id): weak \(weak.verdict.rawValue), hard \(hard.verdict.rawValue)")
      if !right { for finding in [weak, hard] { tell("      \(finding.verdict.rawValue): \(finding.reason)") } }
    }
    return wrong
  }
}
