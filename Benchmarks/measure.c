/* Times commands as whole processes, in turns: measure RUNS GAP_MS A... -- B... [-- C...]
 * For each command prints the median and the least time in ms and its largest RSS in KiB. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  char **commands[8];
  int count = 0;
  if (argc < 4) return 2;
  int runs = atoi(argv[1]), gap = atoi(argv[2]);
  commands[count++] = argv + 3;
  for (int i = 3; i < argc; i++)
    if (!strcmp(argv[i], "--")) {
      argv[i] = NULL;
      if (count < 8) commands[count++] = argv + i + 1;
    }
  double *times[8];
  long rss[8] = {0};
  for (int c = 0; c < count; c++) times[c] = calloc((size_t)runs, sizeof(double));
  for (int run = -3; run < runs; run++)
    for (int c = 0; c < count; c++) {
      if (gap > 0) usleep((useconds_t)gap * 1000);
      double start = now();
      pid_t pid = vfork();
      if (pid == 0) {
        execvp(commands[c][0], commands[c]);
        _exit(127);
      }
      int status;
      struct rusage usage;
      wait4(pid, &status, 0, &usage);
      if (status != 0) {
        fprintf(stderr, "measure: %s ended with status %d\n", commands[c][0], status);
        return 1;
      }
      if (run >= 0) times[c][run] = now() - start;
      if (usage.ru_maxrss > rss[c]) rss[c] = usage.ru_maxrss;
    }
  for (int c = 0; c < count; c++) {
    qsort(times[c], (size_t)runs, sizeof(double), ascending);
    printf("%.3f %.3f %ld\n", times[c][runs / 2], times[c][0], rss[c]);
  }
  return 0;
}
