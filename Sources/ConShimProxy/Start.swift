import ShimABI

/// What a con-shim executes first.
struct Program {
  let path: String
  let arguments: [String]
  let environment: [String]
  /// Signals that this process ignores, and those that it blocks: bit n-1 for signal n.
  let ignored: UInt64
  let blocked: UInt64

  /// As ``ProxyCall/start`` wants it, or nil if it is too long for the exchange buffer.
  func encoded() -> [UInt8]? {
    var strings: [UInt8] = []
    for text in [path] + arguments + environment {
      strings += Array(text.utf8)
      strings.append(0)
    }
    var result: [UInt8] = []
    result.reserveCapacity(40 + strings.count)
    let numbers = [
      UInt64(arguments.count), UInt64(environment.count), UInt64(strings.count), ignored, blocked,
    ]
    for number in numbers {
      for shift in 0..<8 { result.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }
    result += strings
    return result.count <= Exchange.size - Exchange.data ? result : nil
  }
}
