import Testing

@testable import MiniOSKernel

@Test func unknownCallsHaveNoShape() {
  #expect(Shape.of(999).map { _ in true } == nil)
}
