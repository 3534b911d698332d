import Foundation

/// Figures with the interval that repeating the measurement would explain.
///
/// Intervals are percentile bootstrap intervals of 95 % (Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 13) of
/// medians. The bias correction of BCa is not used: it needs the jackknife, which does not work for medians (the same, chapter 10).
/// The generator has a fixed seed, so that the same samples always give the same interval.
public enum Statistics {
  public static let resamples = 4000
  /// Below this number of samples no interval of a median covers 95 %: the range of five covers 1 − 2 · 2⁻⁵ = 93.75 %.
  public static let minimumSamples = 6
  /// An interval that holds 1 and whose ends are further apart than this factor tells nothing.
  public static let widestTelling = 1.25
  /// A baseline whose interval against itself is relatively wider than this makes comparisons doubtful.
  public static let tolerableNoise = 0.10

  /// Nil without samples. The mean of the two middle ones if their number is even.
  public static func median(_ samples: [Double]) -> Double? {
    let sorted = samples.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The median and its interval; nil without samples. Samples that are no finite numbers are left out.
  public static func interval(_ samples: [Double], seed: UInt64 = 1) -> Interval? {
    let sorted = samples.filter(\.isFinite).sorted()
    guard let value = median(sorted) else { return nil }
    var generator = SplitMix64(seed: seed)
    var counts = [Int](repeating: 0, count: sorted.count)
    var medians = [Double]()
    medians.reserveCapacity(resamples)
    for _ in 0..<resamples { medians.append(resampledMedian(of: sorted, counts: &counts, using: &generator)) }
    return interval(of: value, resampled: medians)
  }

  /// Cost of a subject against the baseline: above 1 is worse, whichever direction is better.
  ///
  /// As many samples as the baseline has are taken as alternating pairs, in their order: the cost is the median of the pairs' ratios, which a
  /// drift of the machine does not touch. Otherwise it is the ratio of the medians, and both sides are resampled on their own. Pairs
  /// with a value that is not positive have no ratio and are left out; nil if nothing remains.
  public static func cost(
    _ samples: [Double], baseline: [Double], better: Metric.Better, seed: UInt64 = 1
  ) -> Interval? {
    func usable(_ value: Double) -> Bool { value.isFinite && value > 0 }
    func ratio(_ value: Double, _ reference: Double) -> Double {
      better == .lower ? value / reference : reference / value
    }
    if samples.count == baseline.count {
      let ratios = zip(samples, baseline).filter { usable($0) && usable($1) }.map { ratio($0, $1) }
      return interval(ratios, seed: seed)
    }
    let own = samples.filter(usable).sorted()
    let others = baseline.filter(usable).sorted()
    guard let ownMedian = median(own), let othersMedian = median(others) else { return nil }
    var generator = SplitMix64(seed: seed)
    var ownCounts = [Int](repeating: 0, count: own.count)
    var othersCounts = [Int](repeating: 0, count: others.count)
    var ratios = [Double]()
    ratios.reserveCapacity(resamples)
    for _ in 0..<resamples {
      let value = resampledMedian(of: own, counts: &ownCounts, using: &generator)
      let reference = resampledMedian(of: others, counts: &othersCounts, using: &generator)
      ratios.append(ratio(value, reference))
    }
    return interval(of: ratio(ownMedian, othersMedian), resampled: ratios)
  }

  /// What a cost says. `pairs` is the number of samples that it was made from.
  ///
  /// An interval that leaves 1 out says better or worse. One that holds 1 says that no difference was found if it is narrow, and
  /// nothing if it is wide. Too few pairs say nothing.
  public static func judge(_ cost: Interval?, pairs: Int = minimumSamples) -> Measured.Judgement {
    guard let cost else { return .failed }
    if pairs < minimumSamples || !(cost.low > 0) { return .noisy }
    if cost.low > 1 { return .worse }
    if cost.high < 1 { return .better }
    return cost.high / cost.low <= widestTelling ? .noDifference : .noisy
  }

  /// The geometric mean of costs; nil without any. Its interval adds the costs' own uncertainties as independent ones, on the scale of logarithms:
  /// it says how well these metrics were measured, and not what other metrics would give.
  public static func geometricMean(_ costs: [Interval]) -> Interval? {
    let usable = costs.filter { $0.low > 0 && $0.value > 0 && $0.high.isFinite }
    guard !usable.isEmpty else { return nil }
    let count = Double(usable.count)
    let mean = usable.reduce(0) { $0 + log($1.value) } / count
    func spread(_ distance: (Interval) -> Double) -> Double {
      usable.reduce(0) { $0 + distance($1) * distance($1) }.squareRoot() / count
    }
    let below = spread { log($0.value) - log($0.low) }
    let above = spread { log($0.high) - log($0.value) }
    return Interval(value: exp(mean), low: exp(mean - below), high: exp(mean + above))
  }

  /// How steady the machine was, from costs of the baseline against itself, one per metric; nil without any.
  public static func noise(_ selfCosts: [Interval]) -> Noise? {
    guard let width = median(selfCosts.map { ($0.high - $0.low) / $0.value }) else { return nil }
    let outside = selfCosts.filter { $0.low > 1 || $0.high < 1 }.count
    let wide = width > tolerableNoise
    // By chance it is one in twenty.
    let unsteady = outside > 1 && outside * 5 > selfCosts.count
    var reason =
      "The baseline against itself has an interval \(percent(width)) wide (median of \(selfCosts.count) metrics)"
    reason += ", and \(outside) of \(selfCosts.count) intervals leave 1 out, where one in twenty is expected by chance"
    if wide || unsteady { reason += ": the machine was too noisy for small differences" }
    return Noise(width: width, tooNoisy: wide || unsteady, reason: reason + ".")
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

  /// The 2.5th and the 97.5th percentile of what resampling gave, widened to hold the value itself.
  private static func interval(of value: Double, resampled: [Double]) -> Interval {
    let sorted = resampled.sorted()
    func percentile(_ share: Double) -> Double {
      let position = share * Double(sorted.count - 1)
      let below = Int(position)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
    }
    return Interval(value: value, low: min(value, percentile(0.025)), high: max(value, percentile(0.975)))
  }

  /// The median of as many values, drawn with replacement. Counting draws spares sorting them.
  private static func resampledMedian(
    of sorted: [Double], counts: inout [Int], using generator: inout SplitMix64
  ) -> Double {
    let count = sorted.count
    for index in 0..<count { counts[index] = 0 }
    for _ in 0..<count { counts[Int(generator.next(upperBound: UInt64(count)))] += 1 }
    let upper = count / 2
    let lower = count % 2 == 1 ? upper : upper - 1
    var seen = 0
    var low = 0.0
    var hasLow = false
    for index in 0..<count {
      seen += counts[index]
      if !hasLow, seen > lower {
        low = sorted[index]
        hasLow = true
      }
      if seen > upper { return (low + sorted[index]) / 2 }
    }
    return low
  }
}

/// The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014): small, and the same everywhere.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
