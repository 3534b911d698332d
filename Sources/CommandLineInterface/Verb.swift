/// One verb of the command line.
public struct Verb: Sendable {
  public let name: String
  public let operands: [Operand]
  /// One line for help, without a capital letter and a full stop.
  public let summary: String
  public let options: [Option]
  /// The option that stands for the command, so that the command may be left out only with it.
  let commandUnless: String?

  init(
    _ name: String, _ operands: [Operand], _ summary: String, commandUnless: String? = nil,
    _ options: [Option] = []
  ) {
    self.name = name
    self.operands = operands
    self.summary = summary
    self.commandUnless = commandUnless
    self.options = options
  }

  /// The verb of that name.
  public static func named(_ name: String) -> Verb? { all.first { $0.name == name } }

  /// As in `rcontainer kill [options] <id> [signal]`.
  public var usage: String {
    var text = "rcontainer " + name
    if !options.isEmpty { text += " [options]" }
    for operand in operands { text += " " + operand.label }
    return text
  }

  /// How many operands have to be there.
  var required: Int { operands.reduce(0) { $0 + ($1.isRequired ? 1 : 0) } }

  /// The operand from which on all words are the command's, even those that look like options.
  var commandIndex: Int? { operands.firstIndex { $0.kind == .command || $0.kind == .listing } }
}

/// A word that is not an option, by its place.
public struct Operand: Sendable {
  /// As help shows it.
  public let label: String
  public let kind: Kind
  public let isRequired: Bool
  /// More of them may follow, and options among them.
  let repeats: Bool

  /// Every word from here on is a tool's, also if the first looks like an option.
  let ownsOptions: Bool

  /// What it is; completions offer it.
  public enum Kind: Sendable {
    /// The id of a container that is there.
    case container
    /// The id of a container that is to be.
    case newContainer
    case signal
    case shell
    /// What to do with policies.
    case profileAction
    /// A policy of ours, or a file.
    case policy
    case verb
    /// A command and its arguments.
    case command
    /// Options of ps(1).
    case listing
  }

  private init(
    _ label: String, _ kind: Kind, required: Bool, repeats: Bool = false, ownsOptions: Bool = false
  ) {
    self.label = label
    self.ownsOptions = ownsOptions
    self.kind = kind
    self.isRequired = required
    self.repeats = repeats
  }

  static let container = Operand("<id>", .container, required: true)
  static let newContainer = Operand("<id>", .newContainer, required: true)
  static let signal = Operand("[signal]", .signal, required: false)
  static let shell = Operand("<bash|zsh|fish>", .shell, required: true)
  static let verb = Operand("[verb]", .verb, required: false)
  static let command = Operand("[--] <command> [argument...]", .command, required: true)
  static let optionalCommand = Operand("[command] [argument...]", .command, required: false)
  static let tool = Operand("<build|start|run|shell|status|stop> [argument...]", .command, required: true)
  static let toolWords = Operand("[probes|controls|render] [argument...]", .command, required: false, ownsOptions: true)
  static let profileAction = Operand("<show|check|diff|learn|derive>", .profileAction, required: true)
  static let policies = Operand("<word...>", .policy, required: true, repeats: true)
  static let listing = Operand("[ps option...]", .listing, required: false)
}
