/// Messages of the domain name system (RFC 1035, section 4), as far as a resolver for addresses needs them. What comes
/// in is hostile: nothing is read outside of the bytes, and names follow no pointer forward.
enum DNSMessage {
  struct Question: Equatable, Sendable {
    /// Small letters, without a dot at the end.
    var name: String
    var type: UInt16

    static let address: UInt16 = 1
    static let address6: UInt16 = 28
  }

  struct Answer: Equatable, Sendable {
    /// 0: no error; 3: no such name.
    var code: UInt8
    var addresses: [IPAddress] = []
    /// Seconds that all of them hold.
    var lifetime: UInt32 = 0
  }

  static let noSuchName: UInt8 = 3
  static let failure: UInt8 = 2

  // MARK: reading

  /// The id and the question of a query.
  static func readQuery(_ bytes: [UInt8]) -> (id: UInt16, question: Question)? {
    guard bytes.count >= 12, bytes[2] & 0xf8 == 0, word(bytes, 4) == 1 else { return nil }
    var place = 12
    guard let question = readQuestion(bytes, &place) else { return nil }
    return (word(bytes, 0), question)
  }

  private static func readQuestion(_ bytes: [UInt8], _ place: inout Int) -> Question? {
    guard let name = readName(bytes, &place), place + 4 <= bytes.count, word(bytes, place + 2) == 1 else { return nil }
    let type = word(bytes, place)
    place += 4
    return Question(name: name, type: type)
  }

  /// The answer to a query of ours.
  static func readAnswer(_ bytes: [UInt8], id: UInt16, question: Question) -> Answer? {
    guard bytes.count >= 12, word(bytes, 0) == id, bytes[2] & 0x80 != 0, word(bytes, 4) == 1 else { return nil }
    var place = 12
    guard readQuestion(bytes, &place) == question else { return nil }
    var answer = Answer(code: bytes[3] & 15, lifetime: .max)
    for _ in 0..<min(word(bytes, 6), 64) {
      // Names of an alias chain differ; whoever answers may name any address anyway.
      guard readName(bytes, &place) != nil, place + 10 <= bytes.count else { break }
      let type = word(bytes, place)
      let lifetime = UInt32(word(bytes, place + 4)) << 16 | UInt32(word(bytes, place + 6))
      let size = Int(word(bytes, place + 8))
      place += 10
      guard place + size <= bytes.count else { break }
      let data = Array(bytes[place..<(place + size)])
      place += size
      if type == Question.address, question.type == type, size == 4 {
        answer.addresses.append(IPAddress(v4: data))
      } else if type == Question.address6, question.type == type, size == 16 {
        answer.addresses.append(IPAddress(bytes: data))
      } else {
        continue
      }
      answer.lifetime = min(answer.lifetime, lifetime)
      if answer.addresses.count == 16 { break }
    }
    if answer.addresses.isEmpty { answer.lifetime = 0 }
    return answer
  }

  /// A name, in small letters; `place` is behind it afterwards.
  private static func readName(_ bytes: [UInt8], _ place: inout Int) -> String? {
    var name: [UInt8] = []
    var reading = place
    var hasJumped = false
    while true {
      guard reading < bytes.count else { return nil }
      let length = Int(bytes[reading])
      switch length {
      case 0:
        if !hasJumped { place = reading + 1 }
        return String(decoding: name, as: UTF8.self)
      case 1...63:
        guard reading + 1 + length <= bytes.count, name.count + 1 + length <= 254 else { return nil }
        if !name.isEmpty { name.append(0x2e) }
        for letter in bytes[(reading + 1)..<(reading + 1 + length)] {
          // A dot inside of a label would make another name of it.
          guard letter > 0x20, letter < 0x7f, letter != 0x2e else { return nil }
          name.append(letter >= 0x41 && letter <= 0x5a ? letter + 0x20 : letter)
        }
        reading += 1 + length
      case 0xc0...:
        guard reading + 1 < bytes.count else { return nil }
        let target = Int(word(bytes, reading) & 0x3fff)
        if !hasJumped { place = reading + 2 }
        hasJumped = true
        // Backward only, so that it ends.
        guard target < reading else { return nil }
        reading = target
      default: return nil
      }
    }
  }

  private static func word(_ bytes: [UInt8], _ place: Int) -> UInt16 {
    UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
  }

  // MARK: writing

  /// A query that asks for recursion.
  static func query(id: UInt16, _ question: Question) -> [UInt8] {
    words(id, 0x0100, 1, 0, 0, 0) + encoded(question)
  }

  static func response(id: UInt16, _ question: Question, _ answer: Answer) -> [UInt8] {
    var bytes = words(id, 0x8180 | UInt16(answer.code), 1, UInt16(answer.addresses.count), 0, 0) + encoded(question)
    for address in answer.addresses {
      // The name is that of the question, at byte 12.
      let data = address.isV4 ? Array(address.bytes[12...]) : address.bytes
      bytes += words(0xc00c, address.isV4 ? 1 : 28, 1, UInt16(answer.lifetime >> 16), UInt16(answer.lifetime & 0xffff))
      bytes += words(UInt16(data.count)) + data
    }
    return bytes
  }

  private static func encoded(_ question: Question) -> [UInt8] {
    var bytes: [UInt8] = []
    for label in question.name.utf8.split(separator: 0x2e) { bytes += [UInt8(label.count)] + label }
    return bytes + [0] + words(question.type, 1)
  }

  private static func words(_ words: UInt16...) -> [UInt8] { words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } }
}
