import ContainerRuntime
import OCISpec

enum VersionVerb {
  /// The lines that engines parse: name, specification.
  static var text: String {
    "rcontainer version " + RContainer.version + "\nspec: " + State.version + "\n"
  }
}
