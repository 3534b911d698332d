/// The manual page in roff (man(7)), made from the tables.
public enum ManualPage {
  public static func text(version: String) -> String {
    var text = ".TH RCONTAINER 1 \"\" \"rcontainer " + version + "\" \"User Commands\"\n"
    text += head
    text += ".SH OPTIONS\n" + options(Option.global)
    text += ".SH VERBS\n"
    for verb in Verb.all {
      text += ".SS " + escaped(verb.usage) + "\n"
      text += escaped(verb.summary.capitalizedFirst) + ".\n" + options(verb.options)
    }
    return text + tail
  }

  private static let head = """
    .SH NAME
    rcontainer \\- run containers and sandboxed commands
    .SH SYNOPSIS
    .B rcontainer
    [\\fIoptions\\fR] \\fIverb\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]
    .SH DESCRIPTION
    .B rcontainer
    is a runtime of the Open Container Initiative: Podman, Docker and containerd use it in the place of
    .BR runc (8).
    .PP
    .B rcontainer do
    runs one command in a sandbox without image or bundle: the host's files are seen read\\-only below a
    throw\\-away layer, with no network but loopback, no capabilities and a seccomp filter.
    .PP
    Options are written as
    .BR \\-\\-name ,
    .BR \\-\\-name=value
    or
    .BR "\\-\\-name value" ,
    before or after the container's id.
    Of a command, every word is the command's own;
    .B \\-\\-
    ends the options before it.
    Sizes are bytes, or have one of the units k, m, g and t.
    Times have one of the units ms, s, m and h.

    """

  private static let tail = """
    .SH EXIT STATUS
    .B run
    and
    .B do
    end with the status of the command, or 128 and the number of the signal that ended it;
    .B do \\-\\-timeout
    with 124 when the time was over.
    An error of the runtime itself is 1, or 255 from
    .B exec
    and
    .BR do .
    .SH FILES
    .TP
    .I /run/rcontainer
    state of the containers of root; of a user below
    .IR $XDG_RUNTIME_DIR/rcontainer .
    .SH EXAMPLES
    .TP
    .B rcontainer do \\-\\-rw . \\-\\-timeout 10m \\-\\- make
    build in the current directory, and write nowhere else.
    .TP
    .B podman \\-\\-runtime $(command \\-v rcontainer) run \\-\\-rm \\-it debian
    run a container of Podman.
    .SH SEE ALSO
    .BR podman (1),
    .BR docker (1),
    .BR runc (8),
    .BR seccomp (2),
    .BR namespaces (7),
    .BR cgroups (7)

    """

  private static func options(_ options: [Option]) -> String {
    var text = ""
    for option in options {
      text += ".TP\n.B " + escaped(Help.label(option)) + "\n"
      text += escaped(option.help.capitalizedFirst) + ".\n"
    }
    return text
  }

  /// Backslashes, and hyphens that are to stay what they are.
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
  }
}
