// Bad pointers and lengths in system calls: each is answered with an error, and nothing else happens.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int failures, tried;
static void expect(long result, int error, const char *what) {
  tried++;
  if (result == -1 && errno == error) return;
  failures++;
  printf("FAILED: %s: %ld, %s\n", what, result, result < 0 ? strerror(errno) : "no error");
}

int main(void) {
  int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR), pair[2];
  if (zero < 0 || null < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  char *readonly = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *hole = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (hole == MAP_FAILED || munmap(hole + 4096, 4096) != 0) return 1;
  memset(hole, 'x', 4096);
  uintptr_t bad[] = {0, 1, 4096, (uintptr_t)hole + 4096, 1ul << 47, (1ul << 48) - 8, 1ul << 48, 0xffff800000000000,
                     0xffffffffc0000000, UINTPTR_MAX, UINTPTR_MAX - 7, 0x0e000000, 0x40000000};
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
    void *p = (void *)bad[i];
    expect(syscall(SYS_read, zero, p, 16), EFAULT, "read");
    expect(syscall(SYS_write, pair[0], p, 16), EFAULT, "write");
    expect(syscall(SYS_pipe2, p, 0), EFAULT, "pipe2");
    expect(syscall(SYS_openat, AT_FDCWD, p, 0, 0), EFAULT, "openat");
    expect(syscall(SYS_newfstatat, AT_FDCWD, "/", p, 0), EFAULT, "newfstatat");
    expect(syscall(SYS_uname, p), EFAULT, "uname");
    expect(syscall(SYS_getcwd, p, 64), EFAULT, "getcwd");
    expect(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p), EFAULT, "clock_gettime");
    if (p) expect(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, 0, 8), EFAULT, "rt_sigprocmask");
    expect(syscall(SYS_nanosleep, p, 0), EFAULT, "nanosleep");
    expect(syscall(SYS_getrandom, p, 16, 0), EFAULT, "getrandom");
    struct iovec one = {p, 16};
    expect(syscall(SYS_writev, pair[0], &one, 1), EFAULT, "writev");
    expect(syscall(SYS_writev, pair[0], p, 1), EFAULT, "writev of a bad array");
    expect(syscall(SYS_sendmsg, pair[0], p, 0), EFAULT, "sendmsg");
    expect(syscall(SYS_execve, p, 0, 0), EFAULT, "execve");
    expect(syscall(SYS_connect, pair[0], p, 16), EFAULT, "connect");
  }
  // Without an end before the end of memory.
  expect(syscall(SYS_openat, AT_FDCWD, hole + 96, 0, 0), EFAULT, "a path without an end");
  memset(hole, '/', 4095);
  hole[4095] = 0;
  errno = 0;
  long root = syscall(SYS_openat, AT_FDCWD, hole, O_RDONLY, 0);
  tried++;
  if (root < 0) failures++, printf("FAILED: a path of 4095 letters: %s\n", strerror(errno));
  expect(syscall(SYS_read, zero, readonly, 16), EFAULT, "read into memory that is read-only");
  expect(syscall(SYS_read, zero, (void *)main, 16), EFAULT, "read into code");
  // A part that is there is filled, as Linux does.
  long part = syscall(SYS_read, zero, hole + 4000, 500);
  tried++;
  if (part != 96 && !(part == -1 && errno == EFAULT)) failures++, printf("FAILED: a part: %ld\n", part);
  expect(syscall(SYS_read, 12345, hole, 1), EBADF, "no descriptor");
  expect(syscall(SYS_read, -1, hole, 1), EBADF, "descriptor -1");
  expect(syscall(SYS_writev, null, hole, 1025), EINVAL, "1025 vectors");
  expect(syscall(1999L), ENOSYS, "no such call");
  expect(syscall(-1L), ENOSYS, "call -1");
  expect(syscall(0x7fffffffffffL), ENOSYS, "a large number");
  // Long transfers: more than any buffer between the program and the host.
  static char big[1 << 20];
  memset(big, 1, sizeof big);
  size_t done = 0;
  while (done < sizeof big) {
    long n = read(zero, big + done, sizeof big - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  tried++;
  int all = done == sizeof big;
  for (size_t i = 0; i < sizeof big; i++) all &= big[i] == 0;
  if (!all) failures++, printf("FAILED: 1 MiB of zeros\n");
  printf("pointers: %d tried, %d failures\n", tried, failures);
  return failures != 0;
}
