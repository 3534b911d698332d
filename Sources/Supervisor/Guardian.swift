import CLinux
import LinuxSystem

/// The process that watches over the one that answers calls, which is its child. If either ends before the container, the
/// other ends the container: nothing of it runs unwatched, nor waits for ever.
enum Guardian {
  /// Milliseconds that the supervisor has after the container has ended.
  private static let grace: Int32 = 2000

  static func run(
    _ work: Supervisor.Work, _ surroundings: Supervisor.Surroundings, control: Int32
  ) throws(Errno) -> Never {
    // A terminal's Ctrl-C is for the container; these processes end after it.
    try startSession()
    if surroundings.isDetached {
      // Whoever reads the caller's output waits until nobody can write to it any more.
      let null = try open("/dev/null", O_RDWR)
      for stream in 0..<Int32(3) { try duplicate(null.raw, onto: stream) }
    }
    var kept = [0, 1, 2, control] + work.descriptors
    if let entrance = surroundings.entrance { kept.append(entrance) }
    try closeAll(but: kept)
    try processControl(PR_SET_NO_NEW_PRIVS, 1)
    // Processes of the same user may not look into this one.
    try processControl(PR_SET_DUMPABLE, 0)
    guard let message = try receive(control), let container = message.descriptor else { exitNow(0) }
    let own = currentProcess()
    switch try clone(flags: 0) {
    case .child:
      do throws(Errno) {
        let guardian = try openProcess(own)
        try Loop.run(
          work,
          Loop.Ends(
            guardian: guardian.raw, container: container, control: control, entrance: surroundings.entrance))
      } catch { Supervisor.fail(error) }
      exitNow(0)
    case .parent(let pid, let pidfd):
      try closeAll(but: [container, pidfd.raw])
      try Confinement.enter(.guardian)
      try watch(container, pid, pidfd.raw, surroundings)
    }
  }

  private static func watch(
    _ container: Int32, _ supervisor: Int32, _ pidfd: Int32, _ surroundings: Supervisor.Surroundings
  ) throws(Errno) -> Never {
    let ready = try firstOf([container, pidfd])
    if ready.contains(0), surroundings.endsWithFirst, try waitReadable([pidfd], timeout: grace).isEmpty {
      // It is stopped, or stuck; nobody needs its answers any more.
      try? sendSignal(SIGKILL, toProcess: pidfd)
    }
    let ended = try wait(supervisor)
    // The container has nobody left who answers it. If it has ended, this has no effect.
    try? sendSignal(SIGKILL, toProcess: container)
    exitNow(ended?.status.shellCode ?? 1)
  }

  private static func firstOf(_ descriptors: [Int32]) throws(Errno) -> [Int] {
    while true {
      let ready = try waitReadable(descriptors)
      if !ready.isEmpty { return ready }
    }
  }
}
