import CLinux
import CommandLineInterface
import ContainerRuntime
import LinuxSystem
import OCISpec

enum SpecVerb {
  static func run(_ context: Context) throws(RuntimeError) {
    let directory = context.options["bundle"] ?? "."
    let spec = Spec.example(
      rootless: context.options.has("rootless") ? (effectiveUser(), effectiveGroup()) : nil)
    do throws(Errno) {
      let file = try open(
        directory + "/config.json", O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
      try writeAll(file.raw, spec.encode(pretty: true) + [0x0a])
    } catch {
      throw RuntimeError(
        .configuration, "writing " + directory + "/config.json", error,
        hint: error == .exists ? "remove the old one first" : nil)
    }
  }
}
