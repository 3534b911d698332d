/// Samples of one metric, of all subjects in the same rounds; the last column is the baseline again.
struct Series: Sendable {
  /// By subject.
  var samples: [[Double]]
  var failures: [String?]

  init(columns: Int) {
    (samples, failures) = (Array(repeating: [], count: columns), Array(repeating: nil, count: columns))
  }

  /// The order of a round: each second one is the other way round, so that nobody always comes first.
  static func order(_ round: Int, columns: Int) -> [Int] {
    round % 2 == 0 ? Array(0..<columns) : Array((0..<columns).reversed())
  }

  /// The result of one column.
  func measured(_ metric: Metric, _ subject: String, column: Int) -> Measured {
    let own = samples[column]
    let median = Statistics.interval(own) ?? Interval(value: 0, low: 0, high: 0)
    func result(_ cost: Interval?, _ judgement: Measured.Judgement, _ reason: String?) -> Measured {
      Measured(
        metric: metric.id, subject: subject, samples: own, median: median, cost: cost, judgement: judgement,
        reason: reason)
    }
    if let failure = failures[column] { return result(nil, .failed, failure) }
    if own.isEmpty { return result(nil, .failed, "nothing was measured") }
    if column == 0 { return result(nil, .baseline, nil) }
    if let failure = failures[0] {
      return result(nil, .noisy, "there is no baseline to compare with: \(failure)")
    }
    let cost = Statistics.cost(own, baseline: samples[0], better: metric.better)
    let judgement = Statistics.judge(cost, pairs: min(own.count, samples[0].count))
    return result(cost, judgement, judgement == .noisy ? "the samples are too far apart to tell" : nil)
  }

  /// Cost of the baseline against itself.
  func ofItself(_ better: Metric.Better) -> Interval? {
    guard let last = samples.last, failures[0] == nil, failures[failures.count - 1] == nil else { return nil }
    return Statistics.cost(last, baseline: samples[0], better: better)
  }
}
