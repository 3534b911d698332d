/// Architectures whose calls the catalogue knows: those that a kernel for x86-64 or arm64 runs.
public enum Architecture: UInt8, CaseIterable, Sendable {
  case x86_64, i386, x32, aarch64, arm

  /// AUDIT_ARCH_* of `linux/audit.h`, as `seccomp_data.arch` tells it. x32 shares that of x86-64.
  public var auditValue: UInt32 {
    switch self {
    case .x86_64, .x32: 0xc000_003e
    case .i386: 0x4000_0003
    case .aarch64: 0xc000_00b7
    case .arm: 0x4000_0028
    }
  }

  /// Set in the number of every x32 call (`asm/unistd.h`, __X32_SYSCALL_BIT).
  public static let x32Bit: UInt32 = 0x4000_0000

  /// The architecture that this program is compiled for.
  public static var native: Architecture {
    #if arch(arm64)
      .aarch64
    #else
      .x86_64
    #endif
  }
}
