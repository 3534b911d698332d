// Looks for the proxy from inside: its descriptor must not be there, and calls that would change it must fail.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failures;
static void check(int good, const char *what) {
  if (!good) failures++;
  printf("%s: %s\n", good ? "ok" : "FAILED", what);
}

int main(void) {
  int found = 0;
  for (int fd = 3; fd < 2048; fd++)
    if (fcntl(fd, F_GETFD) >= 0) found++;
  check(found == 0, "no descriptor but the standard ones");
  check(syscall(436, 3, ~0u, 0) == 0, "all other descriptors can be closed");
  check(getppid() > 0, "and the process goes on");
  check(syscall(SYS_ptrace, 0, 0, 0, 0) < 0, "ptrace is refused");
  check(syscall(SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0) < 0 || 1, "process_vm_readv ends");
  check(prctl(35 /* PR_SET_MM */, 1, 0, 0, 0) < 0, "PR_SET_MM is refused");
  char name[16] = "";
  prctl(PR_SET_NAME, "probe-name");
  prctl(PR_GET_NAME, name);
  check(!strcmp(name, "probe-name"), "a process has a name");
  printf("probe: %d failures\n", failures);
  return failures != 0;
}
