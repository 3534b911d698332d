// A thread swaps the path of a program while another executes it: race GOOD BAD COUNT [SECONDS [KIND]].
// KIND 0 swaps the text of the path (vfork), 1 the same in a copy of the memory (fork), 2 a symbolic link, 3 renames files.
// Prints how often which program ran, or did not; "other" are paths that were half of each.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sched.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
static char path[64];
static const char *good, *bad;
static volatile int stop;
static void *swap(void *x) {
  int kind = *(int *)x;
  while (!stop) {
    if (kind == 2) {
      symlink(good, "/tmp/new"); rename("/tmp/new", "/tmp/program");
      symlink(bad, "/tmp/new"); rename("/tmp/new", "/tmp/program");
    } else if (kind == 3) {
      link(good, "/tmp/new"); rename("/tmp/new", "/tmp/program");
      link(bad, "/tmp/new"); rename("/tmp/new", "/tmp/program");
    } else {
      strcpy(path, good);
      strcpy(path, bad);
    }
  }
  return 0;
}
int main(int c, char **v) {
  good = v[1]; bad = v[2];
  long n = atol(v[3]); double seconds = c > 4 ? atof(v[4]) : 1e9;
  int kind = c > 5 ? atoi(v[5]) : 0;
  long ran_good = 0, ran_bad = 0, refused = 0, killed = 0, other = 0, i;
  struct timespec b, e; clock_gettime(CLOCK_MONOTONIC, &b);
  if (kind >= 2) strcpy(path, "/tmp/program");
  pthread_t t; pthread_create(&t, 0, swap, &kind);
  for (i = 0; i < n; i++) {
    pid_t p = kind != 1 ? vfork() : fork();
    if (p == 0) {
      char *a[] = {(char *)"x", 0};
      execve(path, a, a + 1);
      _exit(errno == EACCES ? 77 : errno == ENOENT ? 78 : 79);
    }
    int s; waitpid(p, &s, 0);
    if (WIFSIGNALED(s)) killed++;
    else switch (WEXITSTATUS(s)) { case 0: ran_good++; break; case 1: ran_bad++; break; case 77: refused++; break; default: other++; }
    clock_gettime(CLOCK_MONOTONIC, &e);
    if (e.tv_sec - b.tv_sec + (e.tv_nsec - b.tv_nsec) * 1e-9 > seconds) { i++; break; }
  }
  stop = 1; pthread_join(t, 0);
  printf("{\"races\": %ld, \"good\": %ld, \"bad\": %ld, \"refused\": %ld, \"killed\": %ld, \"other\": %ld}\n", i, ran_good, ran_bad, refused, killed, other);
}
