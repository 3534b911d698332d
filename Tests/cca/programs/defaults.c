// Runs a command with other signals than this process has: `defaults COMMAND` with SIGINT doing what it does by
// default, `ignored` with SIGINT ignored, `blocked` with it blocked.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
  if (argc < 2) return 2;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  signal(SIGINT, !strcmp(name, "ignored") ? SIG_IGN : SIG_DFL);
  sigprocmask(!strcmp(name, "blocked") ? SIG_BLOCK : SIG_UNBLOCK, &set, 0);
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 127;
}
