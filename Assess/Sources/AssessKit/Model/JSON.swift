import Foundation

/// A JSON document of any shape, which configurations are put together from.
public enum JSON: Codable, Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  public init(parsing data: Data) throws { self = try JSONDecoder().decode(JSON.self, from: data) }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  public var data: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      return try encoder.encode(self)
    }
  }

  public subscript(key: String) -> JSON {
    get {
      if case .object(let members) = self { return members[key] ?? .null }
      return .null
    }
    set {
      var members: [String: JSON] = [:]
      if case .object(let old) = self { members = old }
      members[key] = newValue == .null ? nil : newValue
      self = .object(members)
    }
  }

  public var elements: [JSON] {
    get { if case .array(let value) = self { value } else { [] } }
    set { self = .array(newValue) }
  }

  public var string: String? { if case .string(let value) = self { value } else { nil } }

  /// A merge patch (RFC 7396): members replace, null removes, arrays replace as a whole. A member whose name starts with `+` adds
  /// its elements to the array of that name.
  public func merged(_ patch: JSON) -> JSON {
    guard case .object(let changes) = patch else { return patch }
    var result = self
    if case .object = self {} else { result = .object([:]) }
    for (key, change) in changes {
      if key.hasPrefix("+") {
        let name = String(key.dropFirst())
        result[name] = .array(result[name].elements + change.elements)
      } else {
        result[key] = change == .null ? .null : result[key].merged(change)
      }
    }
    return result
  }

  /// The document with every string rewritten, names of members too.
  public func mapStrings(_ change: (String) -> String) -> JSON {
    switch self {
    case .string(let value): .string(change(value))
    case .array(let values): .array(values.map { $0.mapStrings(change) })
    case .object(let members):
      .object(Dictionary(members.map { (change($0.key), $0.value.mapStrings(change)) }, uniquingKeysWith: { $1 }))
    default: self
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
  }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
}
