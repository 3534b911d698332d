#include "CConShim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define RESULT(call) ({ long value = (call); value < 0 ? (long)-errno : value; })

static int g_argc;
static char **g_argv, **g_envp;
static int g_envc;
/* Bytes of the command line, before the first name was written over it. */
static size_t g_command_size;

__attribute__((constructor)) static void keep_arguments(int argc, char **argv, char **envp) {
  g_argc = argc;
  g_argv = argv;
  g_envp = envp;
  while (envp[g_envc]) g_envc++;
}

int cs_argument_count(void) { return g_argc; }
const char *cs_argument(int index) { return index >= 0 && index < g_argc ? g_argv[index] : ""; }
int cs_environment_count(void) { return g_envc; }
const char *cs_environment(int index) { return index >= 0 && index < g_envc ? g_envp[index] : ""; }

/* --- one at a time ---
 * Nothing here touches what threads share by their thread pointer, errno above all. */

#if defined(__aarch64__)
static inline long raw_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}
#else
static inline long raw_call(long number, long a, long b, long c, long d, long e, long f) {
  return RESULT(syscall(number, a, b, c, d, e, f));
}
#endif

/* 0 free, 1 taken, 2 taken and waited for. The first thread has it from the start. */
static uint32_t g_lock = 1;

static void futex_wait(uint32_t *word, uint32_t value) {
  /* Where a filter denies it the processor is given away instead. */
  long result = raw_call(SYS_futex, (long)(uintptr_t)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
  if (result == -EPERM || result == -ENOSYS) raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void futex_wake(uint32_t *word, int count) {
  raw_call(SYS_futex, (long)(uintptr_t)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

static void take_lock(void) {
  uint32_t old = 0;
  if (__atomic_compare_exchange_n(&g_lock, &old, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  while (__atomic_exchange_n(&g_lock, 2, __ATOMIC_ACQUIRE) != 0) futex_wait(&g_lock, 2);
}

static void give_lock(void) {
  if (__atomic_exchange_n(&g_lock, 0, __ATOMIC_RELEASE) == 2) futex_wake(&g_lock, 1);
}

static uint32_t g_changes;

uint32_t cs_changes(void) { return __atomic_load_n(&g_changes, __ATOMIC_RELAXED); }

void cs_announce_change(void) {
  __atomic_add_fetch(&g_changes, 1, __ATOMIC_SEQ_CST);
  futex_wake(&g_changes, 0x7fffffff);
}

void cs_wait_for_change(uint32_t seen) {
  give_lock();
  futex_wait(&g_changes, seen);
  take_lock();
}

/* --- /dev/conshim; Driver/conshim_abi.h --- */
#define CONSHIM_CREATE _IO('S', 0x80)
#define CONSHIM_THREAD _IO('S', 0x81)
#define CONSHIM_RUN _IOWR('S', 0x82, struct cs_run_state)
#define CONSHIM_MAKE_CALLS _IO('S', 0x84)

/* More than any length that a system call takes for a buffer. */
static const uint64_t guard_size = 1ull << 32;

long cs_move_high(int fd) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
  /* Not higher: a table of 64 is part of every process, and a larger one is copied by each fork. Not the highest: shells
   * move descriptors there. */
  rlim_t top = limit.rlim_cur < 60 ? limit.rlim_cur : 60;
  for (rlim_t number = top - 1; number > 2; number--) {
    if (fcntl((int)number, F_GETFD) >= 0) continue;
    long moved = RESULT(fcntl(fd, F_DUPFD_CLOEXEC, (int)number));
    if (moved < 0) return moved;
    close(fd);
    return moved;
  }
  return -EMFILE;
}

long cs_open_device(void) {
#if !defined(__aarch64__)
  return -ENOSYS;
#endif
  long fd = RESULT(open("/dev/conshim", O_RDWR | O_CLOEXEC));
  if (fd < 0) return fd;
  long moved = cs_move_high((int)fd);
  if (moved < 0) close((int)fd);
  return moved;
}

unsigned cs_thread_request(void) { return CONSHIM_THREAD; }
unsigned cs_run_request(void) { return CONSHIM_RUN; }

long cs_create(int device, uint64_t version) { return RESULT(ioctl(device, CONSHIM_CREATE, version)); }
long cs_thread(int device, uint64_t thread) { return RESULT(ioctl(device, CONSHIM_THREAD, thread)); }
long cs_make_calls(int device) { return RESULT(ioctl(device, CONSHIM_MAKE_CALLS)); }

long cs_run(int device, struct cs_run_state *run) {
  give_lock();
  long result = raw_call(SYS_ioctl, device, CONSHIM_RUN, (long)(uintptr_t)run, 0, 0, 0);
  take_lock();
  return result;
}

/* Places for buffers: the end of one GiB of addresses, with the guard after it, so that no table of pages is shared by
 * the two and the kernel passes over the guard quickly. Those in use now are not in the list. */
static uint64_t free_places[8];

static uint64_t reserve_place(uint64_t size, long *error) {
  const uint64_t gib = 1ull << 30, whole = guard_size + 2 * gib;
  char *base = mmap(0, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    *error = -errno;
    return 0;
  }
  uint64_t start = (uint64_t)(uintptr_t)base;
  uint64_t place = ((start + size + gib - 1) & ~(gib - 1)) - size;
  uint64_t end = place + size + guard_size;
  if (place > start) munmap(base, place - start);
  if (start + whole > end) munmap((void *)(uintptr_t)end, start + whole - end);
  return place;
}

uint64_t cs_map(int device, uint64_t thread, uint64_t size, long *error) {
  uint64_t place = 0;
  for (int i = 0; i < 8 && !place; i++) place = __atomic_exchange_n(&free_places[i], 0, __ATOMIC_SEQ_CST);
  if (!place) place = reserve_place(size, error);
  if (!place) return 0;
  void *buffer = mmap((void *)(uintptr_t)place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device,
                      (off_t)(thread * size));
  if (buffer == MAP_FAILED) {
    *error = -errno;
    cs_unmap(place, size);
    return 0;
  }
  return place;
}

void cs_unmap(uint64_t address, uint64_t size) {
  /* Nothing else may come to lie there. */
  mmap((void *)(uintptr_t)address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  for (int i = 0; i < 8; i++) {
    uint64_t none = 0;
    if (__atomic_compare_exchange_n(&free_places[i], &none, address, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  }
  munmap((void *)(uintptr_t)address, size + guard_size);
}

void cs_keep_from_children(uint64_t address, uint64_t size) {
  madvise((void *)(uintptr_t)address, size, MADV_DONTFORK);
}

void cs_copy(uint64_t to, uint64_t from, uint64_t size) {
  memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
}

/* --- calls --- */

/* Stacks of threads are blocks of one range of addresses, so that a thread knows its number by its stack. */
enum { thread_limit = 512, stack_size = 128 << 10, stack_guard = 4096 };
static struct thread {
  /* Where the handler notes signals: the word of the exchange buffer of the thread. */
  uint64_t *volatile signals;
  /* 0 if the stack is in no use; the kernel writes it when the thread is gone. */
  int number;
  uint64_t mask;
  void (*body)(void *);
  void *context;
} g_threads[thread_limit];
static char *g_stacks;
static uint64_t no_signals;
/* That of the thread whose stack is none of those. */
static uint64_t *volatile g_signals = &no_signals;

static struct thread *this_thread(void) {
  uintptr_t at = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)g_stacks;
  return g_stacks && at < (uintptr_t)thread_limit * stack_size ? &g_threads[at / stack_size] : 0;
}

static uint64_t *signals_here(void) {
  struct thread *thread = this_thread();
  return thread ? thread->signals : g_signals;
}

void cs_set_signals(uint64_t address) {
  struct thread *thread = this_thread();
  *(thread ? &thread->signals : &g_signals) = (uint64_t *)(uintptr_t)address;
}

#if defined(__aarch64__)
/* A signal between the check and the svc would leave the process blocked in the kernel, with the signal noted but
 * nobody to look. So the handler moves whoever it finds there to the end. After the svc instruction the
 * call was made, and the kernel itself has ended it with EINTR. */
__asm__(
    ".pushsection .text.cs_window,\"ax\",%progbits\n"
    ".balign 4\n"
    ".globl cs_window_call\n"
    ".type cs_window_call,%function\n"
    "cs_window_call:\n" /* x0: word of signals, x1: number, x2: six arguments */
    "  bti c\n"
    "  mov x9, x0\n"
    "  mov x8, x1\n"
    "  mov x10, x2\n"
    "  ldp x0, x1, [x10]\n"
    "  ldp x2, x3, [x10, #16]\n"
    "  ldp x4, x5, [x10, #32]\n"
    ".globl cs_window_begin\n"
    "cs_window_begin:\n"
    "  ldr x11, [x9]\n"
    "  cbnz x11, cs_window_not_made\n"
    "  svc #0\n"
    ".globl cs_window_end\n"
    "cs_window_end:\n"
    "  ret\n"
    ".globl cs_window_not_made\n"
    "cs_window_not_made:\n"
    "  mov x0, #-513\n"
    "  ret\n"
    ".size cs_window_call, . - cs_window_call\n"
    ".popsection\n");
extern long cs_window_call(uint64_t *signals, uint64_t number, const uint64_t *arguments);
extern const char cs_window_begin[], cs_window_end[], cs_window_not_made[];

long cs_checked_call(uint64_t number, const uint64_t arguments[6]) {
  uint64_t *signals = signals_here();
  give_lock();
  long result = cs_window_call(signals, number, arguments);
  take_lock();
  return result;
}

long cs_call(uint64_t number, const uint64_t arguments[6]) {
  static uint64_t never;
  return cs_window_call(&never, number, arguments);
}

static void leave_window(void *context) {
  ucontext_t *state = context;
  uint64_t pc = state->uc_mcontext.pc;
  if (pc >= (uintptr_t)cs_window_begin && pc < (uintptr_t)cs_window_end)
    state->uc_mcontext.pc = (uintptr_t)cs_window_not_made;
}
#else
/* For the tests of the rest on other machines: there are no con-shims. */
long cs_call(uint64_t number, const uint64_t a[6]) {
  return RESULT(syscall((long)number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
long cs_checked_call(uint64_t number, const uint64_t arguments[6]) {
  return *signals_here() ? -513 : cs_call(number, arguments);
}
static void leave_window(void *context) { (void)context; }
#endif

/* The bit of a signal that is never handled. */
static const uint64_t leaving = 1ull << (SIGKILL - 1);

static void note_signal(int number, siginfo_t *info, void *context) {
  /* A fault of the proxy itself, not a signal that somebody sent: it must not go on. */
  int is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE || number == SIGTRAP;
  if (is_fault && info->si_code > 0) {
    signal(number, SIG_DFL);
    return;
  }
  uint64_t *signals = signals_here();
  leave_window(context);
  if (number == CS_KICK && __atomic_load_n(signals, __ATOMIC_SEQ_CST) & leaving) return;
  if (signals != &no_signals) {
    /* Exchange.signalInfo. What si_pid, si_uid and si_value are for signals that are sent, others have there too. */
    uint32_t *to = (uint32_t *)((char *)signals - 80 + 1024 + 16 * (number - 1));
    to[0] = (uint32_t)info->si_code;
    to[1] = (uint32_t)info->si_pid;
    to[2] = info->si_uid;
    to[3] = (uint32_t)info->si_value.sival_int;
  }
  __atomic_fetch_or(signals, 1ull << (number - 1), __ATOMIC_SEQ_CST);
}

/* As the kernel takes it. glibc's sigaction(3) refuses two signals that a program's own C library uses. */
struct kernel_action {
  void *handler;
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};

#if defined(__x86_64__)
__asm__(
    ".pushsection .text\n"
    "cs_restorer:\n"
    "  mov $15, %eax\n"
    "  syscall\n"
    ".popsection\n");
extern void cs_restorer(void);
#define RESTORER_FLAG 0x04000000ul
#define RESTORER ((void *)cs_restorer)
#else
#define RESTORER_FLAG 0ul
#define RESTORER ((void *)0)
#endif

long cs_set_action(int number, int disposition, uint64_t flags) {
  struct kernel_action action = {0, 0, 0, 0};
  if (disposition < 2) {
    action.handler = (void *)(uintptr_t)disposition;
  } else {
    action.handler = (void *)note_signal;
    action.mask = ~0ull;
  }
  /* Restarts, alternate stacks and one-time handlers are the mini-OS's. */
  action.flags = (flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)) | SA_SIGINFO | RESTORER_FLAG;
  action.restorer = RESTORER;
  return RESULT(syscall(SYS_rt_sigaction, number, &action, 0, sizeof action.mask));
}

int cs_action(int number) {
  struct kernel_action action;
  if (syscall(SYS_rt_sigaction, number, 0, &action, sizeof action.mask) != 0) return 0;
  uintptr_t handler = (uintptr_t)action.handler;
  return handler < 2 ? (int)handler : 2;
}

uint64_t cs_mask(void) {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, sizeof mask);
  return mask;
}

long cs_fork(uint64_t flags, uint64_t child_signals) {
  uint64_t all = ~0ull, mask = 0;
  /* A signal of the child's must not be noted for the parent. */
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof mask);
  long pid = RESULT(syscall(SYS_clone, (long)flags, 0L, 0L, 0L, 0L));
  if (pid == 0) {
    struct thread *self = this_thread();
    for (int i = 0; i < thread_limit; i++)
      if (&g_threads[i] != self) g_threads[i].number = 0;
    cs_set_signals(child_signals);
  }
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof mask);
  return pid;
}

/* --- threads --- */

#if defined(__aarch64__)
/* flags, stack, where the parent finds the number, 0, where the kernel clears it, what is called with the stack. */
__asm__(
    ".pushsection .text.cs_clone,\"ax\",%progbits\n"
    ".balign 4\n"
    ".globl cs_clone\n"
    ".type cs_clone,%function\n"
    "cs_clone:\n"
    "  bti c\n"
    "  mov x8, #220\n"
    "  svc #0\n"
    "  cbz x0, 0f\n"
    "  ret\n"
    "0:\n"
    "  mov x29, xzr\n"
    "  mov x30, xzr\n"
    "  mov x0, sp\n"
    "  blr x5\n"
    "  brk #1\n"
    ".size cs_clone, . - cs_clone\n"
    ".popsection\n");
extern long cs_clone(uint64_t flags, void *stack, int *parent, uint64_t tls, int *child, void (*entry)(void *));
#else
static long cs_clone(uint64_t flags, void *stack, int *parent, uint64_t tls, int *child, void (*entry)(void *)) {
  (void)flags, (void)stack, (void)parent, (void)tls, (void)child, (void)entry;
  return -ENOSYS;
}
#endif

static void begin_thread(void *stack) {
  (void)stack;
  take_lock();
  struct thread *self = this_thread();
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &self->mask, 0, sizeof self->mask);
  self->body(self->context);
  __builtin_trap();
}

static int make_stacks(void) {
  if (g_stacks) return 0;
  void *stacks = mmap(0, (size_t)thread_limit * stack_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED) return -ENOMEM;
  g_stacks = stacks;
  return 0;
}

long cs_start_thread(uint64_t flags, uint64_t signals, void (*body)(void *), void *context) {
  if (make_stacks() != 0) return -EAGAIN;
  int index = 0;
  while (index < thread_limit && __atomic_load_n(&g_threads[index].number, __ATOMIC_ACQUIRE) != 0) index++;
  if (index == thread_limit) return -EAGAIN;
  struct thread *thread = &g_threads[index];
  char *base = g_stacks + (size_t)index * stack_size;
  if (mprotect(base + stack_guard, stack_size - stack_guard, PROT_READ | PROT_WRITE) != 0) return -EAGAIN;
  *thread = (struct thread){.signals = (uint64_t *)(uintptr_t)signals, .body = body, .context = context};
  cs_set_action(CS_KICK, 2, 0);
  uint64_t all = ~0ull;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &thread->mask, sizeof all);
  thread->mask &= ~(1ull << (CS_KICK - 1));
  /* PARENT_SETTID, CHILD_CLEARTID */
  long number = cs_clone(flags | 0x300000, base + stack_size - 16, &thread->number, 0, &thread->number, begin_thread);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &thread->mask, 0, sizeof all);
  return number;
}

void cs_end_thread(void) {
  /* Its number becomes 0 with the last use of its stack. */
  give_lock();
  for (;;) raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

void cs_kick(int thread, uint64_t signals) {
  __atomic_fetch_or((uint64_t *)(uintptr_t)signals, leaving, __ATOMIC_SEQ_CST);
  syscall(SYS_tgkill, getpid(), thread, CS_KICK);
}

uint64_t cs_set_mask(uint64_t mask) {
  uint64_t old = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &old, sizeof mask);
  return old;
}

int cs_is_leader(void) { return syscall(SYS_gettid) == getpid(); }
int cs_this_thread(void) { return (int)syscall(SYS_gettid); }

static void close_if_marked(int fd, int keep) {
  int flags = fd == keep ? -1 : fcntl(fd, F_GETFD);
  if (flags >= 0 && flags & FD_CLOEXEC) close(fd);
}

/* Whether no descriptor is above 63: the kernel looks at as many bits as its table has. */
static int has_small_table(void) {
  uint64_t set[2] = {0, ~0ull};
  struct timespec now = {0, 0};
  return syscall(SYS_pselect6, 128, set, 0, 0, &now, 0) == 0 && fcntl(64, F_GETFD) < 0;
}

void cs_close_on_exec(int keep) {
  /* A table shared with another process becomes this one's own, as execve does it. */
  unshare(CLONE_FILES);
  if (has_small_table()) {
    struct pollfd all[64];
    struct timespec now = {0, 0};
    for (int fd = 0; fd < 64; fd++) all[fd] = (struct pollfd){.fd = fd};
    if (syscall(SYS_ppoll, all, 64, &now, 0, 0) >= 0) {
      for (int fd = 0; fd < 64; fd++)
        if (!(all[fd].revents & POLLNVAL)) close_if_marked(fd, keep);
      return;
    }
  }
  struct statfs where;
  int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0 && fstatfs(directory, &where) == 0 && where.f_type == 0x9fa0 /* proc */) {
    char buffer[4096];
    long size;
    while ((size = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
      for (long at = 0; at < size;) {
        struct dirent64 *entry = (struct dirent64 *)(buffer + at);
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != directory)
          close_if_marked(atoi(entry->d_name), keep);
        at += entry->d_reclen;
      }
    }
    close(directory);
    return;
  }
  if (directory >= 0) close(directory);
  long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = 0; fd < limit; fd++) close_if_marked(fd, keep);
}

void cs_set_name(const char *name) {
  prctl(PR_SET_NAME, name);
  /* The command line is that of the program that became the proxy: what ps(1) shows is the container's. */
  if (g_argc < 1) return;
  char *last = g_argv[g_argc - 1];
  if (!g_command_size) g_command_size = (size_t)(last - g_argv[0]) + strlen(last) + 1;
  memset(g_argv[0], 0, g_command_size);
  memcpy(g_argv[0], name, strnlen(name, g_command_size - 1));
}

long cs_close_range(unsigned first, unsigned last, unsigned flags) {
  return RESULT(syscall(436 /* close_range */, first, last, flags));
}

void cs_die(int number) {
  struct rlimit none = {0, 0};
  uint64_t only = 1ull << (number - 1);
  setrlimit(RLIMIT_CORE, &none);
  cs_set_action(number, 0, 0);
  syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &only, 0, sizeof only);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
  /* Still here: the first process of a PID namespace is spared by signals, though not by its own faults. */
  int *volatile nowhere = 0;
  if (number == SIGSEGV || number == SIGBUS) *nowhere = 0;
  if (number == SIGTRAP || number == SIGILL || number == SIGFPE) __builtin_trap();
  _exit(128 + number);
}

void cs_exit(int status) { _exit(status); }

void cs_write_line(const char *text, size_t size) {
  ssize_t ignored = write(2, text, size);
  (void)ignored;
}

int cs_wants_log(void) {
  const char *value = getenv("RCONTAINER_SHIM_LOG");
  return !value || !*value ? 0 : strcmp(value, "trace") ? 1 : 2;
}
