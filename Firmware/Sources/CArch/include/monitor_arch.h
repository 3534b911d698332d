// What the Monitor needs that Swift does not say: system registers, device memory, a lock, and the shapes that
// it shares with assembly. Included by assembly too.
#ifndef MONITOR_ARCH_H
#define MONITOR_ARCH_H

// Secure RAM of the machine, all of it the Monitor's. docs/cca.md, "Memory of the machine".
#define MONITOR_SRAM 0x0e000000
#define MONITOR_SRAM_SIZE 0x01000000
// Data, stacks and tables that the linker places are below; the rest is laid out here.
#define MONITOR_LEDGER 0x0e100000         // a byte per granule of 4 GiB
#define MONITOR_DEVICE_GPTS 0x0e200000    // level 1 of the first GiB: the host's, then the con-shims'
#define MONITOR_HOST_GPTS 0x0e240000      // level 1 of RAM, 4 tables
#define MONITOR_SHIM_GPTS 0x0e300000      // level 1 of RAM, 4 tables per con-shim
#define MONITOR_CONTEXTS 0x0ef00000       // 1 KiB per thread
// The start of flash is the Monitor, then comes the mini-OS: its size in bytes, and a granule later the image.
#define MONITOR_IMAGE_SIZE_AT 0x40000
#define MONITOR_IMAGE 0x41000

#define MONITOR_CPUS 8
#define MONITOR_STACK 0x4000
// Bytes of struct monitor_cpu, at the end of a stack.
#define MONITOR_CPU_SIZE 64

// Offsets in struct monitor_context.
#define CONTEXT_ELR 248
#define CONTEXT_EL1 264
#define CONTEXT_FP 480
#define CONTEXT_SIZE 1024

#ifndef __ASSEMBLER__
#include <stdint.h>

// Everything of a world that another world could read or change. The order is that of monitor_switch.S.
struct monitor_context {
  uint64_t x[31];
  uint64_t elr, spsr;  // ELR_EL3 and SPSR_EL3: where the world goes on
  uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar, contextidr, elr_el1, spsr_el1, sp_el0, sp_el1;
  uint64_t esr, far, afsr0, afsr1, par, tpidr_el0, tpidrro, tpidr_el1, cntkctl, mdscr, csselr, disr;
  uint64_t pmuserenr;
  uint64_t floats_cpu;  // whose FP/SIMD registers were loaded from here last: the CPU's index plus one, or 0
  uint64_t fp[64];
  uint64_t fpcr, fpsr;
};
_Static_assert(__builtin_offsetof(struct monitor_context, elr) == CONTEXT_ELR, "layout");
_Static_assert(__builtin_offsetof(struct monitor_context, sctlr) == CONTEXT_EL1, "layout");
_Static_assert(__builtin_offsetof(struct monitor_context, fp) == CONTEXT_FP, "layout");
_Static_assert(sizeof(struct monitor_context) <= CONTEXT_SIZE, "layout");

// A CPU. SP_EL3 points at it while a lower exception level runs; assembly knows the first field.
struct monitor_cpu {
  struct monitor_context *current;  // whose registers the CPU has
  struct monitor_context *host;
  uint64_t index;
  uint64_t slot;    // while a con-shim runs: its slot and context
  uint64_t thread;
  uint64_t power;   // Power; changed under the lock
  struct monitor_context *floats;  // whose FP/SIMD registers the CPU has; null: nobody's
  uint64_t unused;
};
_Static_assert(sizeof(struct monitor_cpu) == MONITOR_CPU_SIZE, "layout");

#define UNSAFE __attribute__((swift_attr("unsafe")))

#if defined(__aarch64__)
#define MONITOR_INLINE static inline __attribute__((always_inline))

UNSAFE MONITOR_INLINE uint32_t mmio_read(uintptr_t address) { return *(volatile uint32_t *)address; }
UNSAFE MONITOR_INLINE void mmio_write(uintptr_t address, uint32_t value) { *(volatile uint32_t *)address = value; }

#define READABLE(name, encoding)                  \
  MONITOR_INLINE uint64_t read_##name(void) {     \
    uint64_t value;                               \
    __asm__ volatile("mrs %0, " encoding : "=r"(value) : : "memory"); \
    return value;                                 \
  }
#define WRITABLE(name, encoding)                     \
  MONITOR_INLINE void write_##name(uint64_t value) { \
    __asm__ volatile("msr " encoding ", %0" : : "r"(value) : "memory"); \
  }

