/// Completion scripts for shells, made from the tables.
public enum Completions {
  /// What `profile` does, and the policies that it knows by name.
  static let profileActions = ["show", "check", "diff", "learn", "derive"]
  static let policies = ["default", "strict", "compat"]

  /// The shells that we have a script for.
  public static let shells = ["bash", "zsh", "fish"]

  /// Nil for another shell.
  public static func script(_ shell: String) -> String? {
    switch shell {
    case "bash": BashCompletion.script()
    case "zsh": ZshCompletion.script()
    case "fish": FishCompletion.script()
    default: nil
    }
  }

  /// Prints the ids of all containers; run by the scripts.
  static let listContainers = "rcontainer list --quiet 2>/dev/null"
}
