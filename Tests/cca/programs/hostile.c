// A proxy that lies: runs a program in a con-shim of its own through /dev/conshim and is honest until the program
// writes "START"; then it answers as MODE says, for a while.
//   hostile MODE PROGRAM [ARGUMENT]
//     honest     goes on as it was (the control)
//     long       calls return more than they were asked for
//     negative   calls return numbers that are no errors
//     pointer    calls return addresses inside the con-shim
//     zero       everything succeeds with 0 and does nothing
//     fill       the whole buffer is written over with the answer
//     change     another thread writes the buffer over all the time
//     replay     the thread is run again without an answer, and others that do not exist
//     version    asks for a con-shim of another version of the interface
//     wake       threads of the program come out of their waits all the time, and some are not run for a while
//     sleep      the same, and one of them is never run again
//     twice      two threads of the proxy run one thread of the con-shim
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../Driver/conshim_abi.h"

static __thread volatile unsigned char *buffer;
static __thread unsigned thread_number;
static const char *mode;
static int device;
static volatile int lying, ended;

static __thread uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t field(int offset) { return *(volatile uint64_t *)(buffer + offset); }
static void set(int offset, uint64_t value) { *(volatile uint64_t *)(buffer + offset) = value; }

static void put_program(char **words, int count) {
  unsigned char *at = (unsigned char *)buffer + CONSHIM_EXCHANGE_DATA + 40;
  for (int i = -1; i < count; i++) {  // the path, then the arguments
    const char *word = words[i < 0 ? 0 : i];
    strcpy((char *)at, word);
    at += strlen(word) + 1;
  }
  set(CONSHIM_EXCHANGE_DATA, (uint64_t)count);
  set(CONSHIM_EXCHANGE_DATA + 8, 0);
  set(CONSHIM_EXCHANGE_DATA + 16, (uint64_t)(at - (unsigned char *)buffer - CONSHIM_EXCHANGE_DATA - 40));
  set(CONSHIM_EXCHANGE_DATA + 24, 0);
  set(CONSHIM_EXCHANGE_DATA + 32, 0);
}

static long honest(void) {
  uint64_t arguments[6], mask = field(CONSHIM_EXCHANGE_POINTER_MASK);
  for (int i = 0; i < 6; i++) {
    arguments[i] = field(CONSHIM_EXCHANGE_ARGUMENTS + 8 * i);
    if (mask >> i & 1 && arguments[i]) arguments[i] += (uintptr_t)buffer;
  }
  uint64_t number = field(CONSHIM_EXCHANGE_CALL);
  if (number == SYS_rt_sigaction || number == SYS_rt_sigprocmask) return 0;
  if (number == SYS_exit || number == SYS_exit_group) {
    printf("hostile: the program ended with %lu\n", arguments[0]);
    exit(0);
  }
  if (number == SYS_write && arguments[2] == 6 && !memcmp((void *)arguments[1], "START\n", 6)) lying = 1;
  long result = syscall((long)number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
  return result < 0 ? -errno : result;
}

static long lie(void) {
  uint64_t number = field(CONSHIM_EXCHANGE_CALL);
  if (number == SYS_exit_group || (number == SYS_write && field(CONSHIM_EXCHANGE_ARGUMENTS) == 1)) return honest();
  if (!strcmp(mode, "long")) return 1 << (next() % 40);
  if (!strcmp(mode, "negative")) return -(long)(4096 + next() % (1ull << 62));
  if (!strcmp(mode, "pointer")) return (long)(next() % 2 ? 0x400000 + next() % 0x100000 : 0xffffff8000000000ull + next() % (1ull << 31));
  if (!strcmp(mode, "zero")) return 0;
  if (!strcmp(mode, "fill")) {
    for (int i = CONSHIM_EXCHANGE_DATA; i < CONSHIM_EXCHANGE_SIZE; i += 8) set(i, next());
    for (int i = 0; i < CONSHIM_EXCHANGE_DATA; i += 8) set(i, next());
    return (long)next();
  }
  return honest();
}

static void *change(void *argument) {
  buffer = argument;
  while (!ended) {
    if (lying) set((int)(next() % (CONSHIM_EXCHANGE_SIZE / 8)) * 8, next());
  }
  return 0;
}

static void *run_too(void *argument) {
  (void)argument;
  unsigned long refused = 0;
  while (!ended) {
    struct conshim_run run = {0};
    if (lying && ioctl(device, CONSHIM_RUN, &run) != 0 && errno == EBUSY) refused++;
  }
  printf("hostile: %lu runs refused\n", refused);
  return 0;
}

static pthread_t threads[512];
static volatile unsigned char *buffers[512];
static atomic_int thread_count;

static volatile int is_stuck;
static void interrupted(int signal) {
  if (signal == SIGALRM) is_stuck = 1;
}

/* Has all threads of the program that wait go on, for no reason or for that of a signal without a meaning. */
static void *disturb(void *argument) {
  while (!ended) {
    for (int i = 0; i < thread_count; i++) {
      if (next() % 4 == 0) __atomic_fetch_or((uint64_t *)(buffers[i] + CONSHIM_EXCHANGE_SIGNALS), 1ull << 27, __ATOMIC_SEQ_CST);
      pthread_kill(threads[i], SIGUSR1);
    }
    usleep(200);
  }
  return argument;
}

static void take_part(unsigned number) {
  thread_number = number;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  buffers[thread_count] = buffer;
  threads[thread_count] = pthread_self();
  thread_count++;
  pthread_mutex_unlock(&lock);
}

static void run_program(char **words, int count);
static void *run_thread(void *argument) {
  unsigned number = (unsigned)(uintptr_t)argument;
  buffer = mmap(0, CONSHIM_EXCHANGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)number * CONSHIM_EXCHANGE_SIZE);
  if (buffer == MAP_FAILED) return 0;
  state += number;
  take_part(number);
  run_program(0, 0);
  for (;;) pause();
}

