import Foundation
import Glibc

/// The machine's serial console on this terminal.
public enum Console {
  /// Ctrl-]
  static let leave: UInt8 = 0x1d

  /// Connects terminal and console until the user leaves, or the machine ends.
  public static func attach(to machine: Machine, interruptions: Int32) throws {
    guard let console = System.connect(directory: machine.state.plainPath, name: "console.sock") else {
      throw MachineError("the machine's console is not there")
    }
    defer { close(console) }
    let old = System.makeRaw(0)
    defer { if let old { System.restore(0, old) } }
    // The shell's prompt was written before anyone listened.
    try System.writeAll(console, [0x0d])
    var input: Int32 = 0
    while true {
      let ready = try System.wait(
        [(console, false), (input, false), (interruptions, false)], milliseconds: -1)
      if ready[0], let bytes = try System.read(console) {
        if bytes.isEmpty { return }
        try System.writeAll(1, bytes)
      }
      if ready[1], let bytes = try System.read(input) {
        let kept = bytes.prefix { $0 != leave || old == nil }
        try System.writeAll(console, Array(kept))
        if kept.count < bytes.count { return }
        if bytes.isEmpty {
          // Standard input was a file or pipe: the console's output may still come.
          input = -1
          if old == nil { usleep(500_000) }
        }
      }
      if ready[2] { return }
      if input < 0 && !ready[0] { return }
    }
  }
}

/// Signals that end a command of the user in an orderly way.
public enum Interruptions {
  public static func descriptor() throws -> Int32 { try System.interruptions() }
}
