extension Invocation {
  /// Sorts the words that follow the program's name.
  ///
  /// Options are written as `--name value`, `--name=value`, `-n value` or, as Go programs take them,
  /// `-name value`. They stand before or after operands; but where a command begins, every word is its
  /// own. `--` ends options. `--help` and `--version` end the reading: nothing after them is looked at.
  public init(_ words: [String]) throws(UsageError) {
    var words = Words(words)
    while let word = words.peek, word.isOption {
      words.skip()
      if word == "--" { break }
      try Self.readOption(word, &words, of: nil, into: &global)
      if global.has("help") || global.has("version") { return }
    }
    guard let name = words.next() else { return }
    if name == "help" {
      try readHelp(&words)
      return
    }
    guard let verb = Verb.named(name) else {
      throw UsageError(
        "unknown verb '" + UsageError.shown(name) + "'",
        hint: Suggestion.nearest(to: name, in: Verb.all.map { $0.name })
          .map { "did you mean '" + $0 + "'?" } ?? UsageError.see(nil))
    }
    self.verb = name
    try readWords(&words, of: verb)
    if options.has("help") { return }
    try checkOperands(of: verb)
  }

  /// `help`, and `help VERB`.
  private mutating func readHelp(_ words: inout Words) throws(UsageError) {
    guard let name = words.next() else { return global.add("help", nil) }
    guard Verb.named(name) != nil else {
      throw UsageError(
        "no help for unknown verb '" + UsageError.shown(name) + "'", hint: UsageError.see(nil))
    }
    verb = name
    options.add("help", nil)
  }

  private mutating func readWords(_ words: inout Words, of verb: Verb) throws(UsageError) {
    if verb.operands.first?.ownsOptions ?? false { return operands += words.rest() }
    while let word = words.next() {
      let inCommand = verb.commandIndex.map { operands.count >= $0 } ?? false
      if word == "--" {
        operands += words.rest()
      } else if word.isOption && !(inCommand && !operands.isEmpty) {
        try Self.readOption(word, &words, of: verb, into: &options)
        if options.has("help") { return }
      } else {
        operands.append(word)
        if inCommand { operands += words.rest() }
      }
    }
  }

  private func checkOperands(of verb: Verb) throws(UsageError) {
    var required = verb.required
    if let option = verb.commandUnless, !options.has(option) {
      required = verb.operands.count
    }
    let usage = "usage: " + verb.usage
    if operands.count < required {
      let missing = verb.operands[operands.count].label
      let instead = verb.commandUnless.map { operands.isEmpty ? "" : ", or --" + $0 } ?? ""
      throw UsageError("'" + verb.name + "' needs " + missing + instead, hint: usage)
    }
    if verb.commandIndex == nil, !(verb.operands.last?.repeats ?? false), operands.count > verb.operands.count {
      let extra = UsageError.shown(operands[verb.operands.count])
      throw UsageError("'" + verb.name + "' has no use for '" + extra + "'", hint: usage)
    }
  }

  // MARK: options

  /// Reads one option, of a verb or a global one, and its argument.
  private static func readOption(
    _ word: String, _ words: inout Words, of verb: Verb?, into values: inout Values
  ) throws(UsageError) {
    let written = WrittenOption(word)
    let table = verb?.options ?? Option.global
    guard let option = table.first(where: { $0.matches(written) }) else {
      if written.isHelp { return values.add("help", nil) }
      if let switches = cluster(written, table) {
        for option in switches { values.add(option.name, nil) }
        return
      }
      throw unknown(written, of: verb)
    }
    guard let argument = option.argument else {
      return try setSwitch(option, written, of: verb, in: &values)
    }
    guard let value = written.value ?? words.next() else {
      throw UsageError(
        "option --" + option.name + " needs an argument",
        hint: "write --" + option.name + " " + argument.name)
    }
    if let complaint = argument.complaint(value) {
      throw UsageError(
        "--" + option.name + " '" + UsageError.shown(value) + "' is not " + complaint,
        hint: UsageError.see(verb?.name))
    }
    values.add(option.name, value)
  }

  /// `--name`, or `--name=true` in the spellings that Go programs take.
  private static func setSwitch(
    _ option: Option, _ written: WrittenOption, of verb: Verb?, in values: inout Values
  ) throws(UsageError) {
    switch written.value {
    case nil, "true", "True", "TRUE", "t", "T", "1": values.add(option.name, nil)
    case "false", "False", "FALSE", "f", "F", "0": values.remove(option.name)
    default:
      throw UsageError(
        "option --" + option.name + " takes no argument but true or false",
        hint: UsageError.see(verb?.name))
    }
  }

  /// Several single letters behind one dash, as in `-td`; all of them switches.
  private static func cluster(_ written: WrittenOption, _ table: [Option]) -> [Option]? {
    guard written.dashes == 1, written.value == nil, written.name.utf8.count > 1 else { return nil }
    var switches: [Option] = []
    for letter in written.name.unicodeScalars {
      guard let option = table.first(where: { $0.short == String(letter) && $0.argument == nil })
      else { return nil }
      switches.append(option)
    }
    return switches
  }

  private static func unknown(_ written: WrittenOption, of verb: Verb?) -> UsageError {
    let shown = "unknown option " + UsageError.shown(written.text)
    guard let verb else {
      let owner = Verb.all.first { $0.options.contains { $0.matches(written) } }
      return UsageError(
        shown,
        hint: Suggestion.option(written.name, in: Option.global)
          ?? (owner == nil ? UsageError.see(nil) : "options of a verb stand behind it"))
    }
    let message = shown + " for '" + verb.name + "'"
    if let global = Option.global.first(where: { $0.matches(written) }) {
      return UsageError(message, hint: "--" + global.name + " stands before the verb")
    }
    return UsageError(
      message,
      hint: Suggestion.option(written.name, in: verb.options) ?? UsageError.see(verb.name))
  }
}

/// The words still to be read.
private struct Words {
  private let all: [String]
  private var position = 0

  init(_ all: [String]) { self.all = all }

  var peek: String? { position < all.count ? all[position] : nil }

  mutating func skip() { position += 1 }

  mutating func next() -> String? {
    guard let word = peek else { return nil }
    position += 1
    return word
  }

  mutating func rest() -> ArraySlice<String> {
    let rest = all[position...]
    position = all.count
    return rest
  }
}

/// An option as somebody wrote it: `--name=value` in its parts.
private struct WrittenOption {
  let text: String
  let dashes: Int
  let name: String
  let value: String?

  init(_ word: String) {
    let dashes = word.utf8.prefix { $0 == 0x2d }.count
    let body = word.utf8.dropFirst(dashes)
    self.dashes = dashes
    if let equals = body.firstIndex(of: 0x3d) {
      name = String(Substring(body[..<equals]))
      value = String(Substring(body[body.index(after: equals)...]))
      text = String(repeating: "-", count: dashes) + name
    } else {
      name = String(Substring(body))
      value = nil
      text = word
    }
  }

  /// One dash or two, as Go has it.
  var isPlausible: Bool { dashes <= 2 && !name.isEmpty }

  var isHelp: Bool { isPlausible && value == nil && (name == "help" || name == "h") }
}

extension Option {
  fileprivate func matches(_ written: WrittenOption) -> Bool {
    written.isPlausible && (name == written.name || short == written.name)
  }
}

extension String {
  /// Whether the word starts like an option; `-` alone names standard input.
  fileprivate var isOption: Bool { utf8.first == 0x2d && utf8.count > 1 }
}
