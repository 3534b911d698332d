/// The completion script for bash. It has three tables, as patterns of `case` on `VERB:WORD`, with an empty
/// verb for the global options: which options are followed by an argument, what that may be, and what
/// may stand at each place.
enum BashCompletion {
  static func script() -> String {
    var text = """
      # bash completion for rcontainer
      _rcontainer() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
        local verb= place=0 word i
        # "--name=value" comes as three words.
        if [[ $current == = ]]; then
          current=
        elif [[ $previous == = ]]; then
          previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
          word=${COMP_WORDS[i]}
          case $verb:$word in

      """
    text += clause(patterns { $0.argument != nil }, "[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)); ((i++))")
    text += """
          *:=) ((i++)) ;;
          do:* | exec:*) if ((place > 0)) || [[ $word != -* ]]; then ((place++)); fi ;;
          *:-*) ;;
          :*) verb=$word ;;
          *) ((place++)) ;;
          esac
        done
        COMPREPLY=()
        if [[ $verb == do && $place == 0 ]] || [[ $verb == exec && $place -lt 2 ]] ||
          [[ $verb != do && $verb != exec ]]; then
          case $verb:$previous in

      """
    text += clause(
      patterns { $0.argument?.kind == .directory },
      "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$current\")); return")
    text += clause(
      patterns { $0.argument?.kind == .file },
      "compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$current\")); return")
    for (owner, option) in everyOption() {
      guard case .choice(let words) = option.argument?.kind else { continue }
      text += clause(
        spellings(option, of: owner),
        "COMPREPLY=($(compgen -W '" + words.joined(by: " ") + "' -- \"$current\")); return")
    }
    text += clause(patterns { $0.argument != nil }, "return")
    text += "    esac\n  fi\n  local words=\n"
    text += "  if [[ $current == -* ]]; then\n    case $verb:$place in\n"
    text += optionClause("", Option.global)
    for verb in Verb.all { text += optionClause(verb.name, verb.options) }
    text += "    esac\n  else\n    case $verb:$place in\n"
    text += clause([":0"], words(Verb.all.map { $0.name }))
    for kind in [Operand.Kind.container, .signal, .shell, .profileAction, .policy] { text += operandClause(kind) }
    text += """
          do:0) COMPREPLY=($(compgen -c -- "$current")); return ;;
          do:* | exec:*) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
          esac
        fi
        COMPREPLY=($(compgen -W "$words" -- "$current"))
      }
      complete -F _rcontainer rcontainer

      """
    return text
  }

  private static func everyOption() -> [(owner: String, option: Option)] {
    var all = Option.global.map { (owner: "", option: $0) }
    for verb in Verb.all { all += verb.options.map { (owner: verb.name, option: $0) } }
    return all
  }

  /// `VERB:--name` and `VERB:-n`.
  private static func spellings(_ option: Option, of owner: String) -> [String] {
    [owner + ":--" + option.name] + (option.short.map { [owner + ":-" + $0] } ?? [])
  }

  private static func patterns(_ isMeant: (Option) -> Bool) -> [String] {
    everyOption().flatMap { isMeant($0.option) ? spellings($0.option, of: $0.owner) : [] }
  }

  /// One clause of `case`, a few patterns to a line.
  private static func clause(_ patterns: [String], _ action: String) -> String {
    var text = "    "
    var column = 4
    for (index, pattern) in patterns.enumerated() {
      if column + pattern.utf8.count > 92 {
        text += "\\\n      "
        column = 6
      }
      text += pattern + (index == patterns.count - 1 ? ") " : " | ")
      column += pattern.utf8.count + 3
    }
    return text + action + " ;;\n"
  }

  private static func words(_ words: [String]) -> String { "words='" + words.joined(by: " ") + "'" }

  /// The options of a verb; not inside of a command.
  private static func optionClause(_ owner: String, _ options: [Option]) -> String {
    let place = owner == "do" || owner == "trace" || owner == "exec" ? "0" : "*"
    var names = options.map { "--" + $0.name }
    if !owner.isEmpty { names.append("--help") }
    return clause([owner + ":" + place], words(names))
  }

  /// What to offer at every place where there is an operand of that kind.
  private static func operandClause(_ kind: Operand.Kind) -> String {
    var places: [String] = []
    for verb in Verb.all {
      for (index, operand) in verb.operands.enumerated() where operand.kind == kind {
        places.append(verb.name + ":" + index.description)
      }
    }
    switch kind {
    case .container: return clause(places, "words=$(" + Completions.listContainers + ")")
    case .signal: return clause(places, words(Quantities.signalNames))
    case .profileAction: return clause(places, words(Completions.profileActions))
    case .policy: return clause(places, words(Completions.policies))
    default: return clause(places, words(Completions.shells))
    }
  }
}
