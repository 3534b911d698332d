// Threads, each way that they are used in one word of the command line. What is printed does not depend on time.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
      fflush(stdout);                                                 \
      _exit(1);                                                       \
    }                                                                 \
  } while (0)

static pthread_t start(void *(*work)(void *), void *argument) {
  pthread_t thread;
  int error = pthread_create(&thread, 0, work, argument);
  errno = error;
  CHECK(error == 0);
  return thread;
}

static void milliseconds(int count) {
  struct timespec time = {count / 1000, count % 1000 * 1000000L};
  while (nanosleep(&time, &time) != 0) {}
}

static struct timespec after(clockid_t clock, int count) {
  struct timespec time;
  clock_gettime(clock, &time);
  time.tv_sec += count / 1000;
  time.tv_nsec += count % 1000 * 1000000L;
  if (time.tv_nsec >= 1000000000) time.tv_sec++, time.tv_nsec -= 1000000000;
  return time;
}

static long futex(void *word, int command, uint32_t value, uintptr_t fourth, void *other, uint32_t last) {
  return syscall(SYS_futex, word, command, value, fourth, other, last);
}

// --- create ---

static atomic_int sum;
static void *add(void *argument) {
  atomic_fetch_add(&sum, (int)(intptr_t)argument);
  return argument;
}

static void create(void) {
  void *result;
  for (intptr_t i = 1; i <= 200; i++) {
    pthread_join(start(add, (void *)i), &result);
    CHECK(result == (void *)i);
  }
  pthread_t threads[60];
  for (intptr_t i = 0; i < 60; i++) threads[i] = start(add, (void *)i);
  for (int i = 0; i < 60; i++) pthread_join(threads[i], 0);
  printf("sum %d\n", sum);
}

// --- many ---

static sem_t opened;
static void *queue(void *argument) {
  while (sem_wait(&opened) != 0) {}
  return argument;
}

static void many(void) {
  pthread_t threads[600];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  sem_init(&opened, 0, 0);
  for (int round = 0; round < 2; round++) {
    int number = 0, error = 0;
    while (number < 600 && (error = pthread_create(&threads[number], &attributes, queue, 0)) == 0) number++;
    CHECK(number >= 200 && (error == 0 || error == EAGAIN));
    for (int i = 0; i < number; i++) sem_post(&opened);
    for (int i = 0; i < number; i++) pthread_join(threads[i], 0);
  }
  printf("many\n");
}

// --- pingpong ---

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn, count;
static void *play(void *argument) {
  for (int i = 0; i < 300; i++) {
    pthread_mutex_lock(&lock);
    while (turn != (int)(intptr_t)argument) pthread_cond_wait(&changed, &lock);
    turn = (turn + 1) % 4;
    count++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
  return 0;
}

static void *increment(void *argument) {
  (void)argument;
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&lock);
    count++;
    pthread_mutex_unlock(&lock);
  }
  return 0;
}

static void pingpong(void) {
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) threads[i] = start(play, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  printf("played %d\n", count);
  for (int i = 0; i < 4; i++) threads[i] = start(increment, 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
  printf("counted %d\n", count);
}

// --- local ---

static _Thread_local int local = 7;
static pthread_key_t key;
static atomic_int destroyed;
static void destroy(void *value) { atomic_fetch_add(&destroyed, (int)(intptr_t)value); }
static void *locals(void *argument) {
  CHECK(local == 7);
  local = (int)(intptr_t)argument;
  errno = (int)(intptr_t)argument;
  pthread_setspecific(key, argument);
  milliseconds(5);
  CHECK(local == (int)(intptr_t)argument && pthread_getspecific(key) == argument);
  CHECK((int)syscall(SYS_gettid) != getpid());
  return &local;
}

static void thread_local_storage(void) {
  pthread_t threads[16];
  pthread_key_create(&key, destroy);
  for (intptr_t i = 0; i < 16; i++) threads[i] = start(locals, (void *)(i + 1));
  for (int i = 0; i < 16; i++) pthread_join(threads[i], 0);
  printf("destroyed %d, local %d\n", destroyed, local);
}

// --- barrier, detached ---

static pthread_barrier_t barrier;
static atomic_int phase, serial;
static void *meet(void *argument) {
  (void)argument;
  for (int i = 0; i < 50; i++) {
    CHECK(phase / 8 == i || phase / 8 == i + 1);
    atomic_fetch_add(&phase, 1);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) atomic_fetch_add(&serial, 1);
    CHECK(phase >= 8 * (i + 1));
  }
  return 0;
}

