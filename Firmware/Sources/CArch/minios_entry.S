// The start of the mini-OS, its exception vectors, and what needs registers that Swift does not know.
#if defined(__aarch64__) && !defined(__linux__)
#include "minios_arch.h"

.arch armv8.2-a+fp+simd

// Descriptors: accessed, inner shareable, memory type 0, not executable at EL0; EL1 only.
#define PAGE 0x0040000000000703
#define BLOCK 0x0040000000000701
#define READ_ONLY 0x80
#define NO_EXECUTE 0x0020000000000000

// Pages behind the image.
#define LEVEL1 0
#define LINEAR_LEVEL2 1
#define LINEAR_LEVEL3 2
#define IMAGE_LEVEL2 3
#define IMAGE_LEVEL3 4
#define STACK 5
#define EMPTY 9
// Used until the MMU is on.
#define IDENTITY 16

// x0: the boot block, x1: exchange buffer, x2: size of the image, x3: size of RAM. The MMU is off.
.section .text.minios_entry, "ax"
.global minios_entry
minios_entry:
  mov x19, x0
  mov x20, x1
  mov x22, x3
  adrp x0, minios_bss
  add x0, x0, :lo12:minios_bss
  adrp x25, minios_end              // aligned to a page
  add x1, x25, #(20 * 4096)
0:
  stp xzr, xzr, [x0], #16
  cmp x0, x1
  b.lo 0b

  // RAM in blocks of 1 GiB, from 0xffffff8000000000.
  add x0, x25, #(LEVEL1 * 4096)
  ldr x10, =BLOCK
  ldr x11, =PAGE
  ldr x12, =NO_EXECUTE
  orr x13, x10, x12                 // data block
  orr x14, x11, x12                 // data page
  mov x1, #0x40000000
  mov x15, x1
  add x2, x1, x22                   // end of RAM
