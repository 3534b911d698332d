/// Why a report can't be written, read or compared: one line of what, where, and what to do.
public struct ReportError: Error, CustomStringConvertible, Sendable, Equatable {
  public let description: String

  init(_ description: String) { self.description = description }
}
