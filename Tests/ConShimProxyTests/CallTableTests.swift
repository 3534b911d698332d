import SyscallCatalogue
import Testing

@testable import ConShimProxy

@Suite struct CallTableTests {
  @Test func numbersAreThoseOfArm64() {
    for call in CallTable.all {
      #expect(SyscallCatalogue.number(call.name.description, on: .aarch64) == UInt32(call.number), "\(call.name)")
    }
  }

  @Test func everyCallIsFound() {
    for call in CallTable.all { #expect(CallTable.call(UInt64(call.number))?.number == call.number) }
  }

  @Test func argumentsAreNotPointersAndDescriptorsAtOnce() {
    for call in CallTable.all { #expect(call.pointers & call.descriptors == 0 && call.pointers < 64) }
  }

  @Test(arguments: [
    "mmap", "munmap", "mprotect", "mremap", "brk", "clone", "clone3", "execve", "execveat", "ptrace", "seccomp",
    "process_vm_readv", "process_vm_writev", "rseq", "set_robust_list", "set_tid_address", "futex", "shmat",
    "io_uring_setup", "userfaultfd", "bpf", "rt_sigreturn", "sigaltstack", "personality", "init_module",
  ])
  func whatWouldChangeTheProxyIsRefused(_ name: String) throws {
    let number = try #require(SyscallCatalogue.number(name, on: .aarch64))
    #expect(CallTable.call(UInt64(number)) == nil)
  }

  @Test(arguments: [UInt64.max, 1 << 63, 512, 4096, 0x10000, 65536 + 56] as [UInt64])
  func strangeNumbersAreUnknown(_ number: UInt64) { #expect(CallTable.call(number) == nil) }
}
