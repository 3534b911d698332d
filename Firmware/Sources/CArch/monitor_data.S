// Tables and memory of the Monitor.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

#define BLOCK 0x0000000000000441          // accessed, EL3 only
#define CACHED 0x304                      // inner shareable, MAIR 1
#define READ_ONLY 0x80
#define NON_SECURE 0x20
#define ROOT 0x800
#define NO_EXECUTE 0x0040000000000000

// The Monitor's translation, one to one: the first GiB in blocks of 2 MiB, RAM in blocks of 1 GiB. RAM is
// non-secure memory, as it is for everyone: never two physical addresses of one granule in the caches.
.section .rodata.monitor_map, "a"
.balign 4096
.global monitor_level1_map
monitor_level1_map:
  .quad monitor_level2_map + 3
  .set gib, 1
  .rept 4
  .quad (gib << 30) + BLOCK + CACHED + NON_SECURE + NO_EXECUTE
  .set gib, gib + 1
  .endr
  .fill 507, 8, 0
monitor_level2_map:
  .quad BLOCK + CACHED + READ_ONLY + ROOT                   // flash: this code and the mini-OS
  .fill 63, 8, 0
  .set block, 64
  .rept 16                                                  // 0x08000000: GIC, UART and the like
  .quad (block << 21) + BLOCK + ROOT + NO_EXECUTE
  .set block, block + 1
  .endr
  .fill 32, 8, 0
  .set block, 112
  .rept 8                                                   // 0x0e000000: secure RAM
  .quad (block << 21) + BLOCK + CACHED + ROOT + NO_EXECUTE
  .set block, block + 1
  .endr
  .fill 392, 8, 0

.section .bss.monitor_tables, "aw", %nobits
.global monitor_level0, monitor_stacks, monitor_host_contexts, \
  monitor_ledger, monitor_ready, monitor_lock
.balign 8192
monitor_level0: .skip 8192 * 26
.balign 64
monitor_stacks: .skip MONITOR_CPUS * MONITOR_STACK
monitor_host_contexts: .skip MONITOR_CPUS * CONTEXT_SIZE
monitor_ledger: .skip 0x4000
monitor_ready: .skip 64
monitor_lock: .skip 64
#endif
