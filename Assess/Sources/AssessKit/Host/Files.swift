import Foundation

extension System {
  /// What a file holds; nothing if it can't be read.
  static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
