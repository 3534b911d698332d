// The registers of a world that EL3 does not use itself, and memory operations.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

.macro each_pair operation
  \operation sctlr_el1, cpacr_el1, 0
  \operation ttbr0_el1, ttbr1_el1, 1
  \operation tcr_el1, mair_el1, 2
  \operation amair_el1, vbar_el1, 3
  \operation contextidr_el1, elr_el1, 4
  \operation spsr_el1, sp_el0, 5
  \operation sp_el1, esr_el1, 6
  \operation far_el1, afsr0_el1, 7
  \operation afsr1_el1, par_el1, 8
  \operation tpidr_el0, tpidrro_el0, 9
  \operation tpidr_el1, cntkctl_el1, 10
  \operation mdscr_el1, csselr_el1, 11
  \operation S3_0_C12_C1_1, pmuserenr_el0, 12    // DISR_EL1
.endm

.macro save first, second, index
  mrs x2, \first
  mrs x3, \second
  stp x2, x3, [x0, #CONTEXT_EL1 + 16 * \index - CONTEXT_EL1]
.endm

.macro load first, second, index
  ldp x2, x3, [x1, #CONTEXT_EL1 + 16 * \index - CONTEXT_EL1]
  msr \first, x2
  msr \second, x3
.endm

.macro fp_pairs operation, base
  \operation q0, q1, [\base]
  \operation q2, q3, [\base, #32]
  \operation q4, q5, [\base, #64]
  \operation q6, q7, [\base, #96]
  \operation q8, q9, [\base, #128]
  \operation q10, q11, [\base, #160]
  \operation q12, q13, [\base, #192]
  \operation q14, q15, [\base, #224]
  \operation q16, q17, [\base, #256]
  \operation q18, q19, [\base, #288]
  \operation q20, q21, [\base, #320]
  \operation q22, q23, [\base, #352]
  \operation q24, q25, [\base, #384]
  \operation q26, q27, [\base, #416]
  \operation q28, q29, [\base, #448]
  \operation q30, q31, [\base, #480]
.endm

.section .text.monitor_switch, "ax"
.arch_extension fp
.arch_extension simd
.global monitor_switch
monitor_switch:
  add x4, x0, #CONTEXT_FP
  fp_pairs stp, x4
  mrs x2, fpcr
  mrs x3, fpsr
  add x4, x4, #512
  stp x2, x3, [x4]
  add x0, x0, #CONTEXT_EL1
  each_pair save
  mov x0, x1
.global monitor_load
monitor_load:
  add x4, x0, #CONTEXT_FP
  fp_pairs ldp, x4
  add x4, x4, #512
  ldp x2, x3, [x4]
  msr fpcr, x2
  msr fpsr, x3
  add x1, x0, #CONTEXT_EL1
  each_pair load
  ret

.section .text.monitor_zero, "ax"
.global monitor_zero
monitor_zero:
  add x1, x0, x1
  mrs x2, dczid_el0
  and x2, x2, #15
  mov x3, #4
  lsl x2, x3, x2                // bytes that dc zva clears
1:cmp x0, x1
  b.hs 2f
  dc zva, x0
  add x0, x0, x2
  b 1b
2:dsb ish
  ret

.section .text.monitor_copy, "ax"
.global monitor_copy
monitor_copy:
  add x2, x1, x2
1:cmp x1, x2
  b.hs 2f
  ldp x3, x4, [x1], #16
  stp x3, x4, [x0], #16
  b 1b
2:ret

.section .text.monitor_clean, "ax"
.global monitor_clean
monitor_clean:
  add x1, x0, x1
1:cmp x0, x1
  b.hs 2f
  dc civac, x0
  add x0, x0, #64
  b 1b
2:dsb sy
  ret
#endif
