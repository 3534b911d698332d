import Foundation
import Synchronization

/// What is done, on standard error: one line that changes on a terminal, with the time left; plain lines elsewhere.
public final class Progress: Sendable {
  private struct State {
    var total = 0
    var done = 0
    /// Of these, how many were taken over from an earlier run.
    var known = 0
    var heading = ""
  }

  private let terminal: Bool
  private let begin = ContinuousClock.now
  private let state = Mutex(State())

  public init() { terminal = isatty(2) == 1 }

  /// Work that was found.
  public func expect(_ count: Int) { state.withLock { $0.total += count } }

  /// A step begins.
  public func step(_ suite: String, _ what: String) {
    state.withLock { state in
      if terminal {
        say("\r\u{1b}[K[\(state.done + 1)/\(state.total)] \(suite)  \(what)\(left(state))")
      } else if suite != state.heading {
        state.heading = suite
        say("\(suite): \(state.done) of \(state.total) steps done\(left(state))\n")
      }
    }
  }

  /// A step is done; it does not count for the time left if its result was known.
  public func finish(counted: Bool = true) {
    state.withLock { state in
      state.done += 1
      if !counted { state.known += 1 }
    }
  }

  public func note(_ text: String) { say((terminal ? "\r\u{1b}[K" : "") + text + "\n") }
  public func end() { if terminal { say("\r\u{1b}[K") } }

  private func left(_ state: State) -> String {
    let measured = state.done - state.known
    guard measured > 4, state.total > state.done else { return "" }
    let elapsed = (ContinuousClock.now - begin) / .seconds(1)
    let seconds = Int(elapsed / Double(measured) * Double(state.total - state.done))
    return "  \(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60) left"
  }

  /// The terminal may be gone.
  private func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
