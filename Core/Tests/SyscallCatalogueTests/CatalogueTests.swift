import Foundation
import Testing

@testable import SyscallCatalogue

@Suite("The table of system calls") struct CatalogueTests {
  @Test func namesAreSortedAndFoundAgain() {
    for index in 0..<SyscallCatalogue.count {
      let name = SyscallCatalogue.name(at: index)
      #expect(SyscallCatalogue.index(of: name) == index)
      if index > 0 { #expect(SyscallCatalogue.name(at: index - 1) < name) }
    }
    for name in ["", "a", "zzz", "rea", "readx", "ünicode"] {
      #expect(SyscallCatalogue.index(of: name) == nil)
    }
  }

  @Test(arguments: [
    ("read", Architecture.x86_64, 0), ("read", .aarch64, 63), ("read", .i386, 3), ("read", .arm, 3),
    ("execve", .x32, 520), ("openat2", .aarch64, 437), ("clone3", .x86_64, 435), ("mseal", .arm, 462),
    ("file_setattr", .x86_64, 469), ("set_tls", .arm, 0xf0005), ("mmap", .aarch64, 222),
  ])
  func wellKnownNumbers(name: String, architecture: Architecture, number: UInt32) {
    #expect(SyscallCatalogue.number(name, on: architecture) == number)
    #expect(SyscallCatalogue.name(number, on: architecture) == name)
  }

  @Test func oneNameForEachNumber() {
    for architecture in Architecture.allCases {
      let numbers = (0..<SyscallCatalogue.count).compactMap { SyscallCatalogue.number(at: $0, on: architecture) }
      // arm_sync_file_range and sync_file_range2 are one call.
      let aliases = architecture == .arm ? 1 : 0
      #expect(Set(numbers).count == numbers.count - aliases, "\(architecture)")
      #expect(numbers.count > 300)
    }
  }

  static let header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

  @Test(.enabled(if: FileManager.default.fileExists(atPath: header), "linux-libc-dev is not installed"))
  func theInstalledHeadersAgree() throws {
    for line in try String(contentsOfFile: Self.header, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, words[1].hasPrefix("__NR_"), let number = UInt32(words[2]) else { continue }
      #expect(SyscallCatalogue.number(String(words[1].dropFirst(5)), on: .x86_64) == number)
    }
  }

  static let genericHeader = "/usr/aarch64-linux-gnu/include/asm-generic/unistd.h"

  /// arm64 has the numbers of the generic table; those that differ between word sizes begin with __NR3264_.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: genericHeader), "linux-libc-dev-arm64-cross is not installed"))
  func theInstalledHeadersOfArm64Agree() throws {
    var compared = 0
    for line in try String(contentsOfFile: Self.genericHeader, encoding: .utf8).split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 3, words[0] == "#define", let number = UInt32(words[2]) else { continue }
      var name: String
      if words[1].hasPrefix("__NR3264_") {
        name = String(words[1].dropFirst(9))
      } else if words[1].hasPrefix("__NR_") {
        name = String(words[1].dropFirst(5))
      } else {
        continue
      }
      if name == "fstatat" { name = "newfstatat" }
      // A number without a call, a call of other architectures, and those of 32 bits.
      if ["syscalls", "arch_specific_syscall", "sync_file_range2"].contains(name) { continue }
      // Times of 64 bits, for 32-bit machines.
      if name.hasSuffix("_time64") { continue }
      if name.hasSuffix("64"), ["clock_", "timer_", "timerfd_"].contains(where: { name.hasPrefix($0) }) { continue }
      #expect(SyscallCatalogue.number(name, on: .aarch64) == number, "\(name)")
      compared += 1
    }
    #expect(compared > 290)
  }
}
