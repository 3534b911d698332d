/// Texts for people, made from the tables; for a terminal of 80 columns.
public enum Help {
  public static func overview() -> String {
    var text = "Usage: rcontainer [options] <verb> [options] [arguments]\n\n"
    text += "Runs containers (OCI runtime-spec) and sandboxed commands.\n\nVerbs:\n"
    for verb in Verb.all { text += row(verb.name, verb.summary) }
    text += "\nOptions:\n" + list(Option.global)
    text += "\n'rcontainer <verb> --help' tells more about a verb.\n"
    return text
  }

  /// Help for one verb; the overview if there is no such verb.
  public static func verb(_ name: String) -> String {
    guard let verb = Verb.named(name) else { return overview() }
    var text = "Usage: " + verb.usage + "\n\n" + verb.summary.capitalizedFirst + ".\n"
    if !verb.options.isEmpty { text += "\nOptions:\n" + list(verb.options) }
    return text
  }

  private static func list(_ options: [Option]) -> String {
    var text = ""
    for option in options { text += row(label(option), option.help) }
    return text
  }

  /// As in `-b, --bundle DIR`.
  static func label(_ option: Option) -> String {
    var label = option.short.map { "-" + $0 + ", " } ?? ""
    label += "--" + option.name
    if let argument = option.argument { label += " " + argument.name }
    return label
  }

  private static let width = 80
  private static let column = 28

  /// A name, and what it means in a column of its own.
  private static func row(_ left: String, _ right: String) -> String {
    var text = "  " + left
    var position = 2 + left.utf8.count
    if position >= column {
      text += "\n"
      position = 0
    }
    text += String(repeating: " ", count: column - position)
    position = column
    for word in right.utf8.split(separator: 0x20) {
      if position + word.count > width {
        text += "\n" + String(repeating: " ", count: column)
        position = column
      } else if position > column {
        text += " "
      }
      text += String(Substring(word))
      position += word.count + 1
    }
    return text + "\n"
  }
}

extension String {
  /// With a capital letter at the front.
  var capitalizedFirst: String {
    guard let first = utf8.first, (0x61...0x7a).contains(first) else { return self }
    return String(UnicodeScalar(first - 0x20)) + dropFirst()
  }

  /// Each `letter` as `replacement`.
  func replacing(_ letter: UnicodeScalar, with replacement: String) -> String {
    var text = ""
    for scalar in unicodeScalars {
      if scalar == letter { text += replacement } else { text.unicodeScalars.append(scalar) }
    }
    return text
  }
}

extension [String] {
  /// All of them with a separator between.
  func joined(by separator: String) -> String {
    var text = ""
    for (index, word) in enumerated() {
      if index > 0 { text += separator }
      text += word
    }
    return text
  }
}
