// Has children killed with SIGKILL, one after another: kills COUNT. Then it makes /tmp/killed and waits for /tmp/end.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(int kind) {
  volatile char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int at = 0; at < 1 << 20; at += 4096) memory[at] = 1;
  // In a call, computing, by a default action, or wherever it is when it dies at once.
  if (kind == 0) pause();
  if (kind == 1)
    for (;;) memory[0]++;
  if (kind == 2) sigsuspend(&(sigset_t){0});
  for (;;) getppid();
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 0;
  for (long index = 0; index < count; index++) {
    int kind = (int)(index % 4), signal = kind == 2 ? SIGTERM : SIGKILL, status = 0;
    pid_t pid = fork();
    if (pid == 0) child(kind);
    if (pid < 0) {
      printf("fork fails after %ld\n", index);
      return 1;
    }
    if (index % 3 == 0) usleep(1000);
    kill(pid, signal);
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != signal) {
      printf("child %ld: status %#x\n", index, status);
      return 1;
    }
  }
  close(open("/tmp/killed", O_CREAT | O_WRONLY, 0600));
  while (access("/tmp/end", F_OK) != 0) usleep(10000);
  printf("kills: %ld done\n", count);
  return 0;
}
