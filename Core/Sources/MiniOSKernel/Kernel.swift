import ShimABI

/// The kernel as one thread sees it. All state is in granules; this names where.
public struct Kernel<P: Platform> {
  let platform: P
  let task: Ref<TaskData>

  @inline(__always)
  public init(platform: P, task: Ref<TaskData>) {
    self.platform = platform
    self.task = task
  }

  @inline(__always)
  var memory: Memory { platform.memory }
  @inline(__always)
  var shared: Ref<SharedState> { memory.reference(task.value.shared) }
  /// What the task's process has: it is in the task of the first thread.
  @inline(__always)
  var process: Ref<TaskData> { memory.reference(task.value.leader) }
  @inline(__always)
  var frame: Ref<TrapFrame> { memory.reference(task.value.frame) }
  @inline(__always)
  var space: Ref<SpaceData> { memory.reference(process.value.space) }

  /// A word of the exchange buffer's header. The host may change it at any time: read each once.
  @inline(__always)
  func header(_ offset: Int) -> UInt64 {
    platform.memory.load(task.value.exchange &+ UInt64(offset))
  }
  @inline(__always)
  func setHeader(_ offset: Int, _ value: UInt64) {
    platform.memory.store(value, at: task.value.exchange &+ UInt64(offset))
  }
}
