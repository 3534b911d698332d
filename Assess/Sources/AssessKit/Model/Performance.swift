/// What a sandbox costs: every subject against one baseline, in alternating pairs.
public struct PerformanceRecord: Codable, Sendable, Equatable {
  /// The subject that others are compared with.
  public var baseline: String
  public var metrics: [Metric]
  public var results: [Measured]
  /// How steady the machine was: the baseline against itself.
  public var noise: Noise?

  public init(baseline: String, metrics: [Metric], results: [Measured], noise: Noise? = nil) {
    (self.baseline, self.metrics, self.results, self.noise) = (baseline, metrics, results, noise)
  }
}

public struct Metric: Codable, Sendable, Equatable {
  /// `start-cold`, `call-null`, `redis-get` …
  public var id: String
  public var title: String
  /// `start`, `memory`, `calls`, `files`, `network` or `services`.
  public var group: String
  /// `ms`, `µs`, `ns`, `KiB`, `MB/s`, `requests/s` …
  public var unit: String
  public var better: Better
  /// What is measured, in a sentence.
  public var what: String

  public init(id: String, title: String, group: String, unit: String, better: Better, what: String) {
    (self.id, self.title, self.group, self.unit) = (id, title, group, unit)
    (self.better, self.what) = (better, what)
  }

  public enum Better: String, Codable, Sendable { case lower, higher }
}

/// One metric of one subject.
public struct Measured: Codable, Sendable, Equatable {
  public var metric: String
  public var subject: String
  /// In the metric's unit, in the order in which they were taken.
  public var samples: [Double]
  public var median: Interval
  /// Cost against the baseline: above 1 is worse than it, whichever direction is better for the metric. Nil for the baseline itself.
  public var cost: Interval?
  public var judgement: Judgement
  /// Why it failed or is not to be relied on.
  public var reason: String?

  public init(
    metric: String, subject: String, samples: [Double], median: Interval, cost: Interval?, judgement: Judgement,
    reason: String? = nil
  ) {
    (self.metric, self.subject, self.samples, self.median) = (metric, subject, samples, median)
    (self.cost, self.judgement, self.reason) = (cost, judgement, reason)
  }

  public enum Judgement: String, Codable, Sendable {
    case baseline, better, worse
    /// The interval of the cost holds 1.
    case noDifference = "no difference"
    /// The interval is too wide to say anything.
    case noisy
    case failed
  }
}

/// A value with its bootstrap confidence interval of 95 %.
public struct Interval: Codable, Sendable, Equatable {
  public var value: Double
  public var low: Double
  public var high: Double

  public init(value: Double, low: Double, high: Double) { (self.value, self.low, self.high) = (value, low, high) }
}

public struct Noise: Codable, Sendable, Equatable {
  /// The relative width of the baseline's interval against itself: 0.05 is 5 %.
  public var width: Double
  public var tooNoisy: Bool
  /// In a sentence.
  public var reason: String

  public init(width: Double, tooNoisy: Bool, reason: String) {
    (self.width, self.tooNoisy, self.reason) = (width, tooNoisy, reason)
  }
}
