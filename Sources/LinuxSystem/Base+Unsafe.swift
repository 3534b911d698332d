import CLinux
public func writeLine(_ text: String) {
  var t = text + "\n"
  // SAFETY: the buffer lives for the call.
  t.withUTF8 { unsafe _ = rc_write(1, $0.baseAddress, $0.count) }
}
public func arguments() -> [String] {
  var r: [String] = []
  for i in 0..<Int(rc_argc()) { if let p = unsafe rc_argv()[i] { unsafe r.append(String(cString: p)) } }
  return r
}
