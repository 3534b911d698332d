import LinuxSystem

/// The emulated CCA machine is the business of a tool of its own.
enum MachineVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Never {
    try Tool.become("rcontainer-machine", context.operands, hint: "`make machine` builds it, with the machine")
  }
}
