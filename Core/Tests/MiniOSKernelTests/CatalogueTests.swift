import SyscallCatalogue
import Testing

@testable import MiniOSKernel

/// The shapes that the marshaller works by say the same as the catalogue, which has them for everybody.
@Suite struct CatalogueAgreementTests {
  @Test func shapesAreWhatTheCatalogueSays() throws {
    var compared = 0
    for number in 0..<512 as Range<UInt64> {
      guard let shape = Shape.of(number) else { continue }
      let name = try #require(SyscallCatalogue.name(UInt32(number), on: .aarch64), "\(number)")
      let arguments = try #require(SyscallCatalogue.arguments(name, on: .aarch64), "\(name)")
      compared += 1
      if shape.scalarCount >= 0 {
        #expect(arguments.count == Int(shape.scalarCount), "\(name)")
        #expect(arguments.allSatisfy { !$0.isPointer }, "\(name)")
        continue
      }
      for index in 0..<6 {
        let described = index < arguments.count ? arguments[index].kind : nil
        #expect(agrees(shape[index], described), "\(name), argument \(index): \(shape[index]), \(described as Any)")
      }
    }
    #expect(compared > 140)
  }

  private func agrees(_ argument: Argument, _ kind: SyscallArgument.Kind?) -> Bool {
    switch (argument.kind, kind) {
    // A register that the host need not see.
    case (.none, nil), (.none, .address): true
    case (.scalar, .number), (.scalar, .descriptor), (.path, .path), (.sized, .sized), (.scalar, .length), (.set, .set):
      true
    case (.input, .input(let extent)), (.output, .output(let extent)), (.both, .both(let extent)):
      extent == .counted(argument: argument.counter, unit: Int(argument.unit))
    case (.fixedIn, .input(let extent)), (.fixedOut, .output(let extent)), (.fixedBoth, .both(let extent)):
      switch extent {
      case .bytes(let bytes): bytes == Int(argument.size)
      // A signal mask, whose size Linux wants to be 8.
      case .counted(_, let unit): unit == 1 && argument.size == 8
      }
    default: false
    }
  }
}
