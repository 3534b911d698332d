// What the mini-OS needs that Swift does not say. Included by assembly too.
#ifndef MINIOS_ARCH_H
#define MINIOS_ARCH_H

// Bytes of TrapFrame in MiniOSKernel, and of what is above it on a kernel stack.
#define MINIOS_FRAME 288
#define MINIOS_HEAD 16

#ifndef __ASSEMBLER__
#include <stdint.h>
#if defined(__aarch64__) && !defined(__linux__)

struct minios_answer {
  uint64_t error, values[4];
};

// A call to the Monitor: number and three arguments.
static inline struct minios_answer minios_call(uint64_t call, uint64_t a, uint64_t b, uint64_t c) {
  register uint64_t x0 __asm__("x0") = call;
  register uint64_t x1 __asm__("x1") = a;
  register uint64_t x2 __asm__("x2") = b;
  register uint64_t x3 __asm__("x3") = c;
  register uint64_t x4 __asm__("x4") = 0;
  __asm__ volatile("smc #0"
                   : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
                   :
                   : "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory",
                     "cc");
  struct minios_answer answer = {x0, {x1, x2, x3, x4}};
  return answer;
}

static inline _Bool minios_replace(uint64_t *word, uint64_t old, uint64_t value) {
  return __atomic_compare_exchange_n(word, &old, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
static inline void minios_fence(void) { __asm__ volatile("dmb ish" : : : "memory"); }
static inline uint64_t minios_take(uint64_t *word) { return __atomic_exchange_n(word, 0, __ATOMIC_ACQ_REL); }

static inline void minios_extend(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  register uint64_t x0 __asm__("x0") = 0xc3000105;
  register uint64_t x1 __asm__("x1") = a;
  register uint64_t x2 __asm__("x2") = b;
  register uint64_t x3 __asm__("x3") = c;
  register uint64_t x4 __asm__("x4") = d;
  __asm__ volatile("smc #0"
                   : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
                   :
                   : "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory",
                     "cc");
}

// Whether there are instructions for SHA-256 (ID_AA64ISAR0_EL1.SHA2).
static inline _Bool minios_can_hash(void) {
  uint64_t value;
  __asm__("mrs %0, id_aa64isar0_el1" : "=r"(value));
  return (value >> 12 & 15) != 0;
}
// SHA-256: eight words, and blocks of 64 bytes (at least one).
void minios_hash(void *state, const void *data, uint64_t blocks);

static inline uint64_t minios_counter(void) {
  uint64_t value;
  __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(value));
  return value;
}
static inline uint64_t minios_frequency(void) {
  uint64_t value;
  __asm__("mrs %0, cntfrq_el0" : "=r"(value));
  return value;
}
static inline uint64_t minios_thread_pointer(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(value));
  return value;
}
static inline void minios_set_thread_pointer(uint64_t value) { __asm__ volatile("msr tpidr_el0, %0" : : "r"(value)); }

static inline void minios_switch(uint64_t root, uint64_t asid) {
  __asm__ volatile("msr ttbr0_el1, %0\n isb" : : "r"(root | asid << 48) : "memory");
}
static inline void minios_invalidate(uint64_t address, uint64_t asid) {
  __asm__ volatile("dsb ishst\n tlbi vae1is, %0\n dsb ish\n isb" : : "r"(address >> 12 | asid << 48) : "memory");
}
static inline void minios_invalidate_all(uint64_t asid) {
  __asm__ volatile("dsb ishst\n tlbi aside1is, %0\n dsb ish\n isb" : : "r"(asid << 48) : "memory");
}
static inline void minios_publish(void) { __asm__ volatile("dsb ishst\n isb" : : : "memory"); }

// Makes what was written to a page the code that all CPUs see. An address of 0: all pages that were written; caches
// of data are clean to the point of unification on this machine (CTR_EL0.IDC) or cleaned by page.
static inline void minios_synchronize_code(uint64_t page) {
  if (page != 0)
    for (uint64_t line = page; line < page + 4096; line += 64) __asm__ volatile("dc cvau, %0" : : "r"(line) : "memory");
  __asm__ volatile("dsb ish\n ic ialluis\n dsb ish\n isb" : : : "memory");
}

void minios_end_thread(uint64_t detail, uint64_t *state) __attribute__((noreturn));
void minios_thread_entry(void);
static inline uint64_t minios_thread_start(void) { return (uint64_t)&minios_thread_entry; }
void minios_save_floats(void *to);
void minios_load_floats(const void *from);
void minios_zero_page(void *page);
void minios_copy_page(const void *from, void *to);
#endif
#endif
#endif