READABLE(mpidr, "mpidr_el1")
READABLE(midr, "midr_el1")
READABLE(esr_el3, "esr_el3")
READABLE(far_el3, "far_el3")
READABLE(elr_el2, "elr_el2")
READABLE(spsr_el2, "spsr_el2")
READABLE(vbar_el1, "vbar_el1")
READABLE(sctlr_el1, "sctlr_el1")
READABLE(icc_iar0, "S3_0_C12_C8_0")
READABLE(rndr, "S3_3_C2_C4_0")
WRITABLE(elr_el1, "elr_el1")
WRITABLE(spsr_el1, "spsr_el1")
WRITABLE(far_el1, "far_el1")
WRITABLE(esr_el1, "esr_el1")
WRITABLE(sctlr_el2, "sctlr_el2")
WRITABLE(scr_el3, "scr_el3")
WRITABLE(mdcr_el3, "mdcr_el3")
WRITABLE(cptr_el3, "cptr_el3")
WRITABLE(cptr_el2, "cptr_el2")
WRITABLE(hcr_el2, "hcr_el2")
WRITABLE(hcrx_el2, "S3_4_C1_C2_2")
WRITABLE(hfgrtr_el2, "S3_4_C1_C1_4")
WRITABLE(hfgwtr_el2, "S3_4_C1_C1_5")
WRITABLE(hfgitr_el2, "S3_4_C1_C1_6")
WRITABLE(vtcr_el2, "vtcr_el2")
WRITABLE(vttbr_el2, "vttbr_el2")
WRITABLE(vbar_el2, "vbar_el2")
WRITABLE(vpidr_el2, "vpidr_el2")
WRITABLE(vmpidr_el2, "vmpidr_el2")
WRITABLE(cntvoff_el2, "cntvoff_el2")
WRITABLE(cnthctl_el2, "cnthctl_el2")
WRITABLE(gptbr_el3, "S3_6_C2_C1_4")
WRITABLE(gpccr_el3, "S3_6_C2_C1_6")
WRITABLE(icc_sre_el3, "S3_6_C12_C12_5")
WRITABLE(icc_sre_el2, "S3_4_C12_C9_5")
WRITABLE(icc_sre_el1, "S3_0_C12_C12_5")
WRITABLE(icc_igrpen1_el3, "S3_6_C12_C12_7")
WRITABLE(icc_igrpen0, "S3_0_C12_C12_6")
WRITABLE(icc_pmr, "S3_0_C4_C6_0")
WRITABLE(icc_sgi0r, "S3_0_C12_C11_7")
WRITABLE(icc_eoir0, "S3_0_C12_C8_1")

#define OPERATION(name, instructions) \
  MONITOR_INLINE void name(void) { __asm__ volatile(instructions : : : "memory"); }

OPERATION(instruction_barrier, "isb")
OPERATION(data_barrier, "dsb ish")
OPERATION(wait_for_interrupt, "dsb sy\n wfi")
// TLBI PAALL: this CPU forgets the granule protection of all of memory.
OPERATION(forget_protection_here, "dsb ishst\n sys #6, c8, c7, #4\n dsb ish\n isb")
// TLBI PAALLOS: all CPUs do.
OPERATION(forget_protection_everywhere, "dsb oshst\n sys #6, c8, c1, #4\n dsb osh\n isb")
// All translations for EL1 and EL0, of every VMID, on all CPUs.
OPERATION(forget_translations_everywhere, "dsb ishst\n tlbi alle1is\n dsb ish\n isb")
OPERATION(forget_instructions_everywhere, "dsb ish\n ic ialluis\n dsb ish\n isb")
// TLBI RPALOS: all CPUs forget the protection of one granule.
MONITOR_INLINE void forget_granule_everywhere(uint64_t granule) {
  __asm__ volatile("dsb oshst\n sys #6, c8, c4, #7, %0\n dsb osh\n isb" : : "r"(granule) : "memory");
}

// Lets the other CPUs go on from monitor_entry.S, or not.
extern uint32_t monitor_ready;
MONITOR_INLINE void set_ready(uint32_t ready) {
  __atomic_store_n(&monitor_ready, ready, __ATOMIC_RELEASE);
  __asm__ volatile("dsb sy\n sev" ::: "memory");
}

// A ticket lock: CPUs get it in the order in which they came.
struct monitor_lock {
  uint32_t next, serving;
};
extern struct monitor_lock monitor_lock;
MONITOR_INLINE void lock(void) {
  uint32_t ticket = __atomic_fetch_add(&monitor_lock.next, 1, __ATOMIC_RELAXED);
  while (__atomic_load_n(&monitor_lock.serving, __ATOMIC_ACQUIRE) != ticket) __asm__ volatile("yield");
}
MONITOR_INLINE void unlock(void) {
  __atomic_store_n(&monitor_lock.serving, monitor_lock.serving + 1, __ATOMIC_RELEASE);
}
#endif

// Memory that the linker places; in monitor_data.S.
#define PLACED(name)                                      \
  extern unsigned char name[];                            \
  static inline uintptr_t name##_address(void) { return (uintptr_t)name; }
PLACED(monitor_stacks)         // MONITOR_STACK bytes per CPU
PLACED(monitor_host_contexts)  // CONTEXT_SIZE bytes per CPU
PLACED(monitor_level0)         // level 0 tables: the host's, the Monitor's own, then those of the con-shims
PLACED(monitor_ledger)         // the ledger, its records of con-shims at 4 KiB, and of threads at 8 KiB

// Saves the EL1 registers of one world and loads those of another.
UNSAFE void monitor_switch(struct monitor_context *from, const struct monitor_context *to);
// Loads only.
UNSAFE void monitor_load(const struct monitor_context *to);
// The FP/SIMD registers, while CPTR_EL3 traps none of them.
UNSAFE void monitor_save_floats(struct monitor_context *from);
UNSAFE void monitor_load_floats(const struct monitor_context *to);
// Overwrites memory with zeros; start and size are multiples of 4096.
UNSAFE void monitor_zero(uintptr_t start, uintptr_t size);
// Writes the cache lines of memory back to memory itself and drops them.
UNSAFE void monitor_clean(uintptr_t start, uintptr_t size);
// Leaves EL3 for the current world of the CPU, and drops what is on the stack.
UNSAFE _Noreturn void monitor_leave(struct monitor_cpu *cpu);
#endif
#endif
