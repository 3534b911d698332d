import Foundation

/// Whether a runtime does what the runtime-spec asks of its verbs, before anything is concluded from it.
struct HealthCheck: Sendable {
  let launcher: Launcher
  let payload: String

  struct Result {
    /// What is wrong without being fatal, a line each.
    var problems: [String] = []
    var hasOwnKernel = false
  }

  /// - Throws: `AssessError` if no container can be had.
  func result() async throws -> Result {
    let id = launcher.workspace.name + "-health"
    let workspace = launcher.workspace
    if launcher.subject.runtime.driver != .direct {
      let bundle = try Self.bundle(launcher, payload, id, ["nothing"])
      let (outcome, _) = try await launcher.run(bundle, id: id, arguments: ["nothing"], limit: 60)
      guard PayloadWord(outcome.output) != nil else {
        throw AssessError("it starts no container: \(outcome.lastLine)")
      }
      let goesOn = try Self.bundle(launcher, payload, id, ["beat"])
      try await launcher.start(goesOn, id: id, arguments: ["beat"], output: workspace.scratch + "/health")
      let isOwn = await runsNowhere()
      await launcher.remove(id)
      try? FileManager.default.removeItem(atPath: goesOn.path)
      return Result(hasOwnKernel: isOwn)
    }
    let bundle = try Self.bundle(launcher, payload, id, ["beat"])
    defer { try? FileManager.default.removeItem(atPath: bundle.path) }
    func call(_ words: [String], _ limit: Double = 15) async throws -> Outcome {
      try await Command.run(
        launcher.prefix + words, scratch: workspace.scratch, limit: limit, keep: workspace.scratch + "/health")
    }
    func status() async throws -> (String, Int)? {
      let outcome = try await call(["state", id])
      guard outcome.succeeded, let state = try? JSON(parsing: Data(outcome.output.utf8)),
        let word = state["status"].string
      else { return nil }
      if case .integer(let pid) = state["pid"] { return (word, Int(pid)) }
      return (word, 0)
    }
    do {
      let created = try await call(["create", "--bundle", bundle.path, id], 30)
      guard created.status != nil else { throw AssessError("create hangs") }
      guard created.succeeded else { throw AssessError("create fails: \(created.lastLine)") }
      var problems: [String] = []
      let first = try await status()
      if first?.0 != "created" { problems.append("state of a created container is \(first?.0 ?? "not told")") }
      if let process = first?.1, process > 0, !System.signal(pid_t(process), 0) {
        problems.append("state tells the pid \(process), which is not there")
      }
      let started = try await call(["start", id])
      guard started.succeeded else {
        throw AssessError("start \(started.status == nil ? "hangs" : "fails: " + started.lastLine)")
      }
      let begins = await Companion.ready(workspace.scratch + "/health.out")
      guard begins || first != nil else { throw AssessError("the started container does nothing") }
      let isOwn = begins ? await runsNowhere() : false
      let second = try await status()
      if second?.0 != "running" { problems.append("state of a running container is \(second?.0 ?? "not told")") }
      let killed = try await call(["kill", id, "KILL"])
      if !killed.succeeded { problems.append("kill fails: \(killed.lastLine)") }
      var third = try await status()
      for _ in 0..<100 where third?.0 == "running" {
        try await Task.sleep(for: .milliseconds(20))
        third = try await status()
      }
      if third?.0 != "stopped" { problems.append("state of a killed container is \(third?.0 ?? "not told")") }
      let deleted = try await call(["delete", id])
      if !deleted.succeeded { problems.append("delete fails: \(deleted.lastLine)") }
      if try await status() != nil { problems.append("state still tells of a deleted container") }
      await launcher.remove(id)
      return Result(problems: problems, hasOwnKernel: isOwn)
    } catch {
      await launcher.remove(id)
      throw error
    }
  }

  /// Whether the container's program, which has begun, runs in no process of the host: then a kernel of the runtime's own runs it, and
  /// answers its calls.
  private func runsNowhere() async -> Bool {
    // An engine may tell a moment before.
    for _ in 0..<50 {
      if ProcessTable.runs(payload) { return false }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return true
  }

  private static func bundle(_ launcher: Launcher, _ payload: String, _ id: String, _ words: [String]) throws -> Bundle
  {
    try Bundle(
      launcher.workspace, name: id, payload: payload, patches: [launcher.subject.configuration.patch],
      arguments: words)
  }
}
