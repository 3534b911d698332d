import Cgroups
import Testing

@testable import OwnFiles

@Suite("What a container's own files say") struct FileTextTests {
  private let host = """
    MemTotal:       24684092 kB
    MemFree:        21280324 kB
    MemAvailable:   23401012 kB
    Buffers:           48832 kB
    Cached:          2278240 kB
    SwapTotal:       1000000 kB
    SwapFree:         900000 kB
    HugePages_Total:       3
    Hugepagesize:       2048 kB

    """

  private func memory(_ change: (inout Figures.Memory) -> Void) -> Figures.Memory {
    var memory = Figures.Memory()
    memory.limit = 64 << 20
    memory.used = 10 << 20
    change(&memory)
    return memory
  }

  @Test func memoryIsTheLimit() {
    let text = FileText.memory(
      host: host,
      memory {
        $0.activeFile = 2 << 20; $0.file = 3 << 20; $0.swapLimit = 1 << 20
      })
    #expect(
      text == """
        MemTotal:          65536 kB
        MemFree:           55296 kB
        MemAvailable:      57344 kB
        Buffers:               0 kB
        Cached:             3072 kB
        SwapTotal:          1024 kB
        SwapFree:           1024 kB
        HugePages_Total:       0
        Hugepagesize:       2048 kB

        """)
  }

  @Test func figuresThatDoNotFitAreCut() {
    let text = FileText.memory(
      host: host,
      memory {
        $0.used = 80 << 20; $0.activeFile = 1 << 40; $0.swapLimit = 1; $0.swapUsed = 9
      })
    #expect(text.contains("MemFree:               0 kB"))
    #expect(text.contains("MemAvailable:      65536 kB"))
    #expect(text.contains("SwapFree:              0 kB"))
  }

  @Test func sysinfoSaysTheSame() {
    let figures = memory {
      $0.swapLimit = 2 << 20
      $0.swapUsed = 1 << 20
    }
    let text = FileText.memory(host: host, figures)
    var load = Load()
    load.add(used: 3000, in: 1000)
    let bytes = SystemCallText.sysinfo(memory: text, seconds: 7, load, processes: 70000)
    #expect(bytes.count == MachineFigures.sysinfoSize)
    var words = [UInt64](repeating: 0, count: 14)
    for (place, byte) in bytes.enumerated() { words[place / 8] |= UInt64(byte) << UInt64(8 * (place % 8)) }
    #expect(words[0] == 7)
    #expect((190000...196608).contains(words[1]))
    #expect(Array(words[4...]) == [64 << 20, 54 << 20, 0, 0, 2 << 20, 1 << 20, 65535, 0, 0, 1])
  }

  @Test func theFirstProcessors() {
    #expect(MachineFigures.first(3, of: [0b1010_0000, 0b0000_0011]) == [0b1010_0000, 0b0000_0001])
    #expect(MachineFigures.first(9, of: [0x0f, 0]) == [0x0f, 0])
  }

  @Test func withoutALimitMemoryIsTheHosts() {
    #expect(FileText.memory(host: host, memory { $0.limit = nil }) == host)
    #expect(FileText.memory(host: host, memory { $0.limit = 0x7fff_ffff_ffff_f000 }) == host)
  }

  @Test func swaps() {
    #expect(FileText.swaps(host: host, memory { $0.swapLimit = 0 }).utf8.split(separator: 0x0a).count == 1)
    #expect(
      FileText.swaps(
        host: host,
        memory {
          $0.swapLimit = 2048; $0.swapUsed = 1024
        }
      ).contains("virtual\t\t2\t1\t"))
  }

  @Test(
    arguments: [
      ("", nil, 4), ("0-1", nil, 2), ("1,3", nil, 2), ("", 1000, 1), ("", 1500, 2), ("", 10, 1), ("0-1", 9000, 2),
      ("7", nil, 4),
      ("x", nil, 4),
    ] as [(String, UInt64?, Int)])
  func processors(list: String, quota: UInt64?, count: Int) {
    var figures = Figures()
    (figures.processors, figures.quota) = (list, quota)
    #expect(FileText.processorCount(figures, online: [0, 1, 2, 3]) == count)
  }

  @Test func lists() {
    #expect(FileText.list("0-3,7\n") == [0, 1, 2, 3, 7])
    #expect(FileText.list("0\n") == [0])
    #expect(FileText.list("3-1") == [])
    #expect(FileText.list("0-99999999999") == [])
    #expect(FileText.list("") == [])
    #expect(FileText.processorList(1) == "0\n")
    #expect(FileText.processorList(3) == "0-2\n")
  }

  @Test func processorInformationIsRenumbered() {
    let host =
      "processor\t: 0\nmodel\t: a\n\nprocessor\t: 1\nmodel\t: b\n\nprocessor\t: 2\nmodel\t: c\n\nHardware\t: d\n"
    #expect(
      FileText.processorInformation(host: host, allowed: [1, 2], count: 1)
        == "processor\t: 0\nmodel\t: b\n\nHardware\t: d\n")
    #expect(
      FileText.processorInformation(host: host, allowed: [1, 2], count: 2)
        == "processor\t: 0\nmodel\t: b\n\nprocessor\t: 1\nmodel\t: c\n\nHardware\t: d\n")
  }

  @Test func times() {
    var figures = Figures()
    (figures.userTime, figures.systemTime, figures.processes) = (1_500_000, 510_000, 4)
    #expect(FileText.uptime(figures, up: 1005, processors: 2) == "10.05 18.09\n")
    let lines = FileText.statistics(figures, up: 1005, processors: 2, start: 77).split(separator: "\n")
    #expect(lines[0] == "cpu  150 0 51 1809 0 0 0 0 0 0")
    #expect(lines[1] == "cpu0 75 0 26 905 0 0 0 0 0 0")
    #expect(lines[2] == "cpu1 75 0 25 904 0 0 0 0 0 0")
    #expect(lines.contains("btime 77"))
  }

  @Test func loadFollowsUse() {
    var load = Load()
    load.add(used: 60, in: 60)
    #expect(abs(load.one - 0.632) < 0.001)
    #expect(abs(load.five - 0.181) < 0.001)
    load.add(used: 0, in: 6000)
    #expect(load.one < 0.001)
    #expect(Load.decay(0) == 1)
    #expect(abs(Load.decay(1) - 0.367_879) < 0.000_01)
    #expect(Load.decay(10_000) == 0)
    #expect(FileText.load(load, processes: 3).hasSuffix("1/3 3\n"))
    #expect(FileText.load(Load(), processes: 0) == "0.00 0.00 0.00 1/1 1\n")
  }
}

