// Counts what operations cost, in ticks of the virtual counter: on a machine with --icount one tick is one
// instruction of the whole machine (Machine, docs/machine.md).
//   bench NAME COUNT           repeats an operation; prints the ticks of one
//   bench time COMMAND...      prints the ticks that a command takes, from fork to wait
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t now(void) {
  uint64_t ticks;
  __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
}

static long call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}

static int zero;
static char byte;
static volatile unsigned char *pages;
static char *program;

static void local(long i) { (void)i, call(SYS_getpid, 0, 0, 0); }
static void forwarded(long i) { (void)i, call(SYS_lseek, zero, 0, SEEK_SET); }
static void read_byte(long i) { (void)i, call(SYS_read, zero, (long)&byte, 1); }
static void proxied(long i) { (void)i, call(SYS_getpgid, 0, 0, 0); }
static void fault(long i) { pages[i * 4096] = 1; }
static void compute(long i) {
  static uint64_t state = 1;
  for (int k = 0; k < 1000; k++) state = state * 6364136223846793005u + (uint64_t)i;
}

static void fork_and_exit(long i) {
  (void)i;
  pid_t child = fork();
  if (child == 0) _exit(0);
  if (child < 0 || waitpid(child, 0, 0) != child) exit(1);
}

static void fork_and_exec(long i) {
  (void)i;
  pid_t child = fork();
  if (child == 0) {
    execl(program, program, "nothing", (char *)0);
    _exit(1);
  }
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) exit(1);
}

static const struct {
  const char *name;
  void (*once)(long);
} operations[] = {
    {"local", local}, {"forwarded", forwarded}, {"read", read_byte},     {"proxied", proxied},
    {"fault", fault}, {"compute", compute},     {"fork", fork_and_exit}, {"exec", fork_and_exec},
};

static int time_command(char **words) {
  uint64_t start = now();
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execv(words[0], words);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  printf("%llu\n", (unsigned long long)(now() - start));
  return 0;
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc == 2 && !strcmp(argv[1], "nothing")) return 0;
  if (argc > 2 && !strcmp(argv[1], "time")) return time_command(argv + 2);
  long count = argc == 3 ? atol(argv[2]) : 0;
  zero = open("/dev/zero", O_RDONLY);
  for (size_t k = 0; count > 0 && k < sizeof operations / sizeof *operations; k++) {
    if (strcmp(argv[1], operations[k].name)) continue;
    if (operations[k].once == fault) {
      pages = mmap(0, (size_t)count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (pages == MAP_FAILED) return 1;
      // So that no table has to be made for them while they are counted, and none is a huge one.
      madvise((void *)(uintptr_t)pages, (size_t)count * 4096, MADV_NOHUGEPAGE);
    } else {
      for (long i = 0; i < 3; i++) operations[k].once(i);
    }
    uint64_t start = now();
    for (long i = 0; i < count; i++) operations[k].once(i);
    uint64_t end = now();
    printf("%llu\n", (unsigned long long)((end - start + (uint64_t)count / 2) / (uint64_t)count));
    return 0;
  }
  fputs("usage: bench local|forwarded|read|proxied|fault|compute|fork|exec COUNT, bench time COMMAND...\n", stderr);
  return 2;
}
