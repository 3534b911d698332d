// Whole documents: what is read from files and written to them.

extension Spec {
  /// Reads `config.json`.
  public static func decode(_ bytes: [UInt8], file: String) throws(SpecError) -> Spec {
    var reader = JSONReader(bytes, file: file)
    return try reader.whole { (reader) throws(SpecError) in try Spec(reading: &reader) }
  }

  /// The configuration as JSON.
  public func encode(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    write(to: &writer)
    return writer.bytes
  }
}

extension Process {
  /// Reads what `exec --process` names.
  public static func decode(_ bytes: [UInt8], file: String) throws(SpecError) -> Process {
    var reader = JSONReader(bytes, file: file)
    return try reader.whole { (reader) throws(SpecError) in try Process(reading: &reader) }
  }
}

extension Resources {
  /// Reads what `update --resources` names.
  public static func decode(_ bytes: [UInt8], file: String) throws(SpecError) -> Resources {
    var reader = JSONReader(bytes, file: file)
    return try reader.whole { (reader) throws(SpecError) in try Resources(reading: &reader) }
  }
}