@Suite("Messages of a file system") struct FileMessageTests {
  private func request(_ operation: UInt32, node: UInt64 = 1, _ body: [UInt8] = [], length: UInt32? = nil) -> [UInt8] {
    func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
    }
    return bytes(length ?? UInt32(40 + body.count)) + bytes(operation) + bytes(UInt64(9)) + bytes(node)
      + [UInt8](repeating: 0, count: 16) + body
  }

  @Test func areRead() {
    #expect(FileMessages.read(request(1, Array("stat".utf8) + [0])[...])?.request == .lookUp(parent: 1, name: "stat"))
    #expect(
      FileMessages.read(request(26, [7, 0, 0, 0, 45, 0, 0, 0] + [UInt8](repeating: 0, count: 56))[...])?.request
        == .initialize(minor: 45))
    #expect(
      FileMessages.read(
        request(
          15, node: 3,
          [UInt8](repeating: 0, count: 8) + [5, 0, 0, 0, 0, 0, 0, 0, 0, 16] + [UInt8](repeating: 0, count: 22))[...])?
        .request
        == .read(node: 3, offset: 5, size: 4096))
    #expect(FileMessages.read(request(36, [UInt8](repeating: 0, count: 8))[...])?.request == .silent)
    #expect(FileMessages.read(request(16)[...])?.request == .unknown)
  }

  @Test func whatIsShortOrWrongIsNotBelieved() {
    for operation in 0...60 as ClosedRange<UInt32> {
      for size in 0...39 {
        // What lacks its body is refused or has none.
        let found = FileMessages.read(request(operation, [UInt8](repeating: 1, count: size))[...])
        #expect(found?.id == 9)
      }
    }
    #expect(FileMessages.read(request(3, length: 41)[...]) == nil)
    #expect(FileMessages.read(request(3)[..<39]) == nil)
    #expect(FileMessages.read([]) == nil)
    #expect(FileMessages.read(request(1, Array("stat".utf8))[...])?.request == .unknown)
    #expect(FileMessages.read(request(15, [1, 2, 3])[...])?.request == .unknown)
    #expect(FileMessages.read(request(26, [8] + [UInt8](repeating: 0, count: 15))[...])?.request == .unknown)
  }

  @Test func answersHaveTheSizesOfTheKernel() {
    #expect(FileMessages.answer(1).count == 16)
    #expect(FileMessages.answer(1, error: 2)[4..<8].elementsEqual([0xfe, 0xff, 0xff, 0xff]))
    #expect(FileMessages.initialized(minor: 45).count == 64)
    #expect(FileMessages.entry(2, size: 4096, time: 0).count == 128)
    #expect(FileMessages.attributesAnswer(2, size: 4096, time: 0).count == 104)
    #expect(FileMessages.opened.count == 16)
    #expect(FileMessages.statistics.count == 80)
  }

  @Test func directoriesAreReadInParts() {
    let names = [(name: "a", node: 2 as UInt64), (name: "eight888", node: 3)]
    let all = FileMessages.directory(names, offset: 0, size: 4096)
    #expect(all.count == 4 * 32)
    #expect(FileMessages.directory(names, offset: 0, size: 40).count == 32)
    #expect(FileMessages.directory(names, offset: 3, size: 4096).elementsEqual(all[96...]))
    #expect(FileMessages.directory(names, offset: 4, size: 4096).isEmpty)
    #expect(FileMessages.directory(names, offset: .max, size: 4096).isEmpty)
  }
}
