import Foundation
import Glibc

/// Makes everything that a machine needs; what is up to date stays.
public struct Builder {
  let layout: Layout
  let say: (String) -> Void

  public init(layout: Layout, say: @escaping (String) -> Void) {
    self.layout = layout
    self.say = say
  }

  /// `again`: fetch the packages again, in case there are newer ones.
  public func build(again: Bool = false) throws {
    try FileManager.default.createDirectory(at: layout.machine, withIntermediateDirectories: true)
    // Two at a time would write the same files.
    let lock = try System.openLock(layout.machine.appending(path: "lock").plainPath)
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 && errno == EINTR {}
    try Packages(layout: layout, say: say).fetch(again: again)
    let trees = [1, 2].filter { again || !layout.deviceTree(cpus: $0).exists }
    for cpus in trees { try DeviceTree(layout: layout).build(cpus: cpus) }
    if try Initramfs(layout: layout).build() { say("built \(layout.initramfs.plainPath)") }
  }
}
