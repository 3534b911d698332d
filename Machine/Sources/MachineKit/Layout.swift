import Foundation

/// Where things lie. Everything is below the project's build directory.
public struct Layout: Sendable {
  public let build: URL

  public init(build: URL) { self.build = build.standardizedFileURL }

  /// The directory of the executable if it is a build directory, otherwise `build` in the working directory.
  public static func standard() -> Layout {
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let directory = executable.deletingLastPathComponent()
    if directory.lastPathComponent == "build" { return Layout(build: directory) }
    return Layout(build: URL(fileURLWithPath: "build"))
  }

  public var machine: URL { build.appending(path: "machine") }
  public var packages: URL { machine.appending(path: "packages") }
  public var unpacked: URL { machine.appending(path: "unpacked") }
  public var image: URL { machine.appending(path: "Image") }
  public var headers: URL { machine.appending(path: "headers") }
  public var busybox: URL { machine.appending(path: "busybox") }
  public var initramfs: URL { machine.appending(path: "initramfs.cpio") }
  public var compressedInitramfs: URL { machine.appending(path: "initramfs.cpio.gz") }
  public var guest: URL { machine.appending(path: "guest") }
  public var defaultState: URL { machine.appending(path: "run") }
  public var firmware: URL { build.appending(path: "firmware/monitor.bin") }
  public var runtime: URL { build.appending(path: "arm64/rcontainer") }
  public var driver: URL { build.appending(path: "driver/conshim.ko") }
  public var overlay: URL { build.appending(path: "cca/root") }

  public func deviceTree(cpus: Int) -> URL { machine.appending(path: "machine-\(cpus).dtb") }
}

extension URL {
  /// The path without a trailing slash, as programs expect it.
  var plainPath: String {
    let path = path(percentEncoded: false)
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  var exists: Bool { FileManager.default.fileExists(atPath: plainPath) }
}
