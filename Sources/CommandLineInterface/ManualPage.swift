/// The manual page in roff (man(7)), made from the tables.
public enum ManualPage {
  public static func text(version: String) -> String {
    var text = ".TH RCONTAINER 1 \"\" \"rcontainer " + version + "\" \"User Commands\"\n"
    text += ".SH NAME\nrcontainer \\- run containers and sandboxed commands\n"
    text += ".SH SYNOPSIS\n.B rcontainer\n[\\fIoptions\\fR] \\fIverb\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n"
    text += """
      .SH DESCRIPTION
      .B rcontainer
      is a runtime of the Open Container Initiative: Podman, Docker and containerd use it in the place of
      .BR runc (8).
      .PP
      .B rcontainer do
      runs one command in a sandbox without image or bundle: the host's files are seen read-only below a
      throw-away layer, with no network but loopback, no capabilities and a seccomp filter.
      .SH OPTIONS

      """
    text += options(globalOptions)
    text += ".SH VERBS\n"
    for verb in verbs {
      text += ".SS rcontainer " + verb.name.description
      if !verb.options.isEmpty { text += " [options]" }
      text += " " + escaped(verb.operands.description) + "\n"
      text += escaped(verb.summary.description.capitalizedFirst) + ".\n" + options(verb.options)
    }
    text += """
      .SH EXIT STATUS
      .B run
      and
      .B do
      end with the status of the command, or 128 and the number of the signal that ended it;
      .B do \\-\\-timeout
      with 124 when the time was over. An error of the runtime itself is 1, or 255 from
      .B exec
      and
      .BR do .
      .SH FILES
      .TP
      .I /run/rcontainer
      state of the containers of root; of a user below
      .IR $XDG_RUNTIME_DIR/rcontainer .
      .SH SEE ALSO
      .BR podman (1),
      .BR docker (1),
      .BR seccomp (2),
      .BR namespaces (7),
      .BR cgroups (7)

      """
    return text
  }

  private static func options(_ options: [Option]) -> String {
    var text = ""
    for option in options {
      text += ".TP\n.B " + escaped(Help.label(option)) + "\n" + escaped(option.help.description) + "\n"
    }
    return text
  }

  /// Backslashes, and hyphens that are to stay what they are.
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
  }
}
