/// What is wrong with a command line: one line, and what to do.
public struct UsageError: Error, Equatable, Sendable {
  public let message: String
  public let hint: String

  public init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }

  public var description: String { message + " (" + hint + ")" }
}

/// A command line, sorted.
public struct Invocation: Equatable, Sendable {
  /// Options before the verb.
  public var global = Values()
  /// Nil when none was given.
  public var verb: String?
  public var options = Values()
  public var operands: [String] = []

  /// Options and their arguments, in their order.
  public struct Values: Equatable, Sendable {
    private var pairs: [(name: String, value: String?)] = []

    public init() {}

    mutating func add(_ name: String, _ value: String?) { pairs.append((name, value)) }

    /// Whether an option was given.
    public func has(_ name: String) -> Bool { pairs.contains { $0.name == name } }

    /// The last argument of an option.
    public subscript(name: String) -> String? { pairs.last { $0.name == name }?.value }

    /// All arguments of an option.
    public func all(_ name: String) -> [String] {
      pairs.compactMap { $0.name == name ? $0.value : nil }
    }

    public static func == (a: Values, b: Values) -> Bool {
      a.pairs.elementsEqual(b.pairs) { $0.name == $1.name && $0.value == $1.value }
    }
  }

  /// Sorts the words that follow the program's name.
  public init(_ words: [String]) throws(UsageError) {
    var index = 0
    while index < words.count, words[index].isOption {
      try Self.readOption(words, &index, globalOptions, "rcontainer", into: &global)
    }
    guard index < words.count else { return }
    let name = words[index]
    index += 1
    guard let verb = verbs.first(where: { $0.name.description == name }) else {
      throw UsageError("unknown verb \"" + name + "\"", hint: Self.suggestion(name))
    }
    self.verb = name
    var operands: [String] = []
    while index < words.count {
      let word = words[index]
      if let after = verb.commandAfter, operands.count >= after, after > 0 || !word.isOption {
        operands += words[(word == "--" ? index + 1 : index)...]
        break
      }
      if word == "--" {
        operands += words[(index + 1)...]
        break
      }
      if word.isOption {
        try Self.readOption(words, &index, verb.options, name, into: &options)
      } else {
        operands.append(word)
        index += 1
      }
    }
    self.operands = operands
    if options.has("help") || global.has("help") { return }
    guard verb.operandCount.contains(operands.count) else {
      let few = operands.count < verb.operandCount.lowerBound
      throw UsageError(
        (few ? "too few" : "too many") + " arguments for " + name,
        hint: "usage: rcontainer " + name + " [options] " + verb.operands.description)
    }
  }

  // MARK: options

  /// Reads `--name`, `--name value`, `--name=value`, `-n`, `-n value`, and `-name` as Go programs take it.
  private static func readOption(
    _ words: [String], _ index: inout Int, _ table: [Option], _ context: String,
    into values: inout Values
  ) throws(UsageError) {
    let word = words[index]
    index += 1
    let bare = word.utf8.drop { $0 == 0x2d }
    var name = String(Substring(bare))
    var value: String? = nil
    if let equals = name.utf8.firstIndex(of: 0x3d) {
      value = String(name[name.utf8.index(after: equals)...])
      name = String(name[..<equals])
    }
    if name == "help" || name == "h" && word == "-h" {
      values.add("help", nil)
      return
    }
    guard
      let option = table.first(where: {
        $0.name.description == name || ($0.short?.description == name && name.utf8.count == 1)
      })
    else {
      let near = table.map { $0.name.description }.filter { Self.distance($0, name) <= 2 }
      throw UsageError(
        "unknown option " + word + " for " + context,
        hint: near.first.map { "did you mean --" + $0 + "?" }
          ?? "see rcontainer " + (context == "rcontainer" ? "" : context + " ") + "--help")
    }
    let full = option.name.description
    if option.argument == nil {
      switch value {
      case nil, "true": values.add(full, nil)
      case "false": break
      default:
        throw UsageError("option --" + full + " takes no argument", hint: "it is a switch")
      }
      return
    }
    if value == nil {
      guard index < words.count else {
        throw UsageError(
          "option --" + full + " needs an argument", hint: "--" + full + " " + option.argument!.description)
      }
      value = words[index]
      index += 1
    }
    values.add(full, value)
  }

  // MARK: suggestions

  private static func suggestion(_ word: String) -> String {
    let near = verbs.map { $0.name.description }.filter { distance($0, word) <= 2 }
    return near.first.map { "did you mean " + $0 + "?" } ?? "see rcontainer --help"
  }

  /// How many letters have to be put in, left out or changed (Levenshtein).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8.prefix(64)))
    var row = Array(0...b.count)
    for i in 0..<a.count {
      var previous = row[0]
      row[0] = i + 1
      for j in 0..<b.count {
        let cost = previous + (a[i] == b[j] ? 0 : 1)
        previous = row[j + 1]
        row[j + 1] = min(cost, row[j + 1] + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }
}

extension String {
  /// Whether the word starts like an option; `-` alone names standard input.
  var isOption: Bool { utf8.first == 0x2d && utf8.count > 1 }
}
