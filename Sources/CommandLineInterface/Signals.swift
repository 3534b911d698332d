extension Quantities {
  /// A signal by number from 1 to 64, by name with or without SIG in any case, or as RTMIN+n and RTMAX-n
  /// (signal(7); the numbers are those of x86-64 and arm64).
  public static func signal(_ text: String) -> Int32? {
    if let number: UInt32 = unsigned(text) {
      return (1...64).contains(number) ? Int32(number) : nil
    }
    var name = String(
      decoding: text.utf8.map { (0x61...0x7a).contains($0) ? $0 - 0x20 : $0 }, as: UTF8.self)
    if name.utf8.starts(with: "SIG".utf8) { name = String(name.dropFirst(3)) }
    if let index = signalNames.firstIndex(of: name) { return Int32(index) + 1 }
    switch name {
    case "IOT": return 6
    case "CLD": return 17
    case "POLL": return 29
    case "RTMIN": return firstRealTime
    case "RTMAX": return lastRealTime
    default: return realTimeSignal(name)
    }
  }

  /// The names of signals 1 to 31, in order.
  static let signalNames = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]

  /// What glibc calls SIGRTMIN: it keeps 32 and 33 for threads.
  private static let firstRealTime: Int32 = 34
  private static let lastRealTime: Int32 = 64

  private static func realTimeSignal(_ name: String) -> Int32? {
    guard let offset: UInt32 = unsigned(String(name.dropFirst(6))), offset <= 30 else { return nil }
    if name.utf8.starts(with: "RTMIN+".utf8) { return firstRealTime + Int32(offset) }
    if name.utf8.starts(with: "RTMAX-".utf8) { return lastRealTime - Int32(offset) }
    return nil
  }
}
