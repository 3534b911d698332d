// A con-shim for tests of the Monitor, in the place of the mini-OS: it does what the exchange buffer says.
// Position-independent; runs with the MMU off. Each thread starts at its first byte with x1: exchange buffer.
// Exchange buffer: 16: result, 24: command, 32…80: x0…x6 of an SMC or an address; 128…: x0…x5 that it answered.

#define EXIT 0xc3000100
#define FORWARD 1

.macro immediate register, value
  movz \register, #((\value) & 0xffff)
  movk \register, #(((\value) >> 16) & 0xffff), lsl #16
.endm

start:
  mov x28, x0                   // block, or the argument of a thread
  mov x29, x1
  mov x27, #0                   // exceptions that were taken
  adr x9, vectors
  msr vbar_el1, x9
  mov x9, #(3 << 20)
  msr cpacr_el1, x9
  isb
  str x0, [x29, #128]
  str x2, [x29, #136]
  str x3, [x29, #144]
  mrs x9, sctlr_el1
  str x9, [x29, #152]
  mov x2, #77
next:
  immediate x0, EXIT
  mov x1, #FORWARD
  mov x3, x27
  smc #0
  str x0, [x29, #184]
  mov x27, #0
  mov x2, #0
  ldr x9, [x29, #24]
  adr x10, table
  add x10, x10, x9, lsl #2
  br x10
table:
  b next                        // 0
  b end                         // 1
  b spin                        // 2
  b read                        // 3
  b write                       // 4
  b call                        // 5
  b keep                        // 6
  b trap                        // 7
  b jump                        // 8
  b floats                      // 9

end:
  immediate x0, EXIT
  mov x1, #3
  mov x2, #42
  smc #0
  b .                           // not reached

spin:                           // until the host writes the command 0
  ldr x10, [x29, #16]
  add x10, x10, #1
  str x10, [x29, #16]
  yield                         // with -icount only one CPU runs at a time
  ldr x9, [x29, #24]
  cbnz x9, spin
  b next

read:
  ldr x10, [x29, #32]
  ldr x2, [x10]
  b next

write:
  ldr x10, [x29, #32]
  ldr x11, [x29, #40]
  str x11, [x10]
  dsb sy
  b next

call:
  ldp x0, x1, [x29, #32]
  ldp x2, x3, [x29, #48]
  ldp x4, x5, [x29, #64]
  smc #0
  stp x0, x1, [x29, #128]
  stp x2, x3, [x29, #144]
  stp x4, x5, [x29, #160]
  mov x2, x0
  b next

keep:                           // registers keep what they have while the host runs
  ldr x9, [x29, #32]
  dup v0.2d, x9
  dup v31.2d, x9
  msr tpidr_el0, x9
  msr tpidr_el1, x9
  msr contextidr_el1, x9
  msr ttbr0_el1, x9
  msr sp_el0, x9
  mov x19, x9
  immediate x0, EXIT
  mov x1, #FORWARD
  mov x2, #0
  mov x3, #0
  smc #0
  mov x2, #0
  umov x10, v0.d[1]
  eor x10, x10, x9
  orr x2, x2, x10
  umov x10, v31.d[0]
  eor x10, x10, x9
  orr x2, x2, x10
  mrs x10, tpidr_el0
  eor x10, x10, x9
  orr x2, x2, x10
  mrs x10, tpidr_el1
  eor x10, x10, x9
  orr x2, x2, x10
  mrs x10, ttbr0_el1
  eor x10, x10, x9
  orr x2, x2, x10
  mrs x10, sp_el0
  eor x10, x10, x9
  orr x2, x2, x10
  eor x10, x19, x9
  orr x2, x2, x10
  b next

floats:                         // what the registers have that nobody set
  umov x2, v0.d[1]
  umov x9, v31.d[0]
  orr x2, x2, x9
  mrs x9, fpsr
  orr x2, x2, x9
  b next

trap:                           // what has to be undefined: 8 instructions
  mov x9, #0
  msr cntv_ctl_el0, x9          // the host's timer
  msr cntp_ctl_el0, x9
  mrs x9, S3_0_C12_C12_0        // ICC_IAR1_EL1: the host's interrupts
  msr S3_0_C12_C11_5, x9        // ICC_SGI1R_EL1
  msr mdscr_el1, x9             // debug
  msr pmcr_el0, x9              // counters
  hvc #0
  dc isw, x9
  b next

jump:
  ldr x10, [x29, #32]
  br x10

// Synchronous exceptions from the same level: counted, and the instruction is skipped.
.balign 2048
vectors:
  .skip 0x200
  mrs x26, elr_el1
  add x26, x26, #4
  msr elr_el1, x26
  mrs x26, esr_el1
  str x26, [x29, #192]
  add x27, x27, #1
  eret
  .balign 2048