static void barriers(void) {
  pthread_t threads[8];
  pthread_barrier_init(&barrier, 0, 8);
  for (int i = 0; i < 8; i++) threads[i] = start(meet, 0);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
  printf("phases %d, serial %d\n", phase, serial);
}

static sem_t done;
static void *alone(void *argument) {
  (void)argument;
  sem_post(&done);
  return 0;
}

static void detached(void) {
  sem_init(&done, 0, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 100; i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, &attributes, alone, 0) == 0);
    if (i % 10 == 9)
      for (int k = 0; k < 10; k++) sem_wait(&done);
  }
  printf("all done\n");
}

// --- cancel ---

static int cleaned;
static void clean(void *argument) { cleaned += (int)(intptr_t)argument; }
static void *sleeper(void *argument) {
  pthread_cleanup_push(clean, argument);
  for (;;) pause();
  pthread_cleanup_pop(0);
  return 0;
}
static void *waiter(void *argument) {
  (void)argument;
  pthread_mutex_lock(&lock);
  pthread_cleanup_push((void (*)(void *))(void *)pthread_mutex_unlock, &lock);
  for (;;) pthread_cond_wait(&changed, &lock);
  pthread_cleanup_pop(0);
  return 0;
}
static void *spinner(void *argument) {
  int old;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
  for (;;) __asm__ volatile("" ::: "memory");
  return argument;
}

static void cancel(void) {
  void *(*bodies[])(void *) = {sleeper, waiter, spinner};
  for (int i = 0; i < 3; i++) {
    pthread_t thread = start(bodies[i], (void *)10);
    milliseconds(20);
    CHECK(pthread_cancel(thread) == 0);
    void *result;
    CHECK(pthread_join(thread, &result) == 0);
    printf("%d cancelled: %d\n", i, result == PTHREAD_CANCELED);
  }
  CHECK(pthread_mutex_trylock(&lock) == 0);
  printf("cleaned %d\n", cleaned);
}

// --- timed ---

static void timed(void) {
  struct timespec until = after(CLOCK_REALTIME, 30), before = after(CLOCK_MONOTONIC, 0);
  pthread_mutex_lock(&lock);
  CHECK(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_t other;
  pthread_cond_init(&other, &attributes);
  until = after(CLOCK_MONOTONIC, 30);
  CHECK(pthread_cond_timedwait(&other, &lock, &until) == ETIMEDOUT);
  sem_init(&done, 0, 0);
  until = after(CLOCK_REALTIME, 30);
  CHECK(sem_timedwait(&done, &until) == -1 && errno == ETIMEDOUT);
  until = after(CLOCK_REALTIME, -1000);
  CHECK(sem_timedwait(&done, &until) == -1 && errno == ETIMEDOUT);
  until = after(CLOCK_REALTIME, 30);
  CHECK(pthread_mutex_timedlock(&lock, &until) == ETIMEDOUT);
  uint32_t word = 1;
  struct timespec short_time = {0, 30000000};
  CHECK(futex(&word, FUTEX_WAIT, 1, (uintptr_t)&short_time, 0, 0) == -1 && errno == ETIMEDOUT);
  CHECK(futex(&word, FUTEX_WAIT, 2, 0, 0, 0) == -1 && errno == EAGAIN);
  short_time.tv_nsec = 1000000000;
  CHECK(futex(&word, FUTEX_WAIT, 1, (uintptr_t)&short_time, 0, 0) == -1 && errno == EINVAL);
  CHECK(futex((char *)&word + 1, FUTEX_WAIT, 1, 0, 0, 0) == -1 && errno == EINVAL);
  CHECK(futex((void *)4096, FUTEX_WAIT, 1, 0, 0, 0) == -1 && errno == EFAULT);
  struct timespec now = after(CLOCK_MONOTONIC, 0);
  long passed = (now.tv_sec - before.tv_sec) * 1000 + (now.tv_nsec - before.tv_nsec) / 1000000;
  CHECK(passed >= 140 && passed < 5000);
  printf("in time\n");
}

// --- signals ---

static atomic_int handled[8], wrong;
static _Thread_local int number = -1;
static void handle(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (number < 0 || info->si_pid != getpid() || info->si_signo != signal) atomic_fetch_add(&wrong, 1);
  if (number >= 0) atomic_fetch_add(&handled[number], 1);
}
static sem_t ready;
static void *target(void *argument) {
  number = (int)(intptr_t)argument;
  sem_post(&ready);
  while (handled[number] == 0) {
    if (number % 2) pause();
  }
  return 0;
}
static void *collector(void *argument) {
  int got;
  CHECK(sigwait(argument, &got) == 0);
  printf("sigwait: %d\n", got == SIGUSR2);
  return 0;
}
static void *unblocked(void *argument) {
  (void)argument;
  number = 7;
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, 0);
  sem_post(&ready);
  while (handled[7] < 1) milliseconds(1);
  return 0;
}

