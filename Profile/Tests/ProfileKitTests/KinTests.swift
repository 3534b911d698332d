import SyscallCatalogue
import Testing

@testable import ProfileKit

@Suite("Kin of system calls") struct KinTests {
  @Test func everyCallIsInTheCatalogueAndOnAMachine() {
    let named =
      CallKin.families.flatMap(\.calls) + CallKin.always.flatMap(\.calls)
      + CallKin.consequences.flatMap { $0.of + $0.calls }
    for call in named {
      let machines = [Architecture.x86_64, .aarch64].filter { SyscallCatalogue.number(call, on: $0) != nil }
      #expect(!machines.isEmpty, "\(call)")
    }
    #expect(named.count > 100)
  }

  @Test func familiesAreSymmetrical() {
    for family in CallKin.families {
      #expect(family.calls.count > 1, "\(family.calls)")
      for one in family.calls {
        let kin = CallKin.kin(of: [one])
        for other in family.calls where other != one { #expect(kin[other] != nil, "\(one), \(other)") }
        #expect(kin[one] == nil)
      }
    }
  }

  @Test func aCallIsInOneFamilyAndOnceInIt() {
    let all = CallKin.families.flatMap(\.calls)
    #expect(Set(all).count == all.count)
    let always = CallKin.always.flatMap(\.calls)
    #expect(always.count - Set(always).count == 0)
  }

  @Test func consequencesAddWhatTheirFamilyHasNot() {
    for consequence in CallKin.consequences {
      for call in consequence.of {
        #expect(!consequence.calls.contains(call))
        let kin = CallKin.kin(of: [call])
        for other in consequence.calls { #expect(kin[other] != nil, "\(call), \(other)") }
      }
    }
  }

  /// What kin must not bring: ways that nothing watched leads to.
  @Test func kinDoNotOpenOtherPartsOfTheKernel() {
    let start: Set<String> = ["execve", "brk", "mmap", "openat", "read", "write", "close", "fstat", "exit_group"]
    let kin = CallKin.kin(of: start)
    for call in ["socket", "clone", "fork", "kill", "unlink", "mkdir", "ptrace", "mount", "ioctl", "prctl", "bpf"] {
      #expect(kin[call] == nil, "\(call)")
    }
    #expect(kin["newfstatat"] != nil)
    #expect(kin["tgkill"] != nil)
    // One way only: who sends does not connect, who kills does not wait.
    #expect(CallKin.kin(of: ["getsockopt"])["connect"] == nil)
    #expect(CallKin.kin(of: ["kill"])["wait4"] == nil)
  }

  @Test func everyKinHasAReason() {
    let everything = Set(CallKin.families.map { $0.calls[0] } + CallKin.consequences.flatMap(\.of))
    for (call, why) in CallKin.kin(of: everything) { #expect(why.count > 10, "\(call)") }
    #expect(
      CallKin.kin(of: ["unlink"])["rmdir"] == "kin of unlink: a file is removed, or a directory, as remove(3) does")
  }
}

@Suite("Code and what was watched") struct JoinedTests {
  private let code: Set<String> = ["read", "write", "openat", "unlink", "rmdir", "socket", "chroot", "exit_group"]

  @Test func whatIsWatchedAndInTheCodePassesWithItsKin() {
    let joined = JoinedCalls(code: code, isComplete: true, watched: ["read", "unlink", "ptrace"])
    #expect(joined.allowed.isSuperset(of: ["read", "unlink", "rmdir", "write", "execve"]))
    // Kin that the code cannot make are none: unlinkat.
    #expect(joined.allowed.isSubset(of: code.union(DerivedPolicy.always)))
    #expect(joined.withheld == ["openat", "socket", "chroot"])
    #expect(joined.foreign == ["ptrace"])
    #expect(joined.kin["rmdir"] != nil)
    #expect(joined.kin["read"] == nil)
  }

  @Test func whatWasWatchedCountsAsCodeWhereANumberIsUnknown() {
    let joined = JoinedCalls(code: code, isComplete: false, watched: ["read", "unlink", "socketpair"])
    #expect(joined.allowed.contains("socketpair"))
    #expect(joined.foreign == ["socketpair"])
    // The base set is code that may be; of it, too, only what was watched, and kin.
    #expect(joined.withheld.contains("readlink"))
    #expect(!joined.allowed.contains("readlink"))
    #expect(joined.allowed.contains("munmap"))
    // Where all that was watched is in the code, its kin are there, too.
    #expect(!JoinedCalls(code: code, isComplete: false, watched: ["read"]).allowed.contains("munmap"))
  }

  @Test func nothingPassesThatDefaultDenies() {
    let joined = JoinedCalls(code: code, isComplete: true, watched: ["chroot", "read"])
    let policy = DerivedPolicy(
      name: "a", calls: joined.allowed, withheld: joined.withheld, architecture: .x86_64)
    #expect(policy.denied == ["chroot"])
    #expect(!policy.calls.contains("chroot"))
    #expect(
      policy.withheld == ["openat", "socket", "unlink", "rmdir"].filter { !joined.allowed.contains($0) }.sorted())
    let all = policy.calls + policy.withheld + policy.unused
    #expect(Set(all).count == all.count)
    #expect(all.count == DerivedPolicy.defaultCount(.x86_64))
  }

  @Test func theFirstRuleIsWhatAReaderJudges() throws {
    let policy = DerivedPolicy(
      name: "a", calls: ["read"], withheld: ["socket", "chroot"], architecture: .x86_64)
    let text = policy.text(summary: "s")
    let first = try #require(text.split(separator: "{").dropFirst().first)
    #expect(first.contains("\"calls\": [\n        \"socket\"\n      ],\n      \"action\": \"deny\""))
  }
}

@Suite("Files that were learned") struct WatchedTests {
  private func file(_ text: String) throws(ProfileError) -> WatchedCalls {
    try WatchedCalls(file: "a.json", json: Array(text.utf8))
  }

