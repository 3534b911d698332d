import CLinux
import LinuxSystem
import OCISpec

/// A directory with `config.json` (bundle.md).
public enum Bundle {
  /// Reads and checks the configuration.
  /// - Parameter file: another configuration file than the one in the bundle.
  public static func load(_ path: String, file: String? = nil) throws(RuntimeError) -> Spec {
    let name = file ?? path + "/config.json"
    let bytes: [UInt8]
    do throws(Errno) {
      let opened = try open(name, O_RDONLY)
      bytes = try readAll(opened.raw, limit: 16 << 20)
    } catch {
      throw RuntimeError(
        .configuration, "reading " + name, error,
        hint: error == .noEntry ? "is --bundle right? `rcontainer spec` writes a new one" : nil)
    }
    do throws(SpecError) {
      let spec = try Spec.decode(bytes, file: name)
      try spec.validate(file: name)
      return spec
    } catch {
      throw RuntimeError(.configuration, error.description)
    }
  }

  /// `path` as an absolute path without links.
  public static func absolute(_ path: String) throws(RuntimeError) -> String {
    try at(.configuration, "bundle " + path, hint: "is --bundle right?") { () throws(Errno) in
      let directory = try open(path, O_PATH | O_DIRECTORY)
      return try readLink("/proc/self/fd/\(directory.raw)")
    }
  }
}
