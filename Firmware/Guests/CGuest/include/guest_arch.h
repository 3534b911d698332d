// What a guest in the place of Linux needs that Swift does not say.
#ifndef GUEST_ARCH_H
#define GUEST_ARCH_H
#include <stdint.h>

struct call {
  uint64_t x0, x1, x2, x3, x4, x5, x6;
};
void smc_call(struct call *call);

// Exceptions that were taken: each skips its instruction.
struct faults {
  uint64_t count, syndrome, address;
};
extern volatile struct faults faults;
static inline struct faults read_faults(void) {
  return (struct faults){faults.count, faults.syndrome, faults.address};
}

#if defined(__aarch64__)
#define GUEST_INLINE static inline __attribute__((always_inline))
GUEST_INLINE uint64_t peek(uint64_t address) {
  uint64_t value = 0xdead;
  __asm__ volatile("dsb sy\n ldr %0, [%1]\n dsb sy" : "+r"(value) : "r"(address) : "memory");
  return value;
}
GUEST_INLINE void poke(uint64_t address, uint64_t value) {
  __asm__ volatile("dsb sy\n str %0, [%1]\n dsb sy" : : "r"(value), "r"(address) : "memory");
}
GUEST_INLINE void poke32(uint64_t address, uint32_t value) {
  __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}
// For loops that wait for another CPU: with -icount only one runs at a time.
GUEST_INLINE void yield_here(void) { __asm__ volatile("yield" : : : "memory"); }
GUEST_INLINE uint64_t counter(void) {
  uint64_t value;
  __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(value) : : "memory");
  return value;
}
GUEST_INLINE uint64_t frequency(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
  return value;
}
// The virtual timer, interrupt 27, in so many ticks.
GUEST_INLINE void start_timer(uint64_t ticks) {
  __asm__ volatile("msr cntv_tval_el0, %0\n msr cntv_ctl_el0, %1\n isb" : : "r"(ticks), "r"(1ul) : "memory");
}
GUEST_INLINE void stop_timer(void) { __asm__ volatile("msr cntv_ctl_el0, xzr\n isb" : : : "memory"); }
GUEST_INLINE uint64_t timer_control(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, cntv_ctl_el0" : "=r"(value));
  return value;
}
GUEST_INLINE void set_up_interrupts(void) {
  __asm__ volatile("msr S3_0_C4_C6_0, %0\n msr S3_0_C12_C12_7, %1\n isb" : : "r"(0xfful), "r"(1ul) : "memory");
}
GUEST_INLINE uint64_t acknowledge(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, S3_0_C12_C12_0\n msr S3_0_C12_C12_1, %0\n isb" : "=r"(value) : : "memory");
  return value;
}
// Registers that a con-shim sets to other values.
GUEST_INLINE void set_registers(uint64_t value) {
  __asm__ volatile(".arch_extension fp\n .arch_extension simd\n dup v0.2d, %0\n dup v31.2d, %0\n msr tpidr_el0, %0\n"
                   " msr tpidr_el1, %0\n msr contextidr_el1, %0\n msr tpidrro_el0, %0\n isb" : : "r"(value) : "memory");
}
GUEST_INLINE uint64_t changed_registers(uint64_t value) {
  uint64_t a, b, c, d, e;
  __asm__ volatile(".arch_extension fp\n .arch_extension simd\n umov %0, v0.d[1]\n umov %1, v31.d[0]\n"
                   " mrs %2, tpidr_el0\n mrs %3, tpidr_el1\n mrs %4, contextidr_el1"
                   : "=r"(a), "=r"(b), "=r"(c), "=r"(d), "=r"(e));
  return (a ^ value) | (b ^ value) | (c ^ value) | (d ^ value) | ((uint32_t)e ^ (uint32_t)value);
}
GUEST_INLINE uint64_t second_entry_address(void) {
  extern unsigned char second_entry[];
  return (uint64_t)second_entry;
}
#endif
#endif
