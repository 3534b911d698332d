import CLinux
import LinuxSystem
import OCISpec
import SeccompFilter

/// The compiled seccomp section of a configuration, ready to be installed.
struct SystemCallFilter {
  let program: [UInt64]
  let flags: UInt32
  /// Connected to the agent that answers the calls sent to it (`listenerPath`), and what it is told first.
  var listener: Listener?

  struct Listener {
    let socket: Int32
    let state: [UInt8]
  }

  /// Loads the program for this process and all it will start.
  func install() throws(Errno) {
    if let listener {
      try installSystemCallFilter(
        program, flags: flags, listenerSocket: listener.socket, message: listener.state)
    } else {
      try setSystemCallFilter(program, flags: flags)
    }
  }
}
