import CLinux
import CommandLineInterface
import ContainerRuntime
import LayerChanges
import LinuxSystem

/// `--diff` and `--keep-changes` of `do`.
enum ChangesOption {
  /// Makes the directory for changes before the command runs: that it can't be made is no news for afterwards.
  static func prepare(_ context: Context, _ sandbox: inout SandboxOptions) throws(RuntimeError) -> Descriptor? {
    sandbox.listsChanges = context.options.has("diff")
    guard let path = context.options["keep-changes"] else { return nil }
    let directory = try at(.options, "--keep-changes " + path, hint: "name a directory that is not there yet") {
      () throws(Errno) in
      try makeDirectory(path, mode: 0o700)
      return try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }
    sandbox.keptChanges = directory.raw
    return directory
  }

  /// Takes the directory back if no command ran: it is empty then.
  static func discard(_ context: Context) {
    if let path = context.options["keep-changes"] { try? remove(path, isDirectory: true) }
  }

  /// Lists them on standard error, unless they are in the JSON result.
  static func report(_ result: SandboxResult, _ context: Context) {
    guard let list = result.changes else { return }
    if context.options.has("diff"), !context.options.has("json") {
      for change in list.changes { try? writeAll(2, change.line + "\n") }
      if list.isTruncated {
        try? writeAll(2, "rcontainer: and \(list.count - list.changes.count) more changes\n")
      }
    }
    if list.leftOut > 0 {
      let place = context.options["keep-changes"].map { "; " + $0 + "/changes.jsonl says why" } ?? ""
      try? writeAll(2, "rcontainer: \(list.leftOut) changed files were left out" + place + "\n")
    }
  }
}
