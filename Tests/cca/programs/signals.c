// Signals: handlers, masks, restarts, timers that interrupt a computation, children that end.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count[65];
static void note(int signal) { count[signal]++; }
static int failures;

static void check(int good, const char *what) {
  if (!good) failures++;
  printf("%s: %s\n", good ? "ok" : "FAILED", what);
  fflush(stdout);
}

static void handle(int signal, int flags) {
  struct sigaction action = {.sa_handler = note, .sa_flags = flags};
  sigaction(signal, &action, 0);
}

static sigjmp_buf back;
static void *fault_address;
static void jump(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  fault_address = info->si_addr;
  siglongjmp(back, 1);
}

static void ring(int microseconds) {
  struct itimerval timer = {.it_value = {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, 0);
}

int main(void) {
  handle(SIGUSR1, 0);
  raise(SIGUSR1);
  check(count[SIGUSR1] == 1, "a raised signal is handled before raise returns");

  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, 0);
  kill(getpid(), SIGUSR1);
  sigpending(&pending);
  check(count[SIGUSR1] == 1 && sigismember(&pending, SIGUSR1), "a blocked signal waits");
  sigprocmask(SIG_UNBLOCK, &set, 0);
  check(count[SIGUSR1] == 2, "it comes when it is unblocked");

  handle(SIGALRM, 0);
  ring(50000);
  for (volatile uint64_t i = 0; !count[SIGALRM] && i < 1ull << 34; i++) {}
  check(count[SIGALRM] == 1, "a timer interrupts a computation");

  int pipes[2];
  char byte;
  if (pipe(pipes) != 0) return 1;
  ring(50000);
  check(read(pipes[0], &byte, 1) < 0 && errno == EINTR, "read ends with EINTR without SA_RESTART");
  handle(SIGALRM, SA_RESTART);
  pid_t writer = fork();
  if (writer == 0) {
    usleep(300000);
    _exit(write(pipes[1], "x", 1) != 1);
  }
  ring(50000);
  check(read(pipes[0], &byte, 1) == 1 && byte == 'x' && count[SIGALRM] == 3, "read goes on with SA_RESTART");
  int status;
  check(waitpid(writer, &status, 0) == writer && status == 0, "the writer ended well");

  struct timespec second = {0, 20000000};
  handle(SIGALRM, 0);
  ring(5000);
  check(nanosleep(&second, &second) < 0 && errno == EINTR, "nanosleep is interrupted");

  // The race that ppoll is there for: the signal is unblocked only while it waits.
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, 0);
  int lost = 0;
  for (int i = 0; i < 200; i++) {
    int before = count[SIGALRM];
    ring(1 + i * 7 % 500);
    sigset_t none;
    sigemptyset(&none);
    struct timespec limit = {5, 0};
    if (ppoll(0, 0, &limit, &none) != -1 || errno != EINTR || count[SIGALRM] != before + 1) lost++;
  }
  check(lost == 0, "ppoll lost no signal in 200 rounds");
  sigprocmask(SIG_UNBLOCK, &set, 0);

  handle(SIGCHLD, 0);
  int children = 0;
  for (int i = 0; i < 20; i++) {
    int before = count[SIGCHLD];
    pid_t child = fork();
    if (child == 0) _exit(i);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    children += WIFEXITED(status) && WEXITSTATUS(status) == i && count[SIGCHLD] > before;
  }
  check(children == 20, "20 children ended, each with its status and a SIGCHLD");

  struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, 0);
  if (sigsetjmp(back, 1) == 0) *(volatile int *)0x123456789000 = 1;
  check(fault_address == (void *)0x123456789000, "a fault is handled, with its address");

  static char stack[65536] __attribute__((aligned(16)));
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  check(sigaltstack(&alternate, 0) == 0, "sigaltstack");
  handle(SIGUSR2, SA_ONSTACK);
  raise(SIGUSR2);
  check(count[SIGUSR2] == 1, "a handler on the alternate stack");

  pid_t child = fork();
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    pause();
    _exit(0);
  }
  usleep(50000);
  kill(child, SIGTERM);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "a child ends by SIGTERM");
  child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    *(volatile int *)8 = 1;
    _exit(0);
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a child ends by its fault");
  child = fork();
  if (child == 0)
    for (;;) {}
  usleep(50000);
  kill(child, SIGSTOP);
  check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "a child is stopped");
  kill(child, SIGCONT);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a child that computes ends by SIGKILL");
  printf("signals: %d failures\n", failures);
  return failures != 0;
}
