import CConShim
import ConShimProxy

/// `conshim-run PROGRAM [ARGUMENT…]`: the proxy alone, without a container around it. For bringing up machines.
@main
struct Main {
  static func main() {
    // SAFETY: the constructor kept pointers to strings that live as long as the process.
    let words = (0..<cs_argument_count()).map { unsafe String(cString: cs_argument($0)) }
    let environment = (0..<cs_environment_count()).map { unsafe String(cString: cs_environment($0)) }
    guard words.count > 1 else { end("usage: conshim-run PROGRAM [ARGUMENT...]") }
    do throws(ProxyError) {
      let device = try ConShimDevice.open()
      let proxy = try ConShimProxy(
        device: device, path: words[1], arguments: Array(words.dropFirst()), environment: environment,
        filterLetsDriverCalls: true)
      proxy.run()
    } catch {
      end("conshim-run: " + error.message + (error.hint.map { " (" + $0 + ")" } ?? ""))
    }
  }

  private static func end(_ message: String) -> Never {
    let bytes = Array((message + "\n").utf8)
    // SAFETY: the array lives for the call, with its own count.
    unsafe bytes.withUnsafeBytes { unsafeBytes in
      guard let start = unsafeBytes.baseAddress else { return }
      unsafe cs_write_line(start.assumingMemoryBound(to: CChar.self), unsafeBytes.count)
    }
    cs_exit(1)
  }
}
