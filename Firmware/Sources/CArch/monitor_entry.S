// Where every CPU starts, and how exceptions reach Swift.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

.macro immediate register, value
  movz \register, #((\value) & 0xffff)
  movk \register, #(((\value) >> 16) & 0xffff), lsl #16
.endm

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
  immediate x0, 0x80823519      // TCR: 39 bits of address, cached inner shareable walks, 40 bits of output
  msr tcr_el3, x0
  adrp x0, monitor_level1_map
  msr ttbr0_el3, x0
  tlbi alle3
  dsb sy
  isb
  immediate x0, 0x30cd183d      // SCTLR: MMU, caches, stack alignment, nothing that is writable is executed
  msr sctlr_el3, x0
  isb
  mrs x19, mpidr_el1
  and x19, x19, #0xffffff
  cmp x19, #MONITOR_CPUS
  b.lo 1f
0:wfi                           // one CPU too many
  b 0b
1:adrp x0, monitor_stacks
  add x0, x0, :lo12:monitor_stacks
  mov x1, #MONITOR_STACK
  add x2, x19, #1
  madd x0, x1, x2, x0
  sub x20, x0, #MONITOR_CPU_SIZE
  msr spsel, #1
  mov sp, x20
  cbnz x19, secondary

  // The first CPU: clears the Monitor's RAM, copies initial data, and starts Swift.
  immediate x0, MONITOR_SRAM
  immediate x1, MONITOR_SRAM_SIZE
  bl monitor_zero
  adrp x0, monitor_data_start
  add x0, x0, :lo12:monitor_data_start
  adrp x1, monitor_data_load
  add x1, x1, :lo12:monitor_data_load
  adrp x2, monitor_data_end
  add x2, x2, :lo12:monitor_data_end
  sub x2, x2, x0
  bl monitor_copy
  str x19, [x20, #16]
  bl main
  b 0b

secondary:
  adrp x0, monitor_ready
  add x0, x0, :lo12:monitor_ready
  ldar w1, [x0]
  cbnz w1, 1f
  wfe
  b secondary
1:mov x0, x20
  str x19, [x20, #16]
  b monitor_secondary

// From a lower exception level. SP_EL3 points at struct monitor_cpu, whose first field is the context.
.macro lower kind
  .balign 128
  stp x0, x1, [sp, #-16]!
  ldr x0, [sp, #16]
  stp x2, x3, [x0, #16]
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

from_lower:
  stp x4, x5, [x0, #32]
  stp x6, x7, [x0, #48]
  stp x8, x9, [x0, #64]
  stp x10, x11, [x0, #80]
  stp x12, x13, [x0, #96]
  stp x14, x15, [x0, #112]
  stp x16, x17, [x0, #128]
  stp x18, x19, [x0, #144]
  stp x20, x21, [x0, #160]
  stp x22, x23, [x0, #176]
  stp x24, x25, [x0, #192]
  stp x26, x27, [x0, #208]
  stp x28, x29, [x0, #224]
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
  ldr x30, [x0, #240]
  ldp x28, x29, [x0, #224]
  ldp x26, x27, [x0, #208]
  ldp x24, x25, [x0, #192]
  ldp x22, x23, [x0, #176]
  ldp x20, x21, [x0, #160]
  ldp x18, x19, [x0, #144]
  ldp x16, x17, [x0, #128]
  ldp x14, x15, [x0, #112]
  ldp x12, x13, [x0, #96]
  ldp x10, x11, [x0, #80]
  ldp x8, x9, [x0, #64]
  ldp x6, x7, [x0, #48]
  ldp x4, x5, [x0, #32]
  ldp x2, x3, [x0, #16]
  ldp x0, x1, [x0]
  eret
  dsb nsh                       // nothing is executed past eret, not even speculatively
  isb
#endif