static void signals(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, 0);
  sem_init(&ready, 0, 0);
  pthread_t threads[4];
  for (intptr_t i = 0; i < 4; i++) threads[i] = start(target, (void *)i);
  for (int i = 0; i < 4; i++) {
    while (sem_wait(&ready) != 0) {}
  }
  for (int i = 0; i < 4; i++) {
    // Until it is handled: one may come before a pause.
    while (!handled[i]) {
      CHECK(pthread_kill(threads[i], SIGUSR1) == 0);
      milliseconds(2);
    }
    pthread_join(threads[i], 0);
  }
  printf("each got its own: %d\n", handled[0] && handled[1] && handled[2] && handled[3] && !wrong);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  sigdelset(&set, SIGUSR1);
  pthread_t thread = start(collector, &set);
  kill(getpid(), SIGUSR2);
  pthread_join(thread, 0);
  thread = start(unblocked, 0);
  sem_wait(&ready);
  kill(getpid(), SIGUSR1);
  pthread_join(thread, 0);
  printf("to the process: %d, wrong %d\n", handled[7], wrong);
}

// --- fork ---

static void *forker(void *argument) {
  (void)argument;
  pid_t child = fork();
  if (child == 0) {
    char *memory = malloc(100000);
    memset(memory, 1, 100000);
    CHECK(syscall(SYS_gettid) == getpid());
    void *result;
    pthread_join(start(add, (void *)5), &result);
    _exit(sum == 5 ? 3 : 4);
  }
  return (void *)(intptr_t)child;
}
static volatile int stop;
static void *scribble(void *argument) {
  volatile long *words = argument;
  for (long i = 1; !stop; i++)
    for (int k = 0; k < 4096; k += 512) words[k] = i;
  return 0;
}

static void forks(void) {
  void *result;
  for (int i = 0; i < 10; i++) {
    pthread_join(start(forker, 0), &result);
    int status;
    // Another thread's child is this one's too.
    CHECK(waitpid((pid_t)(intptr_t)result, &status, 0) == (pid_t)(intptr_t)result);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  }
  long *words = calloc(4096, sizeof *words);
  pthread_t writers[2] = {start(scribble, words), start(scribble, words)};
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      long seen[8];
      for (int k = 0; k < 8; k++) seen[k] = words[k * 512];
      milliseconds(2);
      for (int k = 0; k < 8; k++) CHECK(seen[k] == words[k * 512]);
      _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  stop = 1;
  for (int i = 0; i < 2; i++) pthread_join(writers[i], 0);
  printf("forked\n");
}

// --- exec, exit, die ---

static int pipe_ends[2];
static void *in_read(void *argument) {
  char byte;
  CHECK(read(pipe_ends[0], &byte, 1) == 99);
  return argument;
}
static void *in_futex(void *argument) {
  static uint32_t word;
  for (;;) futex(&word, FUTEX_WAIT, 0, 0, 0, 0);
  return argument;
}
static void *in_blocked_sleep(void *argument) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, 0);
  for (;;) sleep(1000);
  return argument;
}
static void *in_loop(void *argument) {
  for (;;) __asm__ volatile("" ::: "memory");
  return argument;
}
static void *in_faults(void *argument) {
  for (;;) {
    char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    for (int i = 0; i < 1 << 20; i += 4096) memory[i] = 1;
    munmap(memory, 1 << 20);
  }
  return argument;
}
static void *in_exit(void *argument) {
  milliseconds(50);
  exit((int)(intptr_t)argument);
}
static void *in_crash(void *argument) {
  milliseconds(50);
  *(volatile int *)argument = 1;
  return 0;
}
static void *in_exec(void *argument) {
  milliseconds(50);
  char pid[20];
  sprintf(pid, "%d", getpid());
  execl(argument, argument, "executed", pid, (char *)0);
  CHECK(0);
}
static void crowd(void) {
  CHECK(pipe(pipe_ends) == 0);
  void *(*bodies[])(void *) = {in_read, in_futex, in_blocked_sleep, in_loop, in_faults};
  for (int i = 0; i < 5; i++) start(bodies[i], 0);
}
static void *in_late(void *argument) {
  milliseconds(50);
  printf("after main\n");
  return argument;
}

