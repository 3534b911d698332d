// Start, exceptions and calls of a guest at EL1 in the place of Linux.
#if defined(__aarch64__) && !defined(__linux__)
#define BLOCK 0x701
.section .text.entry, "ax"
.global entry
entry:
  adrp x1, stack_end
  mov sp, x1
  mov x19, #0
  b 1f
.global second_entry
second_entry:
  adrp x1, second_stack_end
  mov sp, x1
  mov x19, #1
1:adr x1, vectors
  msr vbar_el1, x1
  adrp x1, map
  msr ttbr0_el1, x1
  mov x1, #0xff00               // MAIR: 0 is a device, 1 is cached memory
  msr mair_el1, x1
  movz x1, #0x3519              // TCR: 39 bits, inner shareable, cached; 40 bits of output
  movk x1, #0x0080, lsl #16     // EPD1
  movk x1, #2, lsl #32
  msr tcr_el1, x1
  mov x1, #(3 << 20)
  msr cpacr_el1, x1
  isb
  mrs x1, sctlr_el1
  orr x1, x1, #1
  orr x1, x1, #4
  orr x1, x1, #(1 << 12)
  msr sctlr_el1, x1
  isb
  cbnz x19, 2f
  bl main
  b .
2:bl second_main
  b .

.macro take number
  .balign 128
  sub sp, sp, #32
  stp x0, x1, [sp]
  adrp x0, faults
  add x0, x0, :lo12:faults
  mrs x1, esr_el1
  str x1, [x0, #8]
  mrs x1, far_el1
  str x1, [x0, #16]
  mrs x1, elr_el1
  add x1, x1, #4
  msr elr_el1, x1
  ldr x1, [x0]
  add x1, x1, #1
  str x1, [x0]
  ldp x0, x1, [sp]
  add sp, sp, #32
  eret
.endm

.balign 2048
vectors:
  .rept 16
  take
  .endr

// smc(struct call *): x0 to x6 are taken from it and put into it.
.global smc_call
smc_call:
  stp x19, x30, [sp, #-16]!
  mov x19, x0
  ldp x4, x5, [x19, #32]
  ldp x2, x3, [x19, #16]
  ldr x6, [x19, #48]
  ldp x0, x1, [x19]
  smc #0
  stp x0, x1, [x19]
  stp x2, x3, [x19, #16]
  stp x4, x5, [x19, #32]
  str x6, [x19, #48]
  ldp x19, x30, [sp], #16
  ret

.section .rodata.map, "a"
.balign 4096
map:
  .quad BLOCK | 3 << 53
  .set gib, 1
  .rept 4
  .quad (gib << 30) + BLOCK + 4
  .set gib, gib + 1
  .endr
  .fill 507, 8, 0

.section .bss.entry, "aw", %nobits
.balign 4096
.skip 65536
stack_end:
.skip 65536
second_stack_end:
.skip 64
.global faults
faults: .skip 64
#endif
