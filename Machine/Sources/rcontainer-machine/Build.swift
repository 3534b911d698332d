import ArgumentParser
import MachineKit

struct Build: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fetches the packages and builds the machine's root file system.",
    discussion: """
      Leaves Image, headers, busybox, machine-1.dtb, machine-2.dtb and initramfs.cpio in build/machine. What is \
      there is not fetched again, and an interrupted run goes on where it was. The root file system holds \
      build/arm64/rcontainer and build/driver/conshim.ko if they were built, and everything below build/cca/root.
      """)

  @Flag(help: "Look for newer packages.") var refresh = false
  @OptionGroup var place: Place

  func run() throws { try Builder(layout: place.layout, say: say).build(again: refresh) }
}
