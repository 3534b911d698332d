import SyscallCatalogue
import Testing

@testable import ConShimProxy

/// The proxy's own table says the same as the catalogue: a pointer that it took for a number would be an address of its
/// own memory, a descriptor that it took for a number could be its own.
@Suite struct CatalogueAgreementTests {
  /// Their arguments depend on a command, which CallTable looks at.
  static let byCommand: Set = ["fcntl", "ioctl", "prctl"]

  @Test func pointersAndDescriptorsAreThoseOfTheCatalogue() throws {
    for call in CallTable.all {
      let name = call.name.description
      #expect(SyscallCatalogue.number(name, on: .aarch64) == UInt32(call.number), "\(name)")
      let arguments = try #require(SyscallCatalogue.arguments(name, on: .aarch64), "\(name)")
      for (index, argument) in arguments.enumerated() {
        let bit: UInt8 = 1 << UInt8(index)
        if !Self.byCommand.contains(name) {
          #expect((call.pointers & bit != 0) == argument.isPointer, "\(name) \(argument.name)")
        }
        #expect((call.descriptors & bit != 0) == (argument.kind == .descriptor), "\(name) \(argument.name)")
      }
      #expect(Int(call.pointers | call.descriptors) < 1 << arguments.count, "\(name)")
    }
  }
}
