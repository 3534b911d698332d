/// What somebody may have meant.
enum Suggestion {
  /// The word that is nearest to a mistyped one, if any is near.
  static func nearest(to word: String, in words: [String]) -> String? {
    // A word of three letters with two of them changed is another word.
    let limit = word.utf8.count <= 3 ? 1 : 2
    var best: (word: String, distance: Int)? = nil
    for candidate in words {
      let distance = distance(candidate, word)
      if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.word
  }

  /// The same for an option, as a hint.
  static func option(_ name: String, in options: [Option]) -> String? {
    nearest(to: name, in: options.map { $0.name }).map { "did you mean --" + $0 + "?" }
  }

  /// How many letters have to be put in, left out or changed (Levenshtein).
  static func distance(_ a: String, _ b: String) -> Int {
    // Nothing that is longer is near to any word of the tables.
    let (a, b) = (Array(a.utf8.prefix(32)), Array(b.utf8.prefix(32)))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let changed = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j + 1] + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }
}
