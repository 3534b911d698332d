import Foundation
import OCISpec
import Testing

/// What is read is what is written, field by field.
@Suite struct RoundTripTests {
  /// Foundation judges: a field that were not read, not written, or written elsewhere would be missing.
  @Test(arguments: Fixture.allCases, [false, true])
  func keepsEveryField(_ fixture: Fixture, pretty: Bool) throws {
    let bytes = try fixture.bytes()
    let written = try fixture.spec().encode(pretty: pretty)
    #expect(try tree(written) == tree(bytes))
    #expect(try Spec.decode(written, file: "written") == fixture.spec())
  }

  /// The document without one member at a time: each changes the configuration, or is demanded.
  @Test func noticesEveryField() throws {
    let document = try #require(try tree(try Fixture.complete.bytes()))
    let whole = try Spec.decode(try sorted(document), file: "whole")
    let documents = without(document)
    #expect(documents.count > 190)
    for smaller in documents {
      let bytes = try sorted(smaller)
      var spec: Spec?
      let error = failure { () throws(SpecError) in spec = try Spec.decode(bytes, file: "smaller") }
      #expect(spec != whole)
      #expect(error == nil || error?.message.hasSuffix("is missing") == true)
    }
  }

  /// With the members in one order, because the model keeps the order of maps.
  private func sorted(_ document: Any) throws -> [UInt8] {
    [UInt8](try JSONSerialization.data(withJSONObject: document, options: .sortedKeys))
  }

  /// All values that are `value` without one member, somewhere in it.
  private func without(_ value: Any) -> [Any] {
    if let object = value as? [String: Any] {
      return object.flatMap { (key, inner) -> [Any] in
        var smaller = object
        smaller[key] = nil
        return [smaller]
          + without(inner).map { changed in
            var copy = object
            copy[key] = changed
            return copy
          }
      }
    }
    if let array = value as? [Any] {
      return array.indices.flatMap { (index) -> [Any] in
        without(array[index]).map { changed in
          var copy = array
          copy[index] = changed
          return copy
        }
      }
    }
    return []
  }

  @Test func keepsTheOrderOfMaps() throws {
    let spec = try Fixture.complete.spec()
    #expect(spec.linux?.sysctl.map { $0.key } == ["net.ipv4.ip_forward", "kernel.shmmax"])
    #expect(spec.linux?.resources?.rdma.map { $0.device } == ["mlx5_1", "mlx4_0"])
    #expect(spec.linux?.netDevices.map { $0.device } == ["eth7", "eth8"])
    #expect(spec.linux?.timeOffsets.map { $0.clock } == ["monotonic", "boottime"])
  }

  @Test func writesARuleWithoutNames() throws {
    var rule = SeccompRule()
    rule.action = "SCMP_ACT_ALLOW"
    var seccomp = Seccomp()
    seccomp.defaultAction = "SCMP_ACT_ERRNO"
    seccomp.syscalls = [rule]
    var spec = Spec()
    spec.ociVersion = "1.0.0"
    spec.linux = Linux()
    spec.linux?.seccomp = seccomp
    #expect(try Spec.decode(spec.encode(), file: "written") == spec)
  }

  @Test func readsTheSectionsThatEnginesPassAlone() throws {
    let spec = try Fixture.complete.spec()
    let document = try #require(try tree(try Fixture.complete.bytes()))
    let process = try JSONSerialization.data(withJSONObject: try #require(document["process"]))
    #expect(try Process.decode([UInt8](process), file: "process.json") == spec.process)
    let linux = try #require(document["linux"] as? NSDictionary)
    let resources = try JSONSerialization.data(withJSONObject: try #require(linux["resources"]))
    // Foundation doesn't keep the order of members.
    let read = try Resources.decode([UInt8](resources), file: "-")
    #expect(read.memory == spec.linux?.resources?.memory)
    #expect(read.devices == spec.linux?.resources?.devices)
    #expect(read.rdma.count == 2 && read.unified["memory.high"] == "1000000")
  }
}
