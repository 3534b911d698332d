import CLinux
import LinuxSystem
import ShimPolicy
import SyscallCatalogue

/// Answers the calls of a container until it has ended.
struct Loop {
  /// What a supervisor waits for besides calls: numbers of descriptors.
  struct Ends {
    /// Of the process that watches over this one.
    let guardian: Int32
    /// Of the container's first process.
    let container: Int32
    /// Where the first filter's listener comes from.
    let control: Int32
    /// Where those of later processes come from.
    let entrance: Int32?
  }

  private enum State { case learn([Bool], result: Int32), trace(output: Int32), mediate(Mediator) }

  private var state: State
  private let ends: Ends
  private var control: Int32
  private var hasEnded = false
  private var visitors: [Int32] = []
  private var listeners: [CallListener] = []
  /// Everything but the listeners.
  private var set = PollSet()
  /// One descriptor that is ready when any of `set` is, and the listeners: a call waits for few things that way.
  private var quick = PollSet()
  private var rare: Int32 = -1

  /// Connections that have not sent anything yet.
  private static let visitorLimit = 64

  static func run(_ work: Supervisor.Work, _ ends: Ends) throws(Errno) {
    let signals = try SignalQueue()
    // Also what the clone brought: of the guardian's, this process needs no more than this.
    var kept = [0, 1, 2, signals.raw, ends.guardian, ends.container, ends.control] + work.descriptors
    if let entrance = ends.entrance { kept.append(entrance) }
    try closeAll(but: kept)
    var loop = Loop(work, ends)
    try Confinement.enter(
      Confinement.Role(
        readsMemory: work.readsMemory, judgesPrograms: work.judgesPrograms, makesCalls: work.makesCalls,
        tellsOfMachine: work.tellsOfMachine))
    try loop.serve(signals)
    try loop.finish()
  }

  private init(_ work: Supervisor.Work, _ ends: Ends) {
    switch work {
    case .learn(let result): state = .learn([Bool](repeating: false, count: SyscallCatalogue.count), result: result)
    case .trace(let output): state = .trace(output: output)
    case .mediate(let mediation): state = .mediate(Mediator(mediation))
    }
    self.ends = ends
    control = ends.control
  }

  /// Places in the set before the visitors and listeners.
  private enum Place { static let signals = 0, guardian = 1, container = 2, control = 3, entrance = 4, others = 5 }

  private mutating func fill(_ signals: Int32) throws(Errno) {
    set.removeAll()
    set.append(signals)
    set.append(ends.guardian)
    set.append(hasEnded ? -1 : ends.container)
    set.append(control)
    set.append(visitors.count < Self.visitorLimit ? ends.entrance ?? -1 : -1)
    for visitor in visitors { set.append(visitor) }
    if rare >= 0 { _ = rc_close(rare) }
    rare = try set.together().release()
    quick.removeAll()
    quick.append(rare)
    for listener in listeners { quick.append(listener.raw) }
  }

  private mutating func serve(_ queue: borrowing SignalQueue) throws(Errno) {
    try fill(queue.raw)
    // Without a listener nothing more can come once the container, or who would send one, is gone.
    while !(hasEnded && listeners.isEmpty) {
      try quick.wait()
      let isRare = quick.isReady(0)
      var isNew = false
      for place in 1..<quick.count {
        let listener = listeners[place - 1]
        if quick.isReadable(place) {
          if let call = try listener.next() { try handle(call, listener) }
        } else if quick.isReady(place) {
          // No process has this filter any more.
          isNew = true
          _ = rc_close(listener.raw)
          listeners[place - 1] = .none
        }
      }
      if isRare, try attend(queue) { isNew = true }
      if isNew {
        listeners.removeAll { $0 == .none }
        visitors.removeAll { $0 < 0 }
        try fill(queue.raw)
      }
    }
  }

  /// What is not a call; true if other things have to be waited for now.
  private mutating func attend(_ queue: borrowing SignalQueue) throws(Errno) -> Bool {
    try set.wait(timeout: 0)
    var isNew = false
    if set.isReady(Place.signals) { try drain(queue) }
    if set.isReady(Place.guardian) {
      try? sendSignal(SIGKILL, toProcess: ends.container)
      exitNow(1)
    }
    if set.isReady(Place.container) { (hasEnded, isNew) = (true, true) }
    if set.isReady(Place.control) {
      isNew = true
      if !admit(from: control) { control = -1 }
    }
    for place in Place.others..<set.count where set.isReady(place) {
      isNew = true
      let visitor = visitors[place - Place.others]
      _ = admit(from: visitor)
      visitors[place - Place.others] = -1
      _ = rc_close(visitor)
    }
    if set.isReady(Place.entrance), let entrance = ends.entrance, let visitor = try? acceptConnection(entrance) {
      isNew = true
      visitors.append(visitor.release())
    }
    return isNew
  }

  /// Takes a listener that was sent; false if nothing more will come.
  private mutating func admit(from socket: Int32) -> Bool {
    guard let message = try? receive(socket) else { return false }
    if let descriptor = message.descriptor { listeners.append(CallListener(descriptor)) }
    return true
  }

  /// What happened to watched threads. All signals are blocked; but for SIGCHLD none matters.
  private mutating func drain(_ queue: borrowing SignalQueue) throws(Errno) {
    while try queue.next() != nil {}
    while true {
      do throws(Errno) {
        guard let (thread, event) = try nextTraceEvent() else { return }
        if case .mediate(let mediator) = state { try mediator.handle(thread, event) }
      } catch  where error == .noChild { return }
    }
  }

  private mutating func handle(_ call: CallNotification, _ listener: CallListener) throws(Errno) {
    switch state {
    case .learn(var seen, let result):
      if let index = Supervisor.index(of: call), !seen[index] {
        seen[index] = true
        state = .learn(seen, result: result)
      }
      try listener.proceed(call)
    case .trace(let output):
      let line = String(call.pid) + " " + CallText.describe(call, Supervisor.index(of: call)) + "\n"
      try? writeAll(output, line)
      try listener.proceed(call)
    case .mediate(let mediator): try mediator.handle(call, listener)
    }
  }

  private func finish() throws(Errno) {
    switch state {
    case .learn(let seen, let result):
      var text = ""
      for index in seen.indices where seen[index] { text += SyscallCatalogue.name(at: index) + "\n" }
      try writeAll(result, text)
    case .trace: break
    case .mediate(let mediator): try mediator.finish()
    }
  }
}
