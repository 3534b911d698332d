/// Texts for people, made from the tables.
public enum Help {
  public static func overview() -> String {
    var text = "Usage: rcontainer [options] <verb> [options] [arguments]\n\n"
    text += "Runs containers (OCI runtime-spec) and sandboxed commands.\n\nVerbs:\n"
    for verb in verbs {
      text += row(verb.name.description, verb.summary.description)
    }
    text += "\nOptions:\n" + list(globalOptions)
    text += "\n`rcontainer <verb> --help` tells more about a verb.\n"
    return text
  }

  public static func verb(_ name: String) -> String {
    guard let verb = verbs.first(where: { $0.name.description == name }) else { return overview() }
    var text = "Usage: rcontainer " + name
    if !verb.options.isEmpty { text += " [options]" }
    if verb.operands.utf8CodeUnitCount > 0 { text += " " + verb.operands.description }
    text += "\n\n" + verb.summary.description.capitalizedFirst + ".\n"
    if !verb.options.isEmpty { text += "\nOptions:\n" + list(verb.options) }
    return text
  }

  private static func list(_ options: [Option]) -> String {
    var text = ""
    for option in options { text += row(label(option), option.help.description) }
    return text
  }

  static func label(_ option: Option) -> String {
    var label = option.short.map { "-" + $0.description + ", " } ?? ""
    label += "--" + option.name.description
    if let argument = option.argument { label += " " + argument.description }
    return label
  }

  private static func row(_ left: String, _ right: String) -> String {
    let width = 26
    let pad = left.utf8.count < width ? width - left.utf8.count : 1
    return "  " + left + String(repeating: " ", count: pad) + right + "\n"
  }
}

extension String {
  /// With a capital letter at the front.
  var capitalizedFirst: String {
    guard let first = utf8.first, first >= 0x61, first <= 0x7a else { return self }
    return String(UnicodeScalar(first - 0x20)) + dropFirst()
  }
}
