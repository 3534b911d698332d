/// The table of all system calls of Linux up to 6.18, by name and number.
///
/// It is static data: nothing is built at start-up.
public enum SyscallCatalogue {
  /// How many names there are, over all architectures.
  public static var count: Int { tableOffsets.count - 1 }

  /// The name at a place in the sorted table.
  public static func name(at index: Int) -> String {
    // SAFETY: `range` checks the index, and the offsets lie inside the literal (tested for all names).
    let range = Int(tableOffsets[index])..<Int(tableOffsets[index + 1])
    return unsafe String(
      decoding: UnsafeBufferPointer(rebasing: tableNames.utf8Buffer[range]), as: UTF8.self)
  }

  /// The place of a name in the sorted table.
  public static func index(of name: String) -> Int? {
    var name = name
    // SAFETY: both buffers are read inside their bounds only: the offsets lie inside the literal.
    return name.withUTF8 { unsafeName in
      let names = unsafe tableNames.utf8Buffer
      var low = 0
      var high = count
      while low < high {
        let middle = (low + high) / 2
        let start = Int(tableOffsets[middle])
        let length = Int(tableOffsets[middle + 1]) - start
        var order = 0
        var position = 0
        // SAFETY: `position` stays below both lengths.
        while order == 0, position < length, position < unsafeName.count {
          order = unsafe Int(names[start + position]) - Int(unsafeName[position])
          position += 1
        }
        if order == 0 { order = length - unsafeName.count }
        if order == 0 { return middle }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
      return nil
    }
  }

  /// The number of a call, without the bit of x32; nil where the architecture has no such call.
  public static func number(at index: Int, on architecture: Architecture) -> UInt32? {
    let value =
      switch architecture {
      case .x86_64: numbersOn_x86_64[index]
      case .i386: numbersOn_i386[index]
      case .x32: numbersOn_x32[index]
      case .aarch64: numbersOn_aarch64[index]
      case .arm: numbersOn_arm[index]
      }
    return value < 0 ? nil : UInt32(value)
  }

  /// The number of a call by its name.
  public static func number(_ name: String, on architecture: Architecture) -> UInt32? {
    index(of: name).flatMap { number(at: $0, on: architecture) }
  }

  /// The name of a call by its number, which for x32 is without its bit.
  public static func name(_ number: UInt32, on architecture: Architecture) -> String? {
    (0..<count).first { self.number(at: $0, on: architecture) == number }.map { name(at: $0) }
  }
}

extension StaticString {
  /// Its bytes.
  // SAFETY: a literal lives as long as the program, and the count is its own.
  @unsafe var utf8Buffer: UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
  }
}
