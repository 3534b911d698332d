import LinuxSystem
import SyscallCatalogue

/// System calls as text for people, with what their pointers point to as far as the catalogue knows it.
enum CallText {
  /// How much of a string or a buffer is shown, in bytes.
  private static let limit = 64

  static func describe(_ call: CallNotification, _ index: Int?) -> String {
    guard let index else { return "call_\(call.number)(" + hexadecimal(call.arguments) + ")" }
    let name = SyscallCatalogue.name(at: index)
    guard call.architecture == Architecture.native.auditValue, let known = SyscallCatalogue.arguments(at: index) else {
      return name + "(" + hexadecimal(call.arguments) + ")"
    }
    var text = name + "("
    for (place, argument) in known.enumerated() {
      if place > 0 { text += ", " }
      text += describe(argument, call.arguments[place], call)
    }
    return text + ")"
  }

  private static func hexadecimal(_ values: InlineArray<6, UInt64>) -> String {
    var text = ""
    for place in values.indices { text += (place == 0 ? "0x" : ", 0x") + String(values[place], radix: 16) }
    return text
  }

  private static func describe(_ argument: SyscallArgument, _ value: UInt64, _ call: CallNotification) -> String {
    switch argument.kind {
    case .number:
      let signed = Int64(bitPattern: value)
      return signed > -4096 && signed < 65536 ? String(signed) : "0x" + String(value, radix: 16)
    case .descriptor:
      let number = Int32(truncatingIfNeeded: value)
      return number == -100 ? "AT_FDCWD" : String(number)
    case .path: return value == 0 ? "NULL" : string(call.pid, value) ?? address(value)
    case .strings: return strings(call.pid, value)
    case .input(let extent): return bytes(call, value, extent) ?? address(value)
    default: return address(value)
    }
  }

  private static func address(_ value: UInt64) -> String { value == 0 ? "NULL" : "0x" + String(value, radix: 16) }

  /// A string of the caller's, in quotes; nil if it can't be read.
  private static func string(_ pid: Int32, _ address: UInt64) -> String? {
    // Not across the end of a page at once: the next may not be there.
    var read: [UInt8] = []
    var place = address
    while read.count < limit {
      let size = min(limit - read.count, Int(4096 - place % 4096))
      guard let part = try? readMemory(of: pid, at: place, size: size), !part.isEmpty else {
        return read.isEmpty ? nil : quoted(read) + "…"
      }
      if let end = part.firstIndex(of: 0) { return quoted(read + part[..<end]) }
      read += part
      place += UInt64(part.count)
    }
    return quoted(read) + "…"
  }

  private static func strings(_ pid: Int32, _ address: UInt64) -> String {
    var text = "["
    for place in 0..<UInt64(8) {
      guard let pointer = try? readMemory(of: pid, at: address + 8 * place, size: 8), pointer.count == 8 else {
        return self.address(address)
      }
      let value = pointer.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      if value == 0 { return text + "]" }
      text += (place == 0 ? "" : ", ") + (string(pid, value) ?? self.address(value))
    }
    return text + ", …]"
  }

  /// The bytes that a call reads, if they are counted by another argument.
  private static func bytes(_ call: CallNotification, _ address: UInt64, _ extent: SyscallArgument.Extent) -> String? {
    guard case .counted(let counter, let unit) = extent, unit == 1, address != 0 else { return nil }
    let size = Int(min(call.arguments[counter], UInt64(limit)))
    if size == 0 { return "\"\"" }
    guard let read = try? readMemory(of: call.pid, at: address, size: size) else { return nil }
    return quoted(read) + (call.arguments[counter] > UInt64(limit) ? "…" : "")
  }

  private static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case 0x0a: text += "\\n"
      case 0x09: text += "\\t"
      case 0x0d: text += "\\r"
      case 0x22: text += "\\\""
      case 0x5c: text += "\\\\"
      case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text + "\""
  }
}
