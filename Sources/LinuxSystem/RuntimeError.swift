/// Where in the life of a container something failed. The raw value is what the user reads.
public enum Stage: String, Sendable {
  case options = "options"
  case configuration = "configuration"
  case state = "state"
  case namespaces = "namespaces"
  case userMappings = "user mappings"
  case cgroup = "cgroup"
  case rootfs = "rootfs"
  case mounts = "mounts"
  case devices = "devices"
  case console = "console"
  case hooks = "hooks"
  case sysctl = "sysctl"
  case process = "process"
  case capabilities = "capabilities"
  case seccomp = "seccomp"
  case execution = "exec"
  case signal = "signal"
  case deletion = "delete"
  case hardening = "hardening"
}

/// An error of the runtime: the stage that failed, what happened, and what to do about it.
public struct RuntimeError: Error, Sendable {
  public let stage: Stage
  /// What and where, without a full stop.
  public let message: String
  /// What to do, if there is something to say.
  public let hint: String?
  /// The kernel's reason, when there is one.
  public let errno: Errno?

  public init(_ stage: Stage, _ message: String, _ errno: Errno? = nil, hint: String? = nil) {
    self.stage = stage
    self.message = message
    self.errno = errno
    self.hint = hint
  }

  /// One line: `stage: message: reason (hint)`.
  public var description: String {
    var text = stage.rawValue + ": " + message
    if let errno { text += ": " + errno.description }
    if let hint { text += " (" + hint + ")" }
    return text
  }
}

/// Runs `body`; an ``Errno`` it throws becomes a ``RuntimeError`` of `stage`.
@inline(__always)
@discardableResult
public func at<R: ~Copyable>(
  _ stage: Stage, _ message: @autoclosure () -> String, hint: @autoclosure () -> String? = nil,
  _ body: () throws(Errno) -> R
) throws(RuntimeError) -> R {
  do throws(Errno) { return try body() } catch {
    throw RuntimeError(stage, message(), error, hint: hint())
  }
}
