/// A text with its control characters as escapes, so that it is one line and no terminal obeys it.
public func onOneLine(_ text: String) -> String {
  // U+0080 to U+009F are control characters too.
  let isControl = { (scalar: Unicode.Scalar) in
    scalar.value < 0x20 || scalar.value >= 0x7f && scalar.value < 0xa0
  }
  guard text.unicodeScalars.contains(where: isControl) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    if isControl(scalar) {
      let digits = String(scalar.value, radix: 16)
      result += digits.utf8.count == 1 ? "\\u000" + digits : "\\u00" + digits
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}
