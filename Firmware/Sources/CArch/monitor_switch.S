// The registers of a world that EL3 does not use itself.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

// The last two are DISR_EL1 and PMUSERENR_EL0.
.macro all_pairs operation
  .irp pair, "sctlr_el1, cpacr_el1", "ttbr0_el1, ttbr1_el1", "tcr_el1, mair_el1", "amair_el1, vbar_el1", \
    "contextidr_el1, elr_el1", "spsr_el1, sp_el0", "sp_el1, esr_el1", "far_el1, afsr0_el1", "afsr1_el1, par_el1", \
    "tpidr_el0, tpidrro_el0", "tpidr_el1, cntkctl_el1", "mdscr_el1, csselr_el1", "S3_0_C12_C1_1, pmuserenr_el0"
  \operation \pair
  .endr
.endm

.macro save first, second
  mrs x2, \first
  mrs x3, \second
  stp x2, x3, [x0], #16
.endm

.macro load first, second
  ldp x2, x3, [x1], #16
  msr \first, x2
  msr \second, x3
.endm

.macro all_floats operation
  .irp four, "v0.2d-v3.2d", "v4.2d-v7.2d", "v8.2d-v11.2d", "v12.2d-v15.2d", \
    "v16.2d-v19.2d", "v20.2d-v23.2d", "v24.2d-v27.2d", "v28.2d-v31.2d"
  \operation {\four}, [x0], #64
  .endr
.endm

.section .text.monitor_switch, "ax"
.arch_extension fp
.arch_extension simd
.global monitor_switch
monitor_switch:
  add x0, x0, #CONTEXT_EL1
  all_pairs save
  mov x0, x1
.global monitor_load
monitor_load:
  add x1, x0, #CONTEXT_EL1
  all_pairs load
  ret

.global monitor_save_floats
monitor_save_floats:
  add x0, x0, #CONTEXT_FP
  all_floats st1
  mrs x2, fpcr
  mrs x3, fpsr
  stp x2, x3, [x0]
  ret

.global monitor_load_floats
monitor_load_floats:
  add x0, x0, #CONTEXT_FP
  all_floats ld1
  ldp x2, x3, [x0]
  msr fpcr, x2
  msr fpsr, x3
  ret
#endif
