// Ways to execute a program: each prints a line. argv[1]: a program that exits with 0.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static char *program; static char *args[] = {(char *)"x", 0};
static void *thread_exec(void *x) { (void)x; execve(program, args, args + 1); _exit(100 + errno); }
static void *thread_spin(void *x) { (void)x; for (;;) pause(); }
static void *thread_race(void *x) { execve(x ? (char *)x : program, args, args + 1); return 0; }
static void report(const char *name, pid_t p) {
  int s; waitpid(p, &s, 0);
  if (WIFSIGNALED(s)) printf("%s signal %d\n", name, WTERMSIG(s)); else printf("%s %d\n", name, WEXITSTATUS(s));
  fflush(stdout);
}
#define CASE(name, body) do { pid_t p = fork(); if (p == 0) { body; _exit(99); } report(name, p); } while (0)
int main(int c, char **v) {
  (void)c; program = v[1];
  CASE("plain", execve(program, args, args + 1); _exit(100 + errno));
  CASE("thread", pthread_t t; pthread_create(&t, 0, thread_spin, 0); pthread_create(&t, 0, thread_exec, 0); for (;;) pause());
  CASE("threads", pthread_t t; for (int i = 0; i < 8; i++) pthread_create(&t, 0, thread_race, 0); for (;;) pause());
  CASE("vfork", pid_t p = vfork(); if (p == 0) { execve(program, args, args + 1); _exit(errno); } int s; waitpid(p, &s, 0); _exit(WEXITSTATUS(s)));
  CASE("missing", execve("/no/such", args, args + 1); _exit(100 + errno));
  CASE("badpointer", execve((char *)1, args, args + 1); _exit(100 + errno));
  CASE("signals", struct sigaction a; memset(&a, 0, sizeof a); a.sa_handler = SIG_IGN; sigaction(SIGUSR1, &a, 0);
       pid_t me = getpid(); if (fork() == 0) { for (int i = 0; i < 2000; i++) kill(me, SIGUSR1); _exit(0); } usleep(500); execve(program, args, args + 1); _exit(100 + errno));
  CASE("stopped", pid_t me = getpid(); if (fork() == 0) { usleep(300000); kill(me, SIGCONT); _exit(0); } kill(me, SIGSTOP); execve(program, args, args + 1); _exit(100 + errno));
  CASE("at", int f = open(program, O_PATH | O_CLOEXEC); syscall(SYS_execveat, f, "", args, args + 1, AT_EMPTY_PATH); _exit(100 + errno));
  CASE("memfd", int m = memfd_create("m", 0); int f = open(program, O_RDONLY); char b[65536]; ssize_t n; while ((n = read(f, b, sizeof b)) > 0) if (write(m, b, n) < 0) _exit(98);
       char path[64]; sprintf(path, "/proc/self/fd/%d", m); execve(path, args, args + 1); _exit(100 + errno));
  CASE("traced", pid_t p = fork(); if (p == 0) { if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) _exit(50); execve(program, args, args + 1); _exit(100 + errno); }
       int s; waitpid(p, &s, 0); while (WIFSTOPPED(s)) { ptrace(PTRACE_CONT, p, 0, 0); waitpid(p, &s, 0); } _exit(WEXITSTATUS(s)));
  CASE("killed", for (int i = 0; i < 50; i++) { pid_t p = fork(); if (p == 0) { execve(program, args, args + 1); _exit(1); } usleep(rand() % 800); kill(p, SIGKILL); waitpid(p, 0, 0); } _exit(0));
  CASE("written", int f = open(program, O_RDONLY); int o = open("/tmp/copy", O_WRONLY | O_CREAT, 0755); char b[65536]; ssize_t n; while ((n = read(f, b, sizeof b)) > 0) if (write(o, b, n) < 0) _exit(98);
       close(o); execve("/tmp/copy", args, args + 1); _exit(100 + errno));
  return 0;
}
