import CLinux
import LinuxSystem
import OCISpec

/// The terminal of a container's process: made in the container's own devpts, handled by descriptors only.
struct ConsoleStage {
  let process: OCISpec.Process

  /// Makes a pseudoterminal, sends its master to the runtime, mounts the other side on /dev/console and
  /// makes it this session's terminal and standard streams.
  /// - Parameter channel: where the master goes.
  func attach(in root: borrowing RootDirectory, channel: borrowing Channel, mounts: Bool = true)
    throws(RuntimeError)
  {
    let hint = "a terminal needs a devpts mounted on /dev/pts of the container"
    let master = try at(.console, "opening /dev/pts/ptmx", hint: hint) { () throws(Errno) in
      let file = try root.open("/dev/pts/ptmx", O_RDWR | O_NOCTTY)
      // The image may not pass anything else for it: 5:2 on a devpts.
      let found = try status(at: file.raw)
      guard found.isCharacterDevice, found.major == 5, found.minor == 2,
        try fileSystem(of: file.raw).magic == 0x1cd1
      else { throw .noDevice }
      return file
    }
    let peer = try at(.console, "opening the terminal") { () throws(Errno) in
      try unlockTerminal(master.raw)
      return try terminalPeer(master.raw)
    }
    try at(.console, "preparing the terminal") { () throws(Errno) in
      try disableNewlineTranslation(peer.raw)
      if let size = process.consoleSize {
        try setWindowSize(
          master.raw, rows: UInt16(clamping: size.height), columns: UInt16(clamping: size.width))
      }
      // The user of the container owns its terminal; a group stays what devpts' gid= says.
      let found = try status(at: peer.raw)
      if found.owner != process.user.uid {
        try setOwner(at: peer.raw, uid: process.user.uid, gid: found.group)
      }
    }
    if mounts {
      try at(.console, "mounting /dev/console") { () throws(Errno) in
        let tree = try cloneTree(at: peer.raw, recursive: false)
        let target = try root.makeFile("/dev/console")
        try LinuxSystem.attach(tree.raw, to: target.raw)
      }
    }
    try channel.send(.console, descriptors: [master.raw])
    try at(.console, "taking the terminal") { () throws(Errno) in
      try setControllingTerminal(peer.raw)
      for stream: Int32 in 0...2 { try duplicate(peer.raw, onto: stream) }
    }
  }
}
