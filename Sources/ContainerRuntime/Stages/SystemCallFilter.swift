import CLinux
import LinuxSystem

/// The compiled seccomp section of a configuration, ready to be installed.
struct SystemCallFilter {
  let program: [UInt64]
  var flags: UInt32
  /// The agent that answers calls (`listenerPath`).
  var listener: Listener?
  /// See `ConShimProxy.init`.
  let letsDriverCalls: Bool
  /// Memory that is written is not executed afterwards (`PR_SET_MDWE`, prctl(2)).
  var refusesWriteExecute = false

  struct Listener {
    /// Connected to the agent.
    let socket: Int32
    /// What the agent is told with the descriptor.
    var state: [UInt8] = []
  }

  /// Whether calls go to a supervisor of ours.
  private(set) var isSupervised = false

  /// Sends calls to a supervisor of ours.
  /// - Parameter socket: connected to it.
  mutating func supervise(_ socket: Int32) {
    listener = Listener(socket: socket, state: [0])
    isSupervised = true
    // What the supervisor has begun is not interrupted by signals but deadly ones, and made again.
    if kernelIsAtLeast(5, 19) { flags |= 32 }  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
  }

  /// Loads the program for this process and all it will start.
  func install() throws(Errno) {
    if refusesWriteExecute { try processControl(Int32(RC_PR_SET_MDWE), UInt(RC_PR_MDWE_REFUSE_EXEC_GAIN)) }
    if let listener {
      try setSystemCallFilter(
        program, flags: flags, listenerSocket: listener.socket, message: listener.state)
    } else {
      try setSystemCallFilter(program, flags: flags)
    }
  }
}
