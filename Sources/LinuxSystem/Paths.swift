/// Whether a path is `top`, or below it, going by the text: both are absolute and without `.`, `..` and a slash at the end.
public func isAtOrBelow(_ path: String, _ top: String) -> Bool {
  path == top || path.utf8.starts(with: (top + "/").utf8)
}
