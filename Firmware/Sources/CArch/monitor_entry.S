// Where every CPU starts, and how exceptions reach Swift.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

// All CPUs come here at once, at EL3 with the MMU off.
.section .text.monitor_entry, "ax"
.global monitor_entry
monitor_entry:
  msr daifset, #15
  adr x0, monitor_vectors
  msr vbar_el3, x0
  msr cptr_el3, xzr
  mov x0, #0xff00               // MAIR: 0 is a device, 1 is cached memory
  msr mair_el3, x0
  ldr x0, =0x80823519           // TCR: 39 bits of address, cached inner shareable walks, 40 bits of output
  msr tcr_el3, x0
  adrp x0, monitor_level1_map
  msr ttbr0_el3, x0
  tlbi alle3
  dsb sy
  isb
  ldr x0, =0x30cd183d           // SCTLR: MMU, caches, stack alignment, nothing that is writable is executed
  msr sctlr_el3, x0
  isb
  mrs x19, mpidr_el1
  and x19, x19, #0xffffff
  cmp x19, #MONITOR_CPUS
  b.lo 1f
0:wfi                           // one CPU too many
  b 0b
1:ldr x0, =monitor_stacks
  mov x1, #MONITOR_STACK
  add x2, x19, #1
  madd x0, x1, x2, x0
  sub x20, x0, #MONITOR_CPU_SIZE
  msr spsel, #1
  mov sp, x20
  cbnz x19, secondary

  // The first CPU: clears the Monitor's RAM, copies initial data, and starts Swift.
  ldr x0, =MONITOR_SRAM
  ldr x1, =MONITOR_SRAM_SIZE
  bl monitor_zero
  ldr x0, =monitor_data_start
  ldr x1, =monitor_data_load
  ldr x2, =monitor_data_end
  sub x2, x2, x0
  bl memcpy
  bl main
  b 0b

secondary:
  ldr x0, =monitor_ready
  ldar w1, [x0]
  cbnz w1, 1f
  wfe
  b secondary
1:mov x0, x20
  b monitor_secondary

// From a lower exception level. SP_EL3 points at struct monitor_cpu, whose first field is the context.
.macro lower kind
  .balign 128
  stp x0, x1, [sp, #-16]!
  ldr x0, [sp, #16]
  mov x1, #\kind
  b from_lower
.endm

// Never meant to happen.
.macro never
  .balign 128
  mrs x0, esr_el3
  mrs x1, elr_el3
  mrs x2, far_el3
  b monitor_failed
.endm

.section .text.monitor_vectors, "ax"
.balign 2048
monitor_vectors:
  .rept 8
  never
  .endr
  lower 0                       // synchronous
  lower 1                       // IRQ
  lower 1                       // FIQ
  lower 2                       // SError
  .rept 4
  never                         // AArch32 is not offered
  .endr

// x2 to x29, in pairs, in the context at x0.
.altmacro
.macro pair operation, first, second
  \operation x\first, x\second, [x0, #8 * \first]
.endm
.macro pairs operation
  .set n, 2
  .rept 14
  pair \operation, %n, %n+1
  .set n, n + 2
  .endr
.endm

from_lower:
  pairs stp
  str x30, [x0, #240]
  ldp x2, x3, [sp], #16
  stp x2, x3, [x0]
  mrs x2, elr_el3
  mrs x3, spsr_el3
  stp x2, x3, [x0, #CONTEXT_ELR]
  mov x0, sp
  bl monitor_exception
  mov x0, sp
.global monitor_leave
monitor_leave:
  mov sp, x0
  ldr x0, [sp]
  ldp x2, x3, [x0, #CONTEXT_ELR]
  msr elr_el3, x2
  msr spsr_el3, x3
  pairs ldp
  ldr x30, [x0, #240]
  ldp x0, x1, [x0]
  eret
  dsb nsh                       // nothing is executed past eret, not even speculatively
  isb
#endif
