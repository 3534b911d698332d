import LinuxSystem
import OCISpec
import SeccompFilter
public func go() { var d: [String: Int] = [:]; for (i, a) in arguments().enumerated() { d[a] = i }; writeLine("hi \(d.count) \(SF.x)") }
