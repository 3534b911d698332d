import LinuxSystem

/// Assessing runtimes is the business of a tool of its own, which treats this one as it treats others.
enum AssessVerb {
  static func run(_ context: Context) throws(RuntimeError) -> Never {
    try Tool.become("rcontainer-assess", context.operands, hint: "`make assess` builds it")
  }
}
