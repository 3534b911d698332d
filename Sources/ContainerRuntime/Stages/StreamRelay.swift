import CLinux
import LinuxSystem

/// Stands between a container and the files that its caller gave it as standard streams.
///
/// What is open on a file of the host can be mapped as code, and opened again for writing (proc_pid_fd(5)), whatever the container's own
/// mounts are. So a container in which nothing written may be code (``HostView/keepsPrograms``) gets pipes, and a process of ours
/// for each copies between pipe and file.
struct StreamRelay {
  private let pid: Int32
  private let isInput: Bool

  /// - Parameters:
  ///   - streams: standard input, output and error, of which files are replaced.
  ///   - opened: keeps the ends that the container gets.
  static func start(_ streams: inout [Int32], opened: DescriptorSet) throws(Errno) -> [StreamRelay] {
    var running: [StreamRelay] = []
    for (index, stream) in streams.enumerated() {
      guard let file = try? status(at: stream), file.isRegular else { continue }
      let pipe = try Pipe()
      let isInput = index == 0
      switch try clone(flags: 0) {
      case .child:
        let (source, target) = isInput ? (stream, pipe.writer.raw) : (pipe.reader.raw, stream)
        do throws(Errno) {
          // A terminal's Ctrl-C is for the container.
          try startSession()
          try closeAll(but: [source, target])
          try processControl(PR_SET_NO_NEW_PRIVS, 1)
          try setCapabilities(effective: 0, permitted: 0, inheritable: 0)
          var buffer = [UInt8](repeating: 0, count: 65536)
          while true {
            let count = try read(source, into: &buffer)
            if count == 0 { exitNow(0) }
            try writeAll(target, Array(buffer[0..<count]))
          }
        } catch { exitNow(1) }
      case .parent(let pid, _):
        if isInput { streams[index] = opened.insert(pipe.reader) } else { streams[index] = opened.insert(pipe.writer) }
        running.append(StreamRelay(pid: pid, isInput: isInput))
      }
    }
    return running
  }

  /// Waits until all is written that the processes of a container said, which have ended.
  func finish() {
    if isInput { try? sendSignal(SIGKILL, to: pid) }
    _ = try? wait(pid)
  }
}
