import Foundation
import OCISpec

/// Documents in the folder Fixtures. `docker`, `podman` and `ctr` are what those engines wrote for a
/// container; `complete` has every field that the specification has for Linux, with a value of its own.
enum Fixture: String, CaseIterable {
  case complete, docker, podman, ctr

  var name: String { rawValue + "-config.json" }

  func bytes() throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  func spec() throws -> Spec { try Spec.decode(try bytes(), file: name) }
}

/// The document as Foundation reads it, to compare documents by content.
func tree(_ bytes: [UInt8]) throws -> NSDictionary? {
  try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary
}

/// What `body` throws.
func failure<T>(_ body: () throws(SpecError) -> T) -> SpecError? {
  do throws(SpecError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}
