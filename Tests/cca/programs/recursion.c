// Deep recursion: the stack grows to 7 MiB; then without end, which is a fault and no more.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static unsigned deep(unsigned left) {
  volatile char frame[1000];
  memset((char *)frame, (int)left, sizeof frame);
  unsigned below = left ? deep(left - 1) : 0;
  return below + (unsigned char)frame[left % 1000] % 2 + 1;
}

int main(void) {
  unsigned result = deep(7000);
  printf("recursion: 7000 calls, %u\n", result);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) _exit((int)deep(~0u) & 0);
  int status;
  waitpid(child, &status, 0);
  int good = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
  printf("recursion: without end: %s\n", good ? "SIGSEGV" : "FAILED");
  return !good;
}
