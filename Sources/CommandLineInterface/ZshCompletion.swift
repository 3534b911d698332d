/// The completion script for zsh, as specifications for its `_arguments`.
enum ZshCompletion {
  static func script() -> String {
    var text = """
      #compdef rcontainer
      _rcontainer_containers() {
        local -a containers=(${(f)"$(\(Completions.listContainers))"})
        _describe container containers
      }
      _rcontainer() {
        local curcontext=$curcontext state line
        local -a verbs=(

      """
    for verb in Verb.all {
      text += "    " + quoted(verb.name + ":" + escaped(verb.summary, ":")) + "\n"
    }
    text += "  )\n  _arguments -s -C \\\n" + specifications(Option.global)
    text += "    '1:verb:{_describe verb verbs}' \\\n    '*::argument:->rest'\n"
    text += "  [[ $state == rest ]] || return\n"
    text += "  curcontext=${curcontext%:*}-$line[1]:\n  case $line[1] in\n"
    for verb in Verb.all {
      text += "  " + verb.name + ")\n    _arguments -s" + (verb.commandIndex == nil ? "" : " -A '-*'")
      text += " \\\n" + specifications(verb.options) + operands(verb) + "    ;;\n"
    }
    return text + "  esac\n}\n_rcontainer \"$@\"\n"
  }

  private static func specifications(_ options: [Option]) -> String {
    var text = ""
    for option in options {
      text += "    " + specification(option) + " \\\n"
    }
    return text
  }

  /// As in `'(-b --bundle)'{-b,--bundle=}'[help]:DIR:_files -/'`.
  private static func specification(_ option: Option) -> String {
    let equals = option.argument == nil ? "" : "="
    var rest = "[" + escaped(option.help, "[]:") + "]"
    if let argument = option.argument {
      rest += ":" + escaped(argument.name, ":[]") + ":" + action(argument)
    }
    let long = "--" + option.name + equals
    guard let short = option.short else {
      return quoted((option.repeats ? "*" : "") + long + rest)
    }
    let both = "{-" + short + "," + long + "}" + quoted(rest)
    return option.repeats ? "'*'" + both : "'(-" + short + " --" + option.name + ")'" + both
  }

  private static func action(_ argument: Argument) -> String {
    switch argument.kind {
    case .file: "_files"
    case .directory: "_files -/"
    case .choice(let words): "(" + words.joined(by: " ") + ")"
    default: " "
    }
  }

  private static func operands(_ verb: Verb) -> String {
    if verb.operands.isEmpty { return "    ':no more arguments:'\n" }
    var lines: [String] = []
    for (index, operand) in verb.operands.enumerated() {
      let place = (index + 1).description
      switch operand.kind {
      case .container: lines.append("'" + place + ":container:_rcontainer_containers'")
      case .newContainer, .verb: lines.append("'" + place + ":id: '")
      case .signal:
        lines.append("'" + place + ":signal:(" + Quantities.signalNames.joined(by: " ") + ")'")
      case .shell: lines.append("'" + place + ":shell:(" + Completions.shells.joined(by: " ") + ")'")
      case .profileAction:
        lines.append("'" + place + ":action:(" + Completions.profileActions.joined(by: " ") + ")'")
      case .policy:
        lines.append("'" + place + ":policy:{_values policy " + Completions.policies.joined(by: " ") + "; _files}'")
      case .command where index == 0: lines.append("'*::command: _normal'")
      case .command: lines.append("'*::command:_files'")
      case .listing: lines.append("'*::option of ps: '")
      }
    }
    return "    " + lines.joined(by: " \\\n    ") + "\n"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// With a backslash before each of the letters, and before backslashes.
  private static func escaped(_ text: String, _ letters: String) -> String {
    var result = text.replacing("\\", with: "\\\\")
    for letter in letters.unicodeScalars {
      result = result.replacing(letter, with: "\\" + String(letter))
    }
    return result
  }
}
