/// One option of the command line.
public struct Option: Sendable {
  public let name: StaticString
  /// A single letter.
  public let short: StaticString?
  /// What its argument is called in help; nil for a switch.
  public let argument: StaticString?
  public let help: StaticString

  init(
    _ name: StaticString, _ short: StaticString? = nil, _ argument: StaticString? = nil,
    _ help: StaticString
  ) {
    self.name = name
    self.short = short
    self.argument = argument
    self.help = help
  }
}

/// One verb of the command line.
public struct Verb: Sendable {
  public let name: StaticString
  /// What follows the options, as in `<id> [signal]`.
  public let operands: StaticString
  public let summary: StaticString
  public let options: [Option]
  /// How many operands there may be.
  public let operandCount: ClosedRange<Int>
  /// From this operand on all words belong to a command, options too.
  public let commandAfter: Int?

  init(
    _ name: StaticString, _ operands: StaticString, _ count: ClosedRange<Int>,
    _ summary: StaticString, commandAfter: Int? = nil, _ options: [Option] = []
  ) {
    self.name = name
    self.operands = operands
    self.operandCount = count
    self.summary = summary
    self.commandAfter = commandAfter
    self.options = options
  }
}