// --- memory ---

static void *allocate(void *argument) {
  unsigned seed = (unsigned)(intptr_t)argument;
  unsigned char *blocks[32] = {0};
  size_t sizes[32] = {0};
  for (int i = 0; i < 1500; i++) {
    int k = rand_r(&seed) % 32;
    for (size_t n = 0; n < sizes[k]; n += 997) CHECK(blocks[k][n] == (unsigned char)(k + (intptr_t)argument));
    free(blocks[k]);
    sizes[k] = (size_t)rand_r(&seed) % (i % 50 == 0 ? 300000 : 3000) + 1;
    blocks[k] = malloc(sizes[k]);
    CHECK(blocks[k]);
    memset(blocks[k], (int)(k + (intptr_t)argument), sizes[k]);
    if (i % 20 == 0) {
      size_t size = 4096 * (1 + (size_t)rand_r(&seed) % 16);
      char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      CHECK(memory != MAP_FAILED);
      for (size_t n = 0; n < size; n += 4096) memory[n] = (char)i;
      CHECK(mprotect(memory, size, PROT_READ) == 0);
      for (size_t n = 0; n < size; n += 4096) CHECK(memory[n] == (char)i);
      CHECK(mprotect(memory, 4096, PROT_READ | PROT_WRITE) == 0);
      memory[1] = 1;
      CHECK(munmap(memory, size) == 0);
    }
  }
  for (int k = 0; k < 32; k++) free(blocks[k]);
  return 0;
}

static void allocations(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) threads[i] = start(allocate, (void *)(i + 1));
  for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
  printf("allocated\n");
}

static _Atomic unsigned *storm_memory;
enum { storm_pages = 1024 };
static void *storm(void *argument) {
  for (int i = 0; i < storm_pages; i++) atomic_fetch_add(&storm_memory[i * 1024], (unsigned)(intptr_t)argument);
  return 0;
}
static void *vanish(void *argument) {
  // Reads into memory that another thread takes away end with EFAULT or as many bytes; nothing else.
  int zero = open("/dev/zero", O_RDONLY);
  CHECK(zero >= 0);
  while (!stop) {
    errno = 0;
    long got = read(zero, argument, 65536);
    CHECK(got == -1 ? errno == EFAULT : got > 0);
  }
  close(zero);
  return 0;
}

static void faults(void) {
  size_t size = storm_pages * 4096;
  for (int round = 0; round < 5; round++) {
    storm_memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(storm_memory != MAP_FAILED);
    // Half of it is copied when it is written.
    pid_t child = -1;
    if (round % 2) {
      for (int i = 0; i < storm_pages; i += 2) storm_memory[i * 1024] = 0;
      child = fork();
      if (child == 0) pause(), _exit(0);
    }
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++) threads[i] = start(storm, (void *)(i + 1));
    for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
    for (int i = 0; i < storm_pages; i++) CHECK(storm_memory[i * 1024] == 36);
    if (child > 0) kill(child, SIGKILL), waitpid(child, 0, 0);
    munmap((void *)storm_memory, size);
  }
  char *memory = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_t readers[2] = {start(vanish, memory), start(vanish, memory)};
  for (int i = 0; i < 300; i++) {
    CHECK(munmap(memory, 65536) == 0);
    CHECK(mmap(memory, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
    CHECK(mprotect(memory, 65536, PROT_READ) == 0 && mprotect(memory, 65536, PROT_READ | PROT_WRITE) == 0);
  }
  stop = 1;
  for (int i = 0; i < 2; i++) pthread_join(readers[i], 0);
  printf("stormed\n");
}

// --- processes ---

struct common {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int turn, count;
};

static void processes(void) {
  struct common *common = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_condattr_init(&condition);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&common->lock, &mutex);
  pthread_cond_init(&common->changed, &condition);
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      for (int k = 0; k < 300; k++) {
        pthread_mutex_lock(&common->lock);
        while (common->turn != i) pthread_cond_wait(&common->changed, &common->lock);
        common->turn = (i + 1) % 3;
        common->count++;
        pthread_cond_broadcast(&common->changed);
        pthread_mutex_unlock(&common->lock);
      }
      _exit(0);
    }
  for (int i = 0; i < 3; i++) {
    int status;
    CHECK(wait(&status) > 0 && status == 0);
  }
  printf("processes played %d\n", common->count);
}

