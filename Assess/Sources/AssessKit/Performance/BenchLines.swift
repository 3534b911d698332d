import Foundation
import Histogram

/// What the payloads `bench` and `service` say. Their words come out of a container, so they are held to what was asked for.
struct BenchLines: Equatable {
  /// By name: of calls, picoseconds of one call per batch; of others, one rate.
  private(set) var values: [String: [Double]] = [:]
  /// By name: why there are none.
  private(set) var failures: [String: String] = [:]

  private static let mostValues = 400
  private static let longestReason = 200

  /// - Parameter names: what may be told.
  /// - Throws: `AssessError` with the line that is not as it should be.
  init(_ output: String, names: Set<String>) throws {
    for line in output.split(separator: "\n") {
      let failed = line.hasPrefix("BENCH-FAILED ")
      guard failed || line.hasPrefix("BENCH ") else { continue }
      let words = line.split(separator: " ")
      guard words.count > 2, names.contains(String(words[1])), values[String(words[1])] == nil else {
        throw Self.odd(line)
      }
      let name = String(words[1])
      if failed {
        failures[name] = String(words[2...].joined(separator: " ").filter { $0.isASCII }.prefix(Self.longestReason))
        continue
      }
      let numbers = words[2...].compactMap { Double($0) }
      guard numbers.count == words.count - 2, numbers.count <= Self.mostValues,
        numbers.allSatisfy({ $0 > 0 && $0 < 1e15 })
      else { throw Self.odd(line) }
      values[name] = numbers
    }
  }

  private static func odd(_ line: Substring) -> AssessError {
    AssessError("the payload says of its measurement \"\(line.prefix(100))\", which nobody asked for")
  }

  /// Median and 99th percentile of picoseconds, in nanoseconds; nil without values.
  static func latencies(_ picoseconds: [Double]) -> (median: Double, p99: Double)? {
    guard !picoseconds.isEmpty else { return nil }
    var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    for value in picoseconds { _ = histogram.record(UInt64(value)) }
    return (Double(histogram.valueAtPercentile(50)) / 1000, Double(histogram.valueAtPercentile(99)) / 1000)
  }
}

/// What the payload `stopwatch` says.
struct StopwatchLine: Equatable {
  var nanoseconds: Double
  /// The largest resident set, in KiB.
  var resident: Double

  /// - Throws: `AssessError` if there is no time.
  init(_ outcome: Outcome) throws {
    for line in outcome.output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 3, words[0] == "STOPWATCH", let time = Double(words[1]), let size = Double(words[2]), time > 0 {
        (nanoseconds, resident) = (time, size)
        return
      }
    }
    throw AssessError("it did not start: \(outcome.lastLine)")
  }
}
