import CArch

/// What the system registers of EL3 and EL2 are while a world runs. Arm ARM (DDI 0487), chapter D24.
struct WorldRegisters {
  var secureConfiguration: UInt64
  var hypervisorConfiguration: UInt64
  var debugConfiguration: UInt64
  var trapConfiguration: UInt64
  var timerConfiguration: UInt64

  /// SCR_EL3: NS, RW, and bits that are one (4, 5); FGTEn, HXEn; GPF: granule protection faults come here.
  private static let common: UInt64 = 1 << 0 | 1 << 10 | 3 << 4 | 1 << 27 | 1 << 38 | 1 << 48

  /// SCR_EL3: pointer authentication is the host's (APK, API). Interrupts and HVC stay with EL1.
  /// HCR_EL2: VM, RW, APK, API, EnSCXT, ATA. CNTHCTL_EL2: all counters and timers.
  static let host = WorldRegisters(
    secureConfiguration: common | 3 << 16,
    hypervisorConfiguration: 1 << 0 | 1 << 31 | 3 << 40 | 1 << 53 | 1 << 56,
    debugConfiguration: 0, trapConfiguration: 0, timerConfiguration: 3)

  /// What a con-shim has no business with is trapped and undefined for it, and the host's state so out of reach.
  /// SCR_EL3: IRQ, FIQ (with them the registers of the GIC), EA, TLOR, TERR. HCR_EL2: RW, TIDCP, TACR, TSW, TLOR,
  /// TERR. MDCR_EL3: debug (TDA, TDOSA), trace (TTRF), counters (TPM). CPTR_EL3: TTA, TAM. CNTHCTL_EL2: the
  /// counters can be read; EL1TVT: the timers are the host's.
  static let shim = WorldRegisters(
    secureConfiguration: common | 7 << 1 | 3 << 14,
    hypervisorConfiguration: 1 << 31 | 7 << 20 | 3 << 35,
    debugConfiguration: 1 << 6 | 3 << 9 | 1 << 19, trapConfiguration: 1 << 20 | 1 << 30,
    timerConfiguration: 1 << 0 | 1 << 13)

  /// - Parameters:
  ///   - translation: VTTBR_EL2, with the VMID.
  ///   - protection: address of the level 0 granule protection table.
  ///   - floats: whether the world's FP/SIMD registers are on this CPU. If not, their use is trapped: CPTR_EL3.TFP.
  func load(translation: UInt64, protection: UInt64, floats: Bool) {
    write_scr_el3(secureConfiguration)
    write_hcr_el2(hypervisorConfiguration)
    write_mdcr_el3(debugConfiguration)
    write_cptr_el3(trapConfiguration | (floats ? 0 : 1 << 10))
    write_cnthctl_el2(timerConfiguration)
    write_vttbr_el2(translation)
    write_gptbr_el3(protection >> 12)
    forget_protection_here()
  }

  /// Those registers of this CPU that are the same for all worlds and never change.
  static func setUpCPU() {
    write_scr_el3(host.secureConfiguration)
    instruction_barrier()
    write_gptbr_el3(Tables.host >> 12)
    instruction_barrier()
    // PPS: 40 bits, PGS: 4 KiB; walks are cached and inner shareable; GPC: on.
    write_gpccr_el3(0x13502)
    forget_protection_here()
    // EL2 has no code: an exception there fetches from flash, which is a granule protection fault. See
    // `exceptionAtEL2`.
    write_sctlr_el2(0x30c5_0830)
    write_vbar_el2(0)
    write_cptr_el2(0x33ff)
    write_vpidr_el2(read_midr())
    write_vmpidr_el2(read_mpidr())
    write_cntvoff_el2(0)
    // 40 bits from level 1 on: two concatenated tables; cached, inner shareable.
    write_vtcr_el2(0x8002_3558)
    // Fine-grained traps whose zero means to trap; MSCEn: memory copy instructions work.
    write_hfgrtr_el2(0xfffc_0000_0000_0000)
    write_hfgwtr_el2(0xfffc_0000_0000_0000)
    write_hfgitr_el2(0x0180_0000_0000_0000)
    write_hcrx_el2(1 << 11)
  }

  /// SCTLR_EL1 with the MMU off: the bits that are one.
  static let translationOff: UInt64 = 0x30d0_0800
  /// SPSR: EL1 with its own stack pointer, exceptions masked.
  static let el1Masked: UInt64 = 0x3c5
  /// MDSCR_EL1.TDCC: no debug communication from EL0; everything else is off.
  static let noDebug: UInt64 = 1 << 12
}
