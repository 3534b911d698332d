/// Completion scripts for shells, made from the tables.
public enum Completions {
  /// Nil for a shell that we have none for.
  public static func script(_ shell: String) -> String? {
    switch shell {
    case "bash": bash()
    case "zsh": zsh()
    case "fish": fish()
    default: nil
    }
  }

  private static func words(_ options: [Option]) -> String {
    options.reduce("") { $0 + ($0.isEmpty ? "" : " ") + "--" + $1.name.description }
  }

  /// Verbs whose first operand is a container.
  private static func takesID(_ verb: Verb) -> Bool { verb.operands.description.utf8.starts(with: "<id>".utf8) }

  private static var verbNames: String {
    verbs.reduce("") { $0 + ($0.isEmpty ? "" : " ") + $1.name.description }
  }

  private static func bash() -> String {
    var text = """
      # bash completion for rcontainer
      _rcontainer() {
        local current=${COMP_WORDS[COMP_CWORD]} verb= word i
        local verbs='\(verbNames)'
        for ((i = 1; i < COMP_CWORD; i++)); do
          word=${COMP_WORDS[i]}
          case " $verbs " in *" $word "*) verb=$word; break ;; esac
        done
        local options ids=
        case $verb in

      """
    text += "    '') options='" + words(globalOptions) + " '$verbs ;;\n"
    for verb in verbs {
      text += "    " + verb.name.description + ") options='" + words(verb.options) + " --help'"
      if takesID(verb) { text += "; ids=1" }
      text += " ;;\n"
    }
    text += """
        esac
        if [ -n "$ids" ] && [ "${current#-}" = "$current" ]; then
          options=$(rcontainer list --quiet 2>/dev/null)
        fi
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
      }
      complete -o filenames -F _rcontainer rcontainer

      """
    return text
  }

  private static func zshOptions(_ options: [Option], _ indent: String) -> String {
    var text = ""
    for option in options {
      text += indent + "'--" + option.name.description
      if option.argument != nil { text += "=" }
      text += "[" + option.help.description.replacing("'", with: "'\\''").replacing(":", with: "\\:")
        + "]"
      if let argument = option.argument {
        text += ":" + argument.description + ":"
        switch argument.description {
        case "FILE", "PATH": text += "_files"
        case "DIR": text += "_files -/"
        default: break
        }
      }
      text += "' \\\n"
    }
    return text
  }

  private static func zsh() -> String {
    var text = "#compdef rcontainer\n_rcontainer() {\n  local state line\n  local -a verbs=(\n"
    for verb in verbs {
      text += "    '" + verb.name.description + ":" + verb.summary.description.replacing(":", with: "\\:")
        + "'\n"
    }
    text += "  )\n  _arguments -C \\\n" + zshOptions(globalOptions, "    ")
    text += "    '1:verb:{_describe verb verbs}' '*::argument:->rest'\n"
    text += "  [[ $state = rest ]] || return\n  case $line[1] in\n"
    for verb in verbs {
      text += "    " + verb.name.description + ")\n      _arguments \\\n"
      text += zshOptions(verb.options, "        ")
      text +=
        takesID(verb)
        ? "        '1:container:($(rcontainer list --quiet 2>/dev/null))' '*::argument:_files' ;;\n"
        : "        '*::argument:_files' ;;\n"
    }
    return text + "  esac\n}\n_rcontainer \"$@\"\n"
  }

  private static func fish() -> String {
    var text = "# fish completion for rcontainer\n"
    let none = "complete -c rcontainer -n __fish_use_subcommand"
    for option in globalOptions { text += none + fishOption(option) + "\n" }
    for verb in verbs {
      let name = verb.name.description
      text += none + " -f -a " + name + " -d '" + verb.summary.description.replacing("'", with: "\\'")
        + "'\n"
      let here = "complete -c rcontainer -n '__fish_seen_subcommand_from " + name + "'"
      for option in verb.options { text += here + fishOption(option) + "\n" }
      if takesID(verb) { text += here + " -f -a '(rcontainer list --quiet 2>/dev/null)'\n" }
    }
    return text
  }

  private static func fishOption(_ option: Option) -> String {
    var text = " -l " + option.name.description
    if let short = option.short { text += " -s " + short.description }
    if option.argument != nil { text += " -r" }
    return text + " -d '" + option.help.description.replacing("'", with: "\\'") + "'"
  }
}

extension String {
  /// Each `letter` as `replacement`; for the one-byte letters of shells.
  func replacing(_ letter: String, with replacement: String) -> String {
    guard let byte = letter.utf8.first else { return self }
    var bytes: [UInt8] = []
    for one in utf8 {
      if one == byte { bytes += Array(replacement.utf8) } else { bytes.append(one) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
