// Stacks filters of its own on that of the container, and tries to get a listener or to let calls pass: prints what came of it.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static long filter(unsigned action, unsigned flags) {
  struct sock_filter f[] = {{BPF_RET | BPF_K, 0, 0, action}};
  struct sock_fprog p = {1, f};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
int main(int c, char **v) {
  (void)c;
  long listener = filter(SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  printf("listener %d\n", listener < 0 ? errno : 0);
  fflush(stdout);
  unsigned actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE};
  for (int i = 0; i < 3; i++) {
    pid_t p = fork();
    if (p == 0) {
      filter(actions[i], 0);
      execve(v[1], v + 1, 0);
      _exit(100 + errno);
    }
    int s;
    waitpid(p, &s, 0);
    printf("stacked %d\n", WIFEXITED(s) ? WEXITSTATUS(s) : -WTERMSIG(s));
    fflush(stdout);
  }
  return 0;
}
