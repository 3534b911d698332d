import Testing

@testable import MachineKit

@Suite struct CommandTests {
  private func values(of option: String, in arguments: [String]) -> [String] {
    zip(arguments, arguments.dropFirst()).filter { $0.0 == option }.map(\.1)
  }

  @Test func theMachineHasRealmsAndItsPartsAtTheirPlaces() {
    var command = QemuCommand()
    (command.cpus, command.firmware, command.image, command.deviceTree, command.initrd) = (2, "/f", "/k", "/t", "/i,j")
    let arguments = command.arguments
    #expect(values(of: "-cpu", in: arguments).first?.contains("x-rme=on") == true)
    #expect(values(of: "-M", in: arguments).first?.contains("secure=on") == true)
    #expect(values(of: "-smp", in: arguments) == ["2"])
    #expect(values(of: "-bios", in: arguments) == ["/f"])
    #expect(values(of: "-nic", in: arguments) == ["none"])
    #expect(
      values(of: "-device", in: arguments).filter { $0.hasPrefix("loader") } == [
        "loader,file=/k,addr=0x40200000,force-raw=on", "loader,file=/t,addr=0x4a000000,force-raw=on",
        "loader,file=/i,,j,addr=0x4b000000,force-raw=on",
      ])
    #expect(!arguments.contains("-kernel") && !arguments.contains("-icount"))
  }

  @Test func thePlainMachineHasNoFirmware() {
    var command = QemuCommand()
    command.plain = true
    let arguments = command.arguments
    #expect(!arguments.contains("-bios") && arguments.contains("-kernel"))
    #expect(!arguments.joined().contains("x-rme"))
  }

  @Test func icountTakesNothingFromTheHostsClock() {
    var command = QemuCommand()
    command.icount = true
    let arguments = command.arguments
    #expect(values(of: "-icount", in: arguments) == ["shift=0,sleep=off"])
    #expect(values(of: "-rtc", in: arguments) == ["base=2026-01-01T00:00:00,clock=vm"])
    #expect(values(of: "-chardev", in: arguments).contains { $0.contains("commands.sock") && $0.contains("wait=on") })
  }

  @Test func sourcesAreThoseOfTheRelease() {
    let targets = """
      http://a/debian/ one main
      http://a/debian/ one main
      http://a/debian/ one-backports main
      http://a/security/ one-security main
      http://b/ else main
      http://a/debian/ one contrib
      """
    let prefix = "deb [signed-by=\(Packages.keyring)]"
    #expect(
      Packages.sources(targets: targets, codename: "one") == [
        "\(prefix) http://a/debian/ one main", "\(prefix) http://a/security/ one-security main",
      ])
  }

  @Test func transfersNameTwoPaths() {
    let into = Transfer("a:b:/c", guestFirst: false)
    #expect(into?.from == "a:b" && into?.to == "/c")
    let out = Transfer("/c:a:b", guestFirst: true)
    #expect(out?.from == "/c" && out?.to == "a:b")
    for bad in ["", ":", "a", "a:", ":/b", "a:b"] { #expect(Transfer(bad, guestFirst: false) == nil) }
  }
}
