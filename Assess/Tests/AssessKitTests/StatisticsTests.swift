import Foundation
import Testing

@testable import AssessKit

@Suite struct StatisticsTests {
  /// Standard normal values, by Box and Muller.
  struct Normal {
    var generator: SplitMix64
    init(seed: UInt64) { generator = SplitMix64(seed: seed) }
    mutating func next() -> Double {
      let first = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &generator)
      let second = Double.random(in: 0..<1, using: &generator)
      return (-2 * log(first)).squareRoot() * cos(2 * .pi * second)
    }
  }

  @Test func medianOfOddEvenAndNoSamples() {
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.median([.nan, 7, .infinity]) == 7)
  }

  @Test func theSameSamplesGiveTheSameInterval() {
    let samples = (0..<30).map { Double($0 * 7919 % 31) }
    #expect(Statistics.interval(samples) == Statistics.interval(samples))
    #expect(Statistics.interval(samples, seed: 2)?.value == Statistics.interval(samples)?.value)
  }

  @Test func equalSamplesHaveNoWidth() throws {
    let interval = try #require(Statistics.interval([5, 5, 5, 5]))
    #expect(interval == Interval(value: 5, low: 5, high: 5))
  }

  /// The interval has to hold the true median about 95 times in 100.
  @Test func intervalsCoverTheTrueMedian() throws {
    var normal = Normal(seed: 42)
    var held = 0
    for round in 0..<300 {
      let samples = (0..<25).map { _ in 10 + normal.next() }
      let interval = try #require(Statistics.interval(samples, seed: UInt64(round)))
      if interval.low <= 10, 10 <= interval.high { held += 1 }
    }
    #expect((270...298).contains(held), "\(held) of 300")
  }

  /// A lognormal distribution is skewed: its median is exp(μ), its mean is not.
  @Test func intervalIsOfTheMedianNotTheMean() throws {
    var normal = Normal(seed: 7)
    let samples = (0..<2000).map { _ in exp(normal.next()) }
    let interval = try #require(Statistics.interval(samples))
    #expect(interval.low < 1 && 1 < interval.high)
    #expect(interval.high < 1.2)
  }

  @Test func moreSamplesNarrowTheInterval() throws {
    var normal = Normal(seed: 3)
    let samples = (0..<400).map { _ in 100 + normal.next() }
    let few = try #require(Statistics.interval(Array(samples.prefix(16))))
    let many = try #require(Statistics.interval(samples))
    #expect(many.high - many.low < (few.high - few.low) / 2)
  }

  /// The machine slows down to a third while measuring; the pairs do not see it.
  @Test func pairsCancelDrift() throws {
    var normal = Normal(seed: 11)
    let baseline = (0..<30).map { 10 + Double($0) + 0.05 * normal.next() }
    let samples = baseline.map { $0 * 1.1 + 0.05 * normal.next() }
    let cost = try #require(Statistics.cost(samples, baseline: baseline, better: .lower))
    #expect(abs(cost.value - 1.1) < 0.01)
    #expect(cost.low > 1.08 && cost.high < 1.12)
    let unpaired = try #require(Statistics.cost(samples.dropLast(), baseline: baseline, better: .lower))
    #expect(unpaired.high - unpaired.low > 0.2)
  }

  @Test func higherIsBetterInverts() throws {
    let cost = try #require(
      Statistics.cost([50, 50, 50, 50, 50, 50], baseline: [100, 100, 100, 100, 100, 100], better: .higher))
    #expect(cost.value == 2)
    #expect(Statistics.judge(cost) == .worse)
  }

  @Test func pairsWithoutARatioAreLeftOut() throws {
    let cost = try #require(Statistics.cost([2, 0, 4, .nan], baseline: [1, 1, 2, 1], better: .lower))
    #expect(cost.value == 2)
    #expect(Statistics.cost([0, 0], baseline: [1, 1], better: .lower) == nil)
    #expect(Statistics.cost([], baseline: [1], better: .lower) == nil)
  }

  @Test func judgements() {
    func judge(_ low: Double, _ high: Double, pairs: Int = 20) -> Measured.Judgement {
      Statistics.judge(Interval(value: (low + high) / 2, low: low, high: high), pairs: pairs)
    }
    #expect(judge(1.01, 1.02) == .worse)
    #expect(judge(1.5, 4) == .worse)
    #expect(judge(0.9, 0.99) == .better)
    #expect(judge(0.97, 1.02) == .noDifference)
    #expect(judge(0.7, 1.6) == .noisy)
    #expect(judge(1.5, 1.6, pairs: 5) == .noisy)
    #expect(Statistics.judge(nil) == .failed)
  }

  /// Without a difference, about one interval in twenty leaves 1 out.
  @Test func equalSubjectsAreRarelyJudgedDifferent() {
    var normal = Normal(seed: 5)
    var different = 0
    for _ in 0..<200 {
      let first = (0..<20).map { _ in 10 + 0.2 * normal.next() }
      let second = (0..<20).map { _ in 10 + 0.2 * normal.next() }
      let judgement = Statistics.judge(Statistics.cost(first, baseline: second, better: .lower), pairs: 20)
      if judgement == .better || judgement == .worse { different += 1 }
    }
    #expect(different < 25, "\(different) of 200")
  }

  @Test func geometricMeanOfCosts() throws {
    let exact = [2.0, 8.0].map { Interval(value: $0, low: $0, high: $0) }
    let mean = try #require(Statistics.geometricMean(exact))
    #expect(abs(mean.value - 4) < 1e-12 && abs(mean.low - 4) < 1e-12 && abs(mean.high - 4) < 1e-12)
    // Of four equal uncertainties half remains, on the scale of logarithms.
    let wide = [Interval](repeating: Interval(value: 1, low: exp(-0.2), high: exp(0.2)), count: 4)
    let narrowed = try #require(Statistics.geometricMean(wide))
    #expect(abs(log(narrowed.high) - 0.1) < 1e-12 && abs(log(narrowed.low) + 0.1) < 1e-12)
    #expect(Statistics.geometricMean([]) == nil)
  }

  @Test func noiseOfTheMachine() throws {
    let steady = try #require(
      Statistics.noise([Interval(value: 1, low: 0.99, high: 1.01), Interval(value: 1, low: 0.98, high: 1.02)]))
    #expect(!steady.tooNoisy && abs(steady.width - 0.03) < 1e-9)
    let wide = try #require(Statistics.noise([Interval(value: 1, low: 0.8, high: 1.2)]))
    #expect(wide.tooNoisy && wide.reason.contains("too noisy"))
    let drifting = [Interval](repeating: Interval(value: 1.05, low: 1.04, high: 1.06), count: 3)
    #expect(try #require(Statistics.noise(drifting)).tooNoisy)
    #expect(Statistics.noise([]) == nil)
  }
}
