import CLinux
import Cgroups
import LinuxSystem
import OCISpec

/// `create`: everything of a container but the start of its process.
public enum Create {
  /// - Returns: what `run` goes on with.
  static func launch(
    id: String, spec: Spec, bundle: String, options: LaunchOptions, store: borrowing StateStore,
    log: Log
  ) throws(RuntimeError) -> LaunchedContainer {
    try checkPreserved(options.preservedDescriptors)
    var (spec, options) = (spec, options)
    options.mayAnswerCalls =
      options.policy != nil || spec.annotations.value(of: PolicyStage.annotation) != nil
    if let policy = PolicyStage.name(for: spec, preferred: options.policy) {
      // So `state` tells of it, and `exec` finds it.
      spec.annotations.removeAll { $0.key == PolicyStage.annotation }
      spec.annotations.append(StringPair(PolicyStage.annotation, policy))
    }
    for (name, value) in options.annotations where spec.annotations.value(of: name) == nil {
      spec.annotations.append(StringPair(name, value))
    }
    let rootfs = try rootfsPath(spec, bundle, options)
    let directory = try store.claim(id)
    try directory.lock()
    var record = ContainerRecord(
      id: id, bundle: bundle, rootfs: rootfs, created: timestamp(), annotations: spec.annotations,
      owner: effectiveUser(),
      namespaces: (spec.linux?.namespaces ?? []).map { Namespaces.file($0.type) },
      ociVersion: spec.ociVersion)
    record.hasPoststart = !(spec.hooks?.poststart.isEmpty ?? true)
    record.hasPoststop = !(spec.hooks?.poststop.isEmpty ?? true)
    do throws(RuntimeError) {
      if let plan = try EgressStage.plan(spec, id: id, log: log) {
        try EgressStage.write(plan, in: directory.raw)
        spec = try EgressStage.confined(spec, file: store.path + "/" + id + "/resolv.conf")
        options.containerEgress = plan
      }
    } catch {
      try? store.remove(directory)
      throw error
    }
    var stage = RuntimeStage(
      spec: spec, options: options, container: directory, log: log, record: record)
    do throws(RuntimeError) {
      let launched = try stage.launch()
      stage.container.unlock()
      return LaunchedContainer(process: launched, stage: stage)
    } catch {
      try? store.remove(stage.container)
      throw error
    }
  }

  public static func run(
    id: String, bundle: String, configuration: String?, options: LaunchOptions,
    store: borrowing StateStore, log: Log
  ) throws(RuntimeError) {
    let path = try Bundle.absolute(bundle)
    let spec = try Bundle.load(path, file: configuration)
    try checkTerminal(spec, options)
    _ = try launch(
      id: id, spec: spec, bundle: path, options: options, store: store, log: log)
  }

  /// A terminal needs somebody who takes its other side.
  static func checkTerminal(_ spec: Spec, _ options: LaunchOptions) throws(RuntimeError) {
    let wants = spec.process?.terminal ?? false
    if wants && options.consoleSocket == nil {
      throw RuntimeError(
        .console, "cannot allocate a terminal without a console socket",
        hint: "give --console-socket, or set process.terminal to false")
    }
    if !wants, options.consoleSocket != nil {
      throw RuntimeError(
        .console, "a console socket is of no use without a terminal",
        hint: "set process.terminal, or leave --console-socket out")
    }
  }

  private static func checkPreserved(_ count: Int) throws(RuntimeError) {
    for number in 0..<Int32(clamping: max(0, count)) where !isOpen(3 + number) {
      throw RuntimeError(
        .options, "--preserve-fds \(count): descriptor \(3 + number) is not open")
    }
  }

  private static func rootfsPath(_ spec: Spec, _ bundle: String, _ options: LaunchOptions)
    throws(RuntimeError) -> String
  {
    guard options.rootfs == nil else { return "/" }
    guard let path = spec.root?.path, !path.isEmpty else {
      throw RuntimeError(.configuration, "root.path is missing")
    }
    return path.utf8.first == 0x2f ? path : bundle + "/" + path
  }
}

/// A container that was launched by this process.
struct LaunchedContainer: ~Copyable {
  var process: Launched
  var stage: RuntimeStage
}