static pthread_mutex_t robust_lock;
static void *take_robust(void *argument) {
  CHECK(pthread_mutex_lock(argument) == 0);
  return 0;
}

static void robust(void) {
  pthread_mutex_t *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust_lock, &attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(shared, &attributes);
  pthread_join(start(take_robust, &robust_lock), 0);
  CHECK(pthread_mutex_lock(&robust_lock) == EOWNERDEAD);
  if (fork() == 0) {
    take_robust(shared);
    milliseconds(30);
    _exit(0);
  }
  milliseconds(10);
  int error = pthread_mutex_lock(shared);
  while (error == 0) {
    pthread_mutex_unlock(shared);
    milliseconds(1);
    error = pthread_mutex_lock(shared);
  }
  CHECK(error == EOWNERDEAD && pthread_mutex_consistent(shared) == 0 && pthread_mutex_unlock(shared) == 0);
  printf("locks of the dead are free\n");
}

// --- operations of futex ---

static uint32_t first, second;
static atomic_int woken;
static void *wait_first(void *argument) {
  while (futex(&first, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, 0, 0, (uint32_t)(intptr_t)argument) != 0) {}
  atomic_fetch_add(&woken, 1);
  return 0;
}

static void operations(void) {
  pthread_t threads[6];
  for (int i = 0; i < 6; i++) threads[i] = start(wait_first, (void *)(intptr_t)(i < 2 ? 1 : 2));
  milliseconds(100);
  CHECK(futex(&first, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 4) == 0);
  CHECK(futex(&first, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 1) == 2);
  CHECK(futex(&second, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, 0, 0) == 0);
  CHECK(futex(&first, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &second, 9) == -1 && errno == EAGAIN);
  CHECK(futex(&first, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, 2, &second, 0) == 3);
  second = 5;
  // second = 5 | 2, and what it was is 5: both are woken.
  CHECK(futex(&first, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 1, &second,
              FUTEX_OP(FUTEX_OP_OR, 2, FUTEX_OP_CMP_EQ, 5)) == 2);
  CHECK(second == 7);
  CHECK(futex(&second, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, 0, 0, 0) == 1);
  for (int i = 0; i < 6; i++) pthread_join(threads[i], 0);
  printf("woken %d\n", woken);
}

static void *whoami(void *argument) {
  sem_post(&ready);
  sem_wait(argument);
  return (void *)(intptr_t)getuid();
}

static void user(void) {
  sem_init(&ready, 0, 0);
  sem_init(&done, 0, 0);
  pthread_t thread = start(whoami, &done);
  sem_wait(&ready);
  CHECK(setuid(1234) == 0);
  sem_post(&done);
  void *result;
  pthread_join(thread, &result);
  printf("users %d %d\n", (int)getuid(), (int)(intptr_t)result);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  struct {
    const char *name;
    void (*run)(void);
  } parts[] = {{"create", create},       {"many", many},         {"pingpong", pingpong}, {"local", thread_local_storage},
               {"barrier", barriers},    {"detached", detached}, {"cancel", cancel},
               {"timed", timed},         {"signals", signals},   {"forks", forks},
               {"memory", allocations},  {"faults", faults},     {"processes", processes},
               {"robust", robust},       {"futex", operations},  {"user", user}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strcmp(what, parts[i].name) == 0) return parts[i].run(), 0;
  if (strcmp(what, "exit") == 0) crowd(), start(in_exit, (void *)7);
  if (strcmp(what, "main-exit") == 0) crowd(), milliseconds(30), exit(9);
  if (strcmp(what, "crash") == 0) crowd(), start(in_crash, 0);
  if (strcmp(what, "exec") == 0) crowd(), start(in_exec, argv[0]);
  if (strcmp(what, "exec-main") == 0) crowd(), in_exec(argv[0]);
  if (strcmp(what, "kill") == 0) crowd(), milliseconds(30), kill(getpid(), SIGKILL);
  if (strcmp(what, "late") == 0) start(in_late, 0), pthread_exit(0);
  if (strcmp(what, "executed") == 0) {
    printf("the same process: %d, its first thread: %d\n", atoi(argv[2]) == getpid(), syscall(SYS_gettid) == getpid());
    void *result;
    pthread_join(start(add, (void *)1), &result);
    return printf("sum %d\n", sum), 4;
  }
  for (;;) pause();
}