0:
  orr x3, x1, x13
  lsr x4, x1, #30
  str x3, [x0, x4, lsl #3]
  add x1, x1, x15
  cmp x1, x2
  b.lo 0b
  // The GiB with the boot block in blocks of 2 MiB.
  add x3, x25, #(LINEAR_LEVEL2 * 4096)
  orr x4, x3, #3
  lsr x5, x19, #30
  str x4, [x0, x5, lsl #3]
  lsl x1, x5, #30
  mov x6, #0
  mov x15, #0x200000
0:
  cmp x1, x2
  b.hs 1f
  orr x4, x1, x13
  str x4, [x3, x6, lsl #3]
1:
  add x1, x1, x15
  add x6, x6, #1
  cmp x6, #512
  b.lo 0b
  // The boot block in pages, without the image.
  add x4, x25, #(LINEAR_LEVEL3 * 4096)
  orr x5, x4, #3
  ubfx x6, x19, #21, #9
  str x5, [x3, x6, lsl #3]
  sub x5, x25, x19
  lsr x5, x5, #12
0:
  add x6, x19, x5, lsl #12
  orr x6, x6, x14
  str x6, [x4, x5, lsl #3]
  add x5, x5, #1
  cmp x5, #512
  b.lo 0b
  // The image: code, constants, data.
  add x3, x25, #(IMAGE_LEVEL2 * 4096)
  orr x4, x3, #3
  str x4, [x0, #(511 * 8)]
  add x4, x25, #(IMAGE_LEVEL3 * 4096)
  orr x5, x4, #3
  str x5, [x3]
  adrp x6, minios_text_end
  adrp x7, minios_rodata_end
  mov x1, x19
0:
  orr x5, x11, #READ_ONLY
  cmp x1, x6
  b.lo 1f
  orr x5, x5, x12
  cmp x1, x7
  b.lo 1f
  mov x5, x14
1:
  orr x5, x5, x1
  str x5, [x4], #8
  add x1, x1, #4096
  cmp x1, x25
  b.lo 0b
  // This code where it is now, for the moment in which the MMU comes on.
  add x3, x25, #(IDENTITY * 4096)
  add x4, x3, #4096
  orr x5, x4, #3
  ubfx x6, x19, #39, #9
  str x5, [x3, x6, lsl #3]
  add x5, x4, #4096
  orr x7, x5, #3
  ubfx x6, x19, #30, #9
  str x7, [x4, x6, lsl #3]
  ubfx x6, x19, #21, #9
  orr x7, x19, x10
  orr x7, x7, #0x800                // not global
  str x7, [x5, x6, lsl #3]
  dsb sy
  // What was written with the MMU off is in memory; nothing older may be in the caches.
  adrp x1, minios_bss
  add x1, x1, :lo12:minios_bss
  add x2, x25, #(20 * 4096)
0:
  dc ivac, x1
  add x1, x1, #64
  cmp x1, x2
  b.lo 0b
  dsb sy

  msr ttbr0_el1, x3
  msr ttbr1_el1, x0
  mov x1, #0xff
  msr mair_el1, x1
  // 48 bits below, 39 above, 4 KiB, 40 bits of addresses, cached tables, ASIDs of 16 bits.
  ldr x1, =0x12b5193510
  msr tcr_el1, x1
  bl minios_setup
  isb
  tlbi vmalle1
  dsb ish
  isb
  // M C SA SA0 EOS I DZE UCT nTWI nTWE TSCXT EIS SPAN UCI nTLSMD LSMAOE
  ldr x1, =0x34d5d81d
  msr sctlr_el1, x1
  isb
  ldr x1, =minios_high
  br x1
.ltorg

.text
minios_high:
  add x0, x25, #(EMPTY * 4096)
  msr ttbr0_el1, x0
  isb
  tlbi vmalle1is
  dsb ish
  isb
  // The stack in the linear map; below it is the image, which is not mapped there.
  mov x8, #0xffffff8000000000
  add x0, x25, #((STACK + 4) * 4096)
  add x8, x8, x0
  sub sp, x8, #(MINIOS_FRAME + MINIOS_HEAD)
  add x0, x25, #((EMPTY + 1) * 4096)
  add x1, x25, #(LEVEL1 * 4096)
  mov x2, x20
  mov x3, x8
  add x4, x25, #((STACK + 3) * 4096)
  mov x5, #0x200000
  add x5, x5, x19
  mov x6, x22
  add x7, x25, #(EMPTY * 4096)
  bl minios_boot
  b minios_return

// What every thread sets for itself.
minios_setup:
  ldr x1, =minios_vectors
  msr vbar_el1, x1
  mov x1, #(3 << 20)                // FP and SIMD
  msr cpacr_el1, x1
  mov x1, #2                        // programs read the counter
  msr cntkctl_el1, x1
  ret
.ltorg

// x0: the end of the thread's stack, x1: its exchange buffer.
.global minios_thread_entry
minios_thread_entry:
  sub sp, x0, #(MINIOS_FRAME + MINIOS_HEAD)
  mov x19, x1
  bl minios_setup
  isb
  ldr x0, [sp, #MINIOS_FRAME]
  mov x1, x19
  bl minios_start_child
  b minios_return

.macro save
  sub sp, sp, #(MINIOS_FRAME + MINIOS_HEAD)
  stp x0, x1, [sp]
  stp x2, x3, [sp, #16]
  stp x4, x5, [sp, #32]
  stp x6, x7, [sp, #48]
  stp x8, x9, [sp, #64]
  stp x10, x11, [sp, #80]
  stp x12, x13, [sp, #96]
  stp x14, x15, [sp, #112]
  stp x16, x17, [sp, #128]
  stp x18, x19, [sp, #144]
  stp x20, x21, [sp, #160]
  stp x22, x23, [sp, #176]
  stp x24, x25, [sp, #192]
  stp x26, x27, [sp, #208]
  stp x28, x29, [sp, #224]
  mrs x21, sp_el0
  mrs x22, elr_el1
  mrs x23, spsr_el1
  stp x30, x21, [sp, #240]
  stp x22, x23, [sp, #256]
.endm

// A fault of the kernel itself: the con-shim's thread ends. No stack is used, which may be what is broken.
.macro fatal
  mrs x2, esr_el1
  mrs x3, elr_el1
  mrs x4, far_el1
  b minios_fatal
.endm

.balign 2048
minios_vectors:
.rept 8                             // from EL1, with SP_EL0 or SP_EL1
  .balign 128
  fatal
.endr
  .balign 128                       // from EL0: synchronous
  save
  mrs x1, esr_el1
  ldr x0, [sp, #MINIOS_FRAME]
  lsr x2, x1, #26
  cmp x2, #0x15
  b.ne minios_other
  bl minios_system_call
  b minios_return
  .balign 128                       // interrupt: the Monitor says that signals came
  save
  b minios_interrupt
  .balign 128
  save
  b minios_interrupt
  .balign 128                       // SError
  fatal
.rept 4                             // from EL0 in 32 bits, which no program is
  .balign 128
  fatal
.endr

minios_interrupt:
  ldr x0, [sp, #MINIOS_FRAME]
  bl minios_interrupted
  b minios_return

minios_other:
  mrs x2, far_el1
  bl minios_exception

minios_return:
  ldp x22, x23, [sp, #256]
  ldp x30, x21, [sp, #240]
  msr sp_el0, x21
  msr elr_el1, x22
  msr spsr_el1, x23
  ldp x0, x1, [sp]
  ldp x2, x3, [sp, #16]
  ldp x4, x5, [sp, #32]
  ldp x6, x7, [sp, #48]
  ldp x8, x9, [sp, #64]
  ldp x10, x11, [sp, #80]
  ldp x12, x13, [sp, #96]
  ldp x14, x15, [sp, #112]
  ldp x16, x17, [sp, #128]
  ldp x18, x19, [sp, #144]
  ldp x20, x21, [sp, #160]
  ldp x22, x23, [sp, #176]
  ldp x24, x25, [sp, #192]
  ldp x26, x27, [sp, #208]
  ldp x28, x29, [sp, #224]
  add sp, sp, #(MINIOS_FRAME + MINIOS_HEAD)
  eret
  dsb nsh
  isb

minios_fatal:
  ldr x0, =0xc3000100
  mov x1, #3                        // ended, with syndrome and address of the instruction
  smc #0
  b minios_fatal

// x0: detail, x1: the word that says that the stack is free.
.global minios_end_thread
minios_end_thread:
  mov x2, x0
  mov x3, xzr
  stlr xzr, [x1]
  ldr x0, =0xc3000100
  mov x1, #3
  smc #0
  b .
.ltorg

// x0: 520 bytes: 32 registers, FPSR, FPCR.
.global minios_save_floats
minios_save_floats:
  .set n, 0
  stp q0, q1, [x0]
  stp q2, q3, [x0, #32]
  stp q4, q5, [x0, #64]
  stp q6, q7, [x0, #96]
  stp q8, q9, [x0, #128]
  stp q10, q11, [x0, #160]
  stp q12, q13, [x0, #192]
  stp q14, q15, [x0, #224]
  stp q16, q17, [x0, #256]
  stp q18, q19, [x0, #288]
  stp q20, q21, [x0, #320]
  stp q22, q23, [x0, #352]
  stp q24, q25, [x0, #384]
  stp q26, q27, [x0, #416]
  stp q28, q29, [x0, #448]
  stp q30, q31, [x0, #480]
  mrs x1, fpsr
  mrs x2, fpcr
  str w1, [x0, #512]
  str w2, [x0, #516]
  ret

.global minios_load_floats
minios_load_floats:
  ldp q0, q1, [x0]
  ldp q2, q3, [x0, #32]
  ldp q4, q5, [x0, #64]
  ldp q6, q7, [x0, #96]
  ldp q8, q9, [x0, #128]
  ldp q10, q11, [x0, #160]
  ldp q12, q13, [x0, #192]
  ldp q14, q15, [x0, #224]
  ldp q16, q17, [x0, #256]
  ldp q18, q19, [x0, #288]
  ldp q20, q21, [x0, #320]
  ldp q22, q23, [x0, #352]
  ldp q24, q25, [x0, #384]
  ldp q26, q27, [x0, #416]
  ldp q28, q29, [x0, #448]
  ldp q30, q31, [x0, #480]
  ldr w1, [x0, #512]
  ldr w2, [x0, #516]
  msr fpsr, x1
  msr fpcr, x2
  ret

// x0: a page. Zeroed by whole cache blocks, which are at most 2 KiB.
.global minios_zero_page
minios_zero_page:
  mrs x1, dczid_el0
  and x1, x1, #15
  mov x2, #4
  lsl x2, x2, x1
  add x3, x0, #4096
  cmp x2, #64
  b.ne 1f
0:
  dc zva, x0
  add x1, x0, #64
  dc zva, x1
  add x1, x0, #128
  dc zva, x1
  add x1, x0, #192
  dc zva, x1
  add x1, x0, #256
  dc zva, x1
  add x1, x0, #320
  dc zva, x1
  add x1, x0, #384
  dc zva, x1
  add x1, x0, #448
  dc zva, x1
  add x0, x0, #512
  cmp x0, x3
  b.lo 0b
  ret
1:
  dc zva, x0
  add x0, x0, x2
  cmp x0, x3
  b.lo 1b
  ret

// x0: from, x1: to. A page.
.global minios_copy_page
minios_copy_page:
  mov x2, #64
0:
  ldp x3, x4, [x0], #16
  ldp x5, x6, [x0], #16
  ldp x7, x8, [x0], #16
  ldp x9, x10, [x0], #16
  stp x3, x4, [x1], #16
  stp x5, x6, [x1], #16
  stp x7, x8, [x1], #16
  stp x9, x10, [x1], #16
  subs x2, x2, #1
  b.ne 0b
  ret

// x0: eight words, x1: blocks of 64 bytes, x2: how many. The registers are the program's, so they are saved.
.arch_extension sha2
.macro four_rounds word, constants, next=, third=, last=
  add v8.4s, \constants\().4s, \word\().4s
  mov v9.16b, v0.16b
  sha256h q0, q1, v8.4s
  sha256h2 q1, q9, v8.4s
  .ifnb \next
  sha256su0 \word\().4s, \next\().4s
  sha256su1 \word\().4s, \third\().4s, \last\().4s
  .endif
.endm
.global minios_hash
minios_hash:
  sub sp, sp, #416
  stp q0, q1, [sp]
  stp q2, q3, [sp, #32]
  stp q4, q5, [sp, #64]
  stp q6, q7, [sp, #96]
  stp q8, q9, [sp, #128]
  stp q16, q17, [sp, #160]
  stp q18, q19, [sp, #192]
  stp q20, q21, [sp, #224]
  stp q22, q23, [sp, #256]
  stp q24, q25, [sp, #288]
  stp q26, q27, [sp, #320]
  stp q28, q29, [sp, #352]
  stp q30, q31, [sp, #384]
  adrp x3, minios_round_constants
  add x3, x3, :lo12:minios_round_constants
  ld1 {v16.4s, v17.4s, v18.4s, v19.4s}, [x3], #64
  ld1 {v20.4s, v21.4s, v22.4s, v23.4s}, [x3], #64
  ld1 {v24.4s, v25.4s, v26.4s, v27.4s}, [x3], #64
  ld1 {v28.4s, v29.4s, v30.4s, v31.4s}, [x3]
  ld1 {v0.4s, v1.4s}, [x0]
0:
  ld1 {v4.16b, v5.16b, v6.16b, v7.16b}, [x1], #64
  rev32 v4.16b, v4.16b
  rev32 v5.16b, v5.16b
  rev32 v6.16b, v6.16b
  rev32 v7.16b, v7.16b
  mov v2.16b, v0.16b
  mov v3.16b, v1.16b
  four_rounds v4, v16, v5, v6, v7
  four_rounds v5, v17, v6, v7, v4
  four_rounds v6, v18, v7, v4, v5
  four_rounds v7, v19, v4, v5, v6
  four_rounds v4, v20, v5, v6, v7
  four_rounds v5, v21, v6, v7, v4
  four_rounds v6, v22, v7, v4, v5
  four_rounds v7, v23, v4, v5, v6
  four_rounds v4, v24, v5, v6, v7
  four_rounds v5, v25, v6, v7, v4
  four_rounds v6, v26, v7, v4, v5
  four_rounds v7, v27, v4, v5, v6
  four_rounds v4, v28
  four_rounds v5, v29
  four_rounds v6, v30
  four_rounds v7, v31
  add v0.4s, v0.4s, v2.4s
  add v1.4s, v1.4s, v3.4s
  subs x2, x2, #1
  b.ne 0b
  st1 {v0.4s, v1.4s}, [x0]
  ldp q0, q1, [sp]
  ldp q2, q3, [sp, #32]
  ldp q4, q5, [sp, #64]
  ldp q6, q7, [sp, #96]
  ldp q8, q9, [sp, #128]
  ldp q16, q17, [sp, #160]
  ldp q18, q19, [sp, #192]
  ldp q20, q21, [sp, #224]
  ldp q22, q23, [sp, #256]
  ldp q24, q25, [sp, #288]
  ldp q26, q27, [sp, #320]
  ldp q28, q29, [sp, #352]
  ldp q30, q31, [sp, #384]
  add sp, sp, #416
  ret

.section .rodata
.balign 16
minios_round_constants:
  .word 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5
  .word 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174
  .word 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da
  .word 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967
  .word 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85
  .word 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070
  .word 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3
  .word 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
#endif
