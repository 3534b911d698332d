/* What the proxy of a con-shim's process needs of C: system calls that a signal cannot slip past, the handler
 * that notes signals, fork, and the mapping of exchange buffers.
 *
 * Everything that returns a long returns what the kernel did: a value, or a negated errno. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <stddef.h>
#include <stdint.h>

/* The arguments of this process, kept before main. */
int cs_argument_count(void);
const char *cs_argument(int index);
int cs_environment_count(void);
const char *cs_environment(int index);

/* --- /dev/conshim --- */
enum { CS_EXIT_FORWARD = 1, CS_EXIT_ENDED = 3, CS_EXIT_KILLED = 4 };
struct cs_run_state { uint32_t thread, reason; uint64_t detail[2]; };
/* The requests (ioctl(2)) that a running proxy makes. */
unsigned cs_thread_request(void);
unsigned cs_run_request(void);
/* Opens the device, close-on-exec, at a high number that programs do not get to by themselves. */
long cs_open_device(void);
/* Moves a descriptor to such a number. */
long cs_move_high(int fd);
long cs_create(int device, uint64_t version);
long cs_thread(int device, uint64_t thread);
/* See CONSHIM_MAKE_CALLS. */
long cs_make_calls(int device);
long cs_run(int device, struct cs_run_state *run);
/* The exchange buffer of a thread, with so much unused address space after it that no call reaches
 * beyond; 0 and *error if it cannot be mapped. */
uint64_t cs_map(int device, uint64_t thread, uint64_t size, long *error);
void cs_unmap(uint64_t address, uint64_t size);
/* Children of this process do not inherit it. */
void cs_keep_from_children(uint64_t address, uint64_t size);

/* --- threads ---
 * All threads of a proxy but the first are the kernel's alone: the C library does not know of them. They have its
 * first thread's thread pointer, so everything of C and Swift is used by one of them at a time. Who runs has the lock,
 * from the start; cs_run, cs_checked_call and cs_wait_for_change give it away while they are in the kernel. */
/* A thread that calls `body`, with signals noted elsewhere: its number. */
long cs_start_thread(uint64_t flags, uint64_t signals, void (*body)(void *), void *context);
/* Ends this thread, which is not the first of its process. */
void cs_end_thread(void) __attribute__((noreturn));
/* Has a thread of this process come out of whatever it does, and leave. */
void cs_kick(int thread, uint64_t signals);
/* The signal that does so, which threads never block and which always has the handler that notes signals. */
enum { CS_KICK = 64 };
/* A number that changes with cs_announce_change, and the wait for that. */
uint32_t cs_changes(void);
void cs_announce_change(void);
void cs_wait_for_change(uint32_t seen);
/* Blocks signals; answers what was blocked. */
uint64_t cs_set_mask(uint64_t mask);
int cs_is_leader(void);
int cs_this_thread(void);

/* --- memory that the con-shim may change at any time --- */
static inline uint64_t cs_load(uint64_t address) {
  return __atomic_load_n((const uint64_t *)(uintptr_t)address, __ATOMIC_RELAXED);
}
static inline void cs_store(uint64_t address, uint64_t value) {
  __atomic_store_n((uint64_t *)(uintptr_t)address, value, __ATOMIC_RELAXED);
}
/* Copies to or from it. Both sides are in bounds. */
void cs_copy(uint64_t to, uint64_t from, uint64_t size);

/* --- calls --- */
/* As the program asked; -513 without having made it if a signal was noted before. */
long cs_checked_call(uint64_t number, const uint64_t arguments[6]);
long cs_call(uint64_t number, const uint64_t arguments[6]);
/* Where signals of this thread are noted from now on: one bit for each, in an exchange buffer. */
void cs_set_signals(uint64_t address);
/* The disposition of a signal: 0 default, 1 ignore, 2 note it. flags are those of the kernel's sigaction. */
long cs_set_action(int signal, int disposition, uint64_t flags);
/* 0, 1 or 2 as above. */
int cs_action(int signal);
/* The signals that are blocked. */
uint64_t cs_mask(void);
/* As clone(2) with these flags, which share no memory. In the child signals are noted elsewhere. */
long cs_fork(uint64_t flags, uint64_t child_signals);
/* What execve(2) does to descriptors, and to handlers. `keep` stays open. */
void cs_close_on_exec(int keep);
void cs_set_name(const char *name);
long cs_close_range(unsigned first, unsigned last, unsigned flags);
/* Ends this process by a signal's default action, without a core file. */
void cs_die(int signal) __attribute__((noreturn));
void cs_exit(int status) __attribute__((noreturn));
void cs_write_line(const char *text, size_t size);
/* What RCONTAINER_SHIM_LOG asks for: 0 nothing, 1 the log of the mini-OS, 2 ("trace") every forwarded call too. */
int cs_wants_log(void);