  private func refused(_ text: String) -> String? {
    do throws(ProfileError) {
      _ = try file(text)
      return nil
    } catch {
      return error.description
    }
  }

  private let learned = """
    {"name": "a", "summary": "", "watchedOn": "x86_64", "base": "nothing",
     "rules": [{"calls": ["read", "ptrace"], "action": "allow"}]}
    """

  @Test func itHasTheCallsThatReachTheKernel() throws {
    let watched = try file(learned)
    #expect(watched.calls == ["read", "ptrace"])
    #expect(watched.architecture == .x86_64)
  }

  @Test func whatIsNoneIsRefusedInOneLine() {
    let mistakes = [
      ("text", "a.json:1:1"), ("{}", "name"),
      (learned.replacing("ptrace", with: "pttrace"), "\"pttrace\" is no system call"),
      (learned.replacing("x86_64", with: "riscv64"), "\"riscv64\" is no architecture"),
      (learned.replacing("\"watchedOn\": \"x86_64\", ", with: ""), "was not learned"),
    ]
    for (text, message) in mistakes {
      let found = refused(text)
      #expect(found?.contains(message) ?? false, "\(found ?? "accepted"): \(text)")
      #expect(found?.contains("\n") == false)
    }
  }

  @Test func anotherProgramIsTold() throws {
    let watched = try file(
      learned.replacing("\"ptrace\"", with: "\"socket\", \"bind\", \"listen\", \"accept4\", \"unlink\""))
    #expect(throws: Never.self) { try JoinedCalls.check(watched, code: ["socket", "bind", "listen"], of: "/b") }
    #expect(throws: ProfileError.self) { try JoinedCalls.check(watched, code: ["read", "unlink"], of: "/b") }
    // What every program does says nothing.
    let common = try file(learned.replacing("\"ptrace\"", with: "\"mmap\", \"openat\", \"futex\""))
    #expect(throws: Never.self) { try JoinedCalls.check(common, code: ["write"], of: "/b") }
  }
}
