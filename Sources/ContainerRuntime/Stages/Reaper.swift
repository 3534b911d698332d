import CLinux
import LinuxSystem

/// A minimal first process of a pid namespace. The kernel keeps signals without a handler from the first
/// process (pid_namespaces(7)), so a program in its place would not even hear Ctrl-C; as its child it does.
enum Reaper {
  /// Returns in the child, which goes on as the program. The first process stays here, passes signals on,
  /// reaps what is left to it, and ends as the program does.
  /// - Parameter channel: is told how the program ended, when no process is left; the kernel takes longer.
  static func becomeFirst(telling channel: Int32? = nil) throws(RuntimeError) {
    let signals = try at(.process, "preparing the first process") { () throws(Errno) in
      try SignalQueue()
    }
    switch try at(
      .process, "cloning the program's process",
      { () throws(Errno) in
        try clone(flags: 0)
      })
    {
    case .child: return
    case .parent(let pid, let pidfd): serve(pid, pidfd, signals, channel)
    }
  }

  private static func serve(
    _ program: Int32, _ pidfd: consuming Descriptor, _ signals: consuming SignalQueue, _ channel: Int32?
  ) -> Never {
    // The change of user cleared it; without the runtime outside nobody would end the container.
    _ = try? processControl(PR_SET_PDEATHSIG, UInt(SIGKILL))
    // Not to be looked into by the program, whose user may be the same.
    _ = try? processControl(PR_SET_DUMPABLE, 0)
    _ = try? processControl(PR_SET_NO_NEW_PRIVS, 1)
    try? setCapabilities(effective: 0, permitted: 0, inheritable: 0)
    // Standard streams belong to the program; the channel's end has to be the program's alone.
    try? closeAll(but: [pidfd.raw, signals.raw] + (channel.map { [$0] } ?? []))
    while true {
      _ = try? waitReadable([signals.raw])
      while let next = try? signals.next() {
        if next.signal != SIGCHLD { try? sendSignal(next.signal, toProcess: pidfd.raw) }
      }
      while let ended = try? wait(-1, noHang: true) {
        if ended.pid == program { finish(ended.status, channel) }
      }
    }
  }

  /// Ends what is left, and this process. The kernel would end it too, but count for nobody what it used.
  private static func finish(_ status: ExitStatus, _ channel: Int32?) -> Never {
    if (try? sendSignal(SIGKILL, to: -1)) != nil {
      while (try? wait(-1)) != nil {}
    }
    if let channel {
      let ended = PoolMessage.Ended(status: status, usage: usageOfChildren(), memoryPeak: nil, lower: "", made: [])
      try? send(channel, PoolMessage.ended(ended).encoded())
    }
    exitNow(status.shellCode)
  }
}
