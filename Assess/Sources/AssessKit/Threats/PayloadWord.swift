/// What the payload says at its end: `PROBE WORD DETAIL`, the last such line counts.
struct PayloadWord: Equatable {
  enum Result: String { case worked, blocked, absent, inconclusive, escaped }

  let result: Result
  let detail: String

  init?(_ output: String) {
    for line in output.split(separator: "\n").reversed() {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count >= 2, words[0] == "PROBE", let result = Result(rawValue: String(words[1])) else { continue }
      self.result = result
      detail = words.count > 2 ? String(words[2].prefix(400)) : ""
      return
    }
    return nil
  }
}
