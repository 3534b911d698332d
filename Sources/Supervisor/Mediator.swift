import LinuxSystem
import ShimPolicy
import SyscallCatalogue

/// Judges the calls of one container.
final class Mediator {
  private let mediation: Supervisor.Mediation
  private let tell: Tell
  private var programs: ExecWatch?
  private var nested: NestedCalls?
  private var machine: MachineCalls?
  private let execve, execveat: Int?
  /// Places in the catalogue by number, for calls of this machine's own architecture; -1 where there is none.
  private let places: [Int16]
  private var counts = [Int](repeating: 0, count: SyscallCatalogue.count)
  private var unknown = 0
  /// Calls that were judged, and not made: as many as there are calls and errors.
  private var refused: [(index: Int, error: UInt16, count: Int)] = []

  /// ENOSYS: the call is newer than the catalogue.
  private static let unknownCall: UInt16 = 38

  init(_ mediation: Supervisor.Mediation) {
    self.mediation = mediation
    tell = Tell(container: mediation.container, lines: mediation.lines)
    if let rule = mediation.exec {
      programs = ExecWatch(judge: ProgramJudge(rule: rule, begin: mediation.begin), tell: tell)
    }
    nested = mediation.nested.map { NestedCalls($0) }
    if let figures = mediation.machine { machine = MachineCalls(figures, tell: tell) }
    var places = [Int16](repeating: -1, count: 512)
    for index in 0..<SyscallCatalogue.count {
      guard let number = SyscallCatalogue.number(at: index, on: .native), number < 512 else { continue }
      places[Int(number)] = Int16(index)
    }
    self.places = places
    execve = SyscallCatalogue.index(of: "execve")
    execveat = SyscallCatalogue.index(of: "execveat")
  }

  func handle(_ call: CallNotification, _ listener: CallListener) throws(Errno) {
    let index = place(of: call)
    if let index, programs != nil, index == execve || index == execveat, executes(index, call) {
      try programs?.begin(call, listener, isAt: index == execveat)
      return
    }
    if let index, nested?.judges(index, call) ?? false {
      try make(call, listener, index)
      return
    }
    if let index, mediation.lets(index) {
      if machine == nil { try listener.proceed(call) } else { try machine?.handle(call, listener, index) }
      return
    }
    try deny(call, listener, index)
  }

  /// A call that is made for the container, or not.
  private func make(_ call: CallNotification, _ listener: CallListener, _ index: Int) throws(Errno) {
    let begin = tell.tellsAll ? monotonicNanoseconds() : 0
    let text = tell.tellsAll ? CallText.describe(call, index) : ""
    guard let outcome = nested?.handle(call, index, listener) else { return }
    if outcome.error == 0 {
      try listener.answer(call, 0)
    } else {
      if let place = refused.firstIndex(where: { $0.index == index && $0.error == outcome.error }) {
        refused[place].count += 1
      } else {
        refused.append((index, outcome.error, 1))
      }
      try listener.refuse(call, error: outcome.error)
    }
    if !tell.tellsAll { return }
    tell.call(call, index, text, error: outcome.error, rule: outcome.reason, monotonicNanoseconds() - begin)
  }

  /// As `Supervisor.index`, for what is most of the calls without a search.
  private func place(of call: CallNotification) -> Int? {
    guard call.architecture == Architecture.native.auditValue, call.number < 512 else {
      return Supervisor.index(of: call)
    }
    let place = places[Int(call.number)]
    return place < 0 ? nil : Int(place)
  }

  /// Whether the policy lets a call that executes a program pass, but for the program.
  private func executes(_ index: Int, _ call: CallNotification) -> Bool {
    for known in mediation.programCalls where known.index == index {
      switch known.callClass {
      case .direct, .mediated(error: 0): return true
      case .mediated, .denied: return false
      case .checked(let alternatives, _):
        let arguments = call.arguments.indices.map { call.arguments[$0] }
        return alternatives.contains { $0.allSatisfy { $0.holds(arguments) } }
      }
    }
    return false
  }

  /// Something happened to a thread that is watched.
  func handle(_ thread: Int32, _ event: TraceEvent) throws(Errno) {
    if machine?.handle(thread, event) == true { return }
    try programs?.handle(thread, event)
  }

  private func deny(_ call: CallNotification, _ listener: CallListener, _ index: Int?) throws(Errno) {
    let begin = tell.tellsAll ? monotonicNanoseconds() : 0
    let error = index.map { mediation.errors[$0] } ?? Self.unknownCall
    if let index { counts[index] += 1 } else { unknown += 1 }
    // Before the answer: the caller's memory is as it was when it made the call.
    let text = tell.tellsAll ? CallText.describe(call, index) : ""
    try listener.refuse(call, error: error)
    if !tell.tellsAll { return }
    tell.call(
      call, index, text, error: error,
      rule: index.map { SyscallCatalogue.risk(at: $0) } ?? "newer than the catalogue", monotonicNanoseconds() - begin)
  }

  /// Writes the summary.
  func finish() throws(Errno) {
    guard let summary = mediation.summary else { return }
    var text = unknown > 0 ? "unknown \(Self.unknownCall) \(unknown)\n" : ""
    if let programs, programs.denied > 0 { text += "execve \(ExecWatch.refusal) \(programs.denied)\n" }
    for index in counts.indices where counts[index] > 0 {
      text += SyscallCatalogue.name(at: index) + " \(mediation.errors[index]) \(counts[index])\n"
    }
    for entry in refused { text += SyscallCatalogue.name(at: entry.index) + " \(entry.error) \(entry.count)\n" }
    try writeAll(summary, text)
  }
}
