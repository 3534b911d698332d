// Memory operations of the Monitor.
#if defined(__aarch64__) && !defined(__linux__)
#include "monitor_arch.h"

void monitor_zero(uintptr_t start, uintptr_t size) {
  uint64_t id;
  __asm__("mrs %0, dczid_el0" : "=r"(id));
  const uintptr_t block = 4ul << (id & 15);
  for (uintptr_t at = start; at < start + size; at += block) __asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
  data_barrier();
}

void monitor_clean(uintptr_t start, uintptr_t size) {
  for (uintptr_t at = start; at < start + size; at += 64) __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
  __asm__ volatile("dsb sy" : : : "memory");
}
#endif
