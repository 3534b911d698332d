import Testing

@testable import CommandLineInterface

@Suite struct QuantityTests {
  @Test(arguments: [
    ("0", 0), ("7", 7), ("7b", 7), ("1k", 1024), ("1kb", 1024), ("1KiB", 1024), ("512m", 512 << 20),
    ("2G", 2 << 30), ("3T", 3 << 40), ("1.5g", 3 << 29), ("0.5k", 512), ("-1", -1),
    ("9223372036854775807", Int64.max), ("8388607t", 8_388_607 << 40),
  ])
  func sizes(text: String, bytes: Int64) { #expect(Quantities.bytes(text) == bytes) }

  @Test(arguments: [
    "", "m", "-2", "-1m", "+1", " 1", "1 ", "1x", "1mm", "1mib2", "1bk", "1ib", "1i", "1.5", "1.g", ".5g",
    "1.5.5g", "1e3", "0x10", "１", "9223372036854775808", "8388608t", "999999999999.5t",
    "99999999999999999999",
  ])
  func noSizes(text: String) { #expect(Quantities.bytes(text) == nil) }

  @Test(arguments: [
    ("30", 30_000), ("1.5", 1500), ("250ms", 250), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000),
    ("1m30s", 90_000), ("1h0.5m1ms", 3_630_001), ("0", 0), ("0.0004s", 0),
  ])
  func times(text: String, milliseconds: Int64) {
    #expect(Quantities.milliseconds(text) == milliseconds)
  }

  @Test(arguments: [
    "", "s", "-1s", "+1s", "1 s", "1d", "1S", "1m30", "30s1", "s1", "1.s", "1..5s", "ms", "1e3s",
    "999999999999h", "99999999999999999999s",
  ])
  func noTimes(text: String) { #expect(Quantities.milliseconds(text) == nil) }

  @Test func theSumOfTimesHasABound() {
    let time = "2000000000h"
    #expect(Quantities.milliseconds(time + time) == 14_400_000_000_000_000)
    #expect(Quantities.milliseconds(String(repeating: time, count: 2000)) == nil)
  }

  @Test func numbers() {
    #expect(Quantities.unsigned("18446744073709551615") == UInt64.max)
    #expect(Quantities.unsigned("65535") == UInt16.max)
    #expect(Quantities.unsigned("007") == UInt32(7))
    let tooLarge: UInt64? = Quantities.unsigned("18446744073709551616")
    let muchTooLarge: UInt16? = Quantities.unsigned("655360")
    #expect(tooLarge == nil && muchTooLarge == nil)
    #expect(Quantities.signed("-9223372036854775807") == -Int64.max)
    #expect(Quantities.signed("9223372036854775807") == Int64.max)
    for bad in ["", "-", "--1", "+1", "9223372036854775808", "-9223372036854775809", "1 ", "0x1"] {
      #expect(Quantities.signed(bad) == nil, "\(bad)")
    }
    #expect(Quantities.thousandths("1.5") == 1500 && Quantities.thousandths("0.0019") == 1)
    #expect(Quantities.thousandths("12") == 12_000)
    for bad in ["", ".", "1.", ".5", "1,5", "1.5x", "-1", "1000000000000"] {
      #expect(Quantities.thousandths(bad) == nil, "\(bad)")
    }
  }

  /// CVE-2026-30892: a user that was read half ran the command as root.
  @Test func usersAreNumbersAndNothingElse() {
    #expect(Quantities.user("1000")?.uid == 1000 && Quantities.user("1000")?.gid == nil)
    #expect(Quantities.user("7:5")?.uid == 7 && Quantities.user("7:5")?.gid == 5)
    #expect(Quantities.user("4294967294:4294967294")?.gid == 4_294_967_294)
    for bad in [
      "", ":", "1:", ":1", "-1", "+0", "1000x", "x", "root", "1:2:3", "1::2", "0x0", " 0", "0 ", "1,2",
      "4294967295", "0:4294967295", "4294967296", "18446744073709551616", "1:root",
    ] {
      #expect(Quantities.user(bad) == nil, "\(bad)")
    }
  }

  @Test func signals() {
    for (index, name) in Quantities.signalNames.enumerated() {
      let number = Int32(index) + 1
      for text in [name, "SIG" + name, name.lowercased(), "sig" + name.lowercased(), "\(number)"] {
        #expect(Quantities.signal(text) == number, "\(text)")
      }
    }
    #expect(Quantities.signal("KILL") == 9 && Quantities.signal("TERM") == 15)
    #expect(Quantities.signal("WINCH") == 28 && Quantities.signal("SYS") == 31)
    #expect(Quantities.signal("IOT") == 6 && Quantities.signal("CLD") == 17)
    #expect(Quantities.signal("POLL") == 29)
    #expect(Quantities.signal("RTMIN") == 34 && Quantities.signal("SIGRTMAX") == 64)
    #expect(Quantities.signal("sigrtmin+3") == 37 && Quantities.signal("RTMAX-14") == 50)
    #expect(Quantities.signal("RTMIN+30") == 64 && Quantities.signal("64") == 64)
    for bad in [
      "", "0", "65", "-9", "+9", "9 ", "SIG", "SIGSIGKILL", "FOO", "RTMIN+31", "RTMIN-1", "RTMAX-31",
      "RTMAX+1", "RTMIN+", "RTMINX1", "1.0", "0x9",
    ] {
      #expect(Quantities.signal(bad) == nil, "\(bad)")
    }
  }
}
