// What a call that the supervisor answers costs: mediated COUNT PROGRAM. Prints JSON: nanoseconds of mount(2), which is answered
// with an error, of getppid(2), which the kernel makes, and of a process that executes PROGRAM.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000l + t.tv_nsec;
}
static int order(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}
static void mediated(char **v) { (void)v; syscall(SYS_mount, 0, 0, 0, 0, 0); }
static void direct(char **v) { (void)v; syscall(SYS_getppid); }
static void execute(char **v) {
  pid_t p = vfork();
  if (p == 0) {
    execv(v[2], v + 2);
    _exit(1);
  }
  waitpid(p, 0, 0);
}
static void measure(const char *name, void (*call)(char **), long count, char **v) {
  long *times = malloc(sizeof *times * (size_t)count);
  for (long i = 0; i < count; i++) {
    long begin = now();
    call(v);
    times[i] = now() - begin;
  }
  qsort(times, (size_t)count, sizeof *times, order);
  printf("\"%s\": {\"median\": %ld, \"p99\": %ld, \"minimum\": %ld}", name, times[count / 2], times[count * 99 / 100], times[0]);
  free(times);
}
int main(int c, char **v) {
  if (c < 3) return 2;
  long count = atol(v[1]);
  printf("{");
  measure("mediated", mediated, count, v);
  printf(", ");
  measure("direct", direct, count, v);
  printf(", ");
  measure("execute", execute, count / 50 + 1, v);
  printf("}\n");
  return 0;
}