static long make_thread(void) {
  uint64_t number = field(CONSHIM_EXCHANGE_NEW_THREAD);
  pthread_t made;
  if (ioctl(device, CONSHIM_THREAD, number) != 0) return -errno;
  if (pthread_create(&made, 0, run_thread, (void *)(uintptr_t)number) != 0) return -EAGAIN;
  static atomic_int last = 100000;
  return atomic_fetch_add(&last, 1);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: hostile MODE PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  mode = argv[1];
  device = open("/dev/conshim", O_RDWR | O_CLOEXEC);
  if (!strcmp(mode, "version")) {
    long made = ioctl(device, CONSHIM_CREATE, CONSHIM_VERSION + 0x10000);
    printf("hostile: version: %s\n", made < 0 ? strerror(errno) : "taken");
    return made < 0 ? 0 : 1;
  }
  if (device < 0 || ioctl(device, CONSHIM_CREATE, CONSHIM_VERSION) != 0) {
    perror("hostile: /dev/conshim");
    return 2;
  }
  buffer = mmap(0, CONSHIM_EXCHANGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
  if (buffer == MAP_FAILED) return 2;
  pthread_t other;
  if (!strcmp(mode, "change")) pthread_create(&other, 0, change, (void *)buffer);
  if (!strcmp(mode, "twice")) pthread_create(&other, 0, run_too, 0);
  struct sigaction action = {.sa_handler = interrupted};
  sigaction(SIGUSR1, &action, 0);
  sigaction(SIGALRM, &action, 0);
  if (!strcmp(mode, "wake") || !strcmp(mode, "sleep")) {
    take_part(0);
    pthread_create(&other, 0, disturb, 0);
  }
  run_program(argv + 2, argc - 2);
  ended = 1;
  return 0;
}

static void run_program(char **words, int count) {
  unsigned long lies = 0;
  int disturbs = !strcmp(mode, "wake") || !strcmp(mode, "sleep");
  for (long exits = 0; exits < 20000 || disturbs; exits++) {
    struct conshim_run run = {.thread = thread_number};
    if (disturbs && next() % 500 == 0) usleep((useconds_t)(next() % 20000));
    if (!strcmp(mode, "sleep") && exits > 50 && buffers[3] == buffer)
      for (;;) pause();
    // A program that was lied to may wait for what never comes.
    if (!disturbs) alarm(10);
    if (is_stuck) break;
    if (ioctl(device, CONSHIM_RUN, &run) != 0) {
      if (errno == EINTR || errno == EBUSY) continue;
      printf("hostile: run: %s\n", strerror(errno));
      break;
    }
    if (run.reason == CONSHIM_EXIT_KILLED) {
      printf("hostile: the Monitor ended it\n");
      break;
    }
    if (run.reason != CONSHIM_EXIT_FORWARD) {
      if (thread_number) return;
      break;
    }
    if (lying && !strcmp(mode, "replay")) {
      lies++;
      run.thread = (uint32_t)(next() % 3 ? 0 : next());
      ioctl(device, CONSHIM_RUN, &run);
      if (next() % 4) continue;
    }
    uint64_t number = field(CONSHIM_EXCHANGE_CALL);
    long result = 0;
    if (number == CONSHIM_PROXY_START) put_program(words, count);
    else if (number == CONSHIM_PROXY_DIE) {
      printf("hostile: the program ends by signal %lu\n", field(CONSHIM_EXCHANGE_ARGUMENTS));
      break;
    } else if (number == CONSHIM_PROXY_THREAD) {
      result = make_thread();
    } else if (number < 0x10000) {
      if (lying) lies++;
      result = lying ? lie() : honest();
    }
    set(CONSHIM_EXCHANGE_RESULT, (uint64_t)result);
  }
  printf("hostile: %lu answers after START\n", lies);
}
