import CLinux
import ConShimProxy
import LinuxSystem
import OCISpec

/// The con-shim that a container is in.
public enum ConShim: String, CaseIterable, Sendable {
  /// Namespaces, cgroups, seccomp: the container's processes run on this kernel.
  case software
  /// Arm CCA besides: they run in memory that this kernel cannot reach, and it sees proxies of them.
  case cca

  /// Where a configuration says which.
  public static let annotation = "org.rcontainer.shim"

  init(_ annotations: [StringPair]) throws(RuntimeError) {
    let name = annotations.value(of: Self.annotation) ?? ConShim.software.rawValue
    guard let kind = ConShim(rawValue: name) else {
      throw RuntimeError(
        .configuration, "annotation " + Self.annotation + ": \"" + name + "\" is unknown",
        hint: "use software or cca")
    }
    self = kind
  }
}

/// How a process becomes the proxy of one in a CCA con-shim, instead of executing the program itself.
enum ConShimStage {
  /// Opens the device while the host's files are in sight.
  /// - Returns: nil for a software con-shim. The descriptor is close-on-exec.
  static func openDevice(_ annotations: [StringPair]) throws(RuntimeError) -> Int32? {
    guard try ConShim(annotations) == .cca else { return nil }
    do throws(ProxyError) { return try ConShimDevice.open() } catch { throw runtimeError(error) }
  }

  /// What is execve(2) for other containers. The con-shim is made before the filter, so that what the proxy needs of
  /// the kernel from then on is what any program does.
  static func become(
    _ stage: ProcessStage, _ path: String, device: Int32, preservedDescriptors: Int
  ) throws(RuntimeError) -> Never {
    let process = stage.process
    let proxy: ConShimProxy
    do throws(ProxyError) {
      proxy = try ConShimProxy(
        device: device, path: path, arguments: process.args, environment: process.env,
        filterLetsDriverCalls: stage.filter?.letsDriverCalls ?? true)
    } catch { throw runtimeError(error) }
    try stage.installFilter()
    // As after execve: what runs here now has nothing to hide from its own user, and no descriptors of the runtime.
    _ = try? processControl(PR_SET_DUMPABLE, 1)
    try at(.process, "closing descriptors") { () throws(Errno) in
      try closeAll(but: Array(0..<Int32(3 + preservedDescriptors)) + [device])
    }
    proxy.run()
  }

  private static func runtimeError(_ error: ProxyError) -> RuntimeError {
    RuntimeError(.execution, error.message, hint: error.hint)
  }
}
