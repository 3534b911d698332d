/// The completion script for fish: one `complete` for each option and operand.
enum FishCompletion {
  static func script() -> String {
    var text = """
      # fish completion for rcontainer
      function __rcontainer_containers
        \(Completions.listContainers)
      end
      complete -c rcontainer -f

      """
    let start = "complete -c rcontainer -n __fish_use_subcommand"
    for option in Option.global { text += start + words(option) + "\n" }
    for verb in Verb.all {
      text += start + " -a " + verb.name + " -d " + quoted(verb.summary) + "\n"
    }
    for verb in Verb.all {
      let here = "complete -c rcontainer -n '__fish_seen_subcommand_from " + verb.name + "'"
      for option in verb.options { text += here + words(option) + "\n" }
      for operand in verb.operands {
        if let offered = offered(operand) { text += here + offered + "\n" }
      }
    }
    return text
  }

  private static func words(_ option: Option) -> String {
    var text = " -l " + option.name
    if let short = option.short { text += " -s " + short }
    switch option.argument?.kind {
    case nil: break
    case .file: text += " -r -F"
    case .directory: text += " -x -a '(__fish_complete_directories)'"
    case .choice(let words): text += " -x -a '" + words.joined(by: " ") + "'"
    default: text += " -x"
    }
    return text + " -d " + quoted(option.help)
  }

  private static func offered(_ operand: Operand) -> String? {
    switch operand.kind {
    case .container: " -a '(__rcontainer_containers)'"
    case .signal: " -a '" + Quantities.signalNames.joined(by: " ") + "'"
    case .shell: " -a '" + Completions.shells.joined(by: " ") + "'"
    case .profileAction: " -a '" + Completions.profileActions.joined(by: " ") + "'"
    case .policy: " -a '" + Completions.policies.joined(by: " ") + "' -F"
    case .command: " -F"
    case .newContainer, .verb, .listing: nil
    }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }
}
