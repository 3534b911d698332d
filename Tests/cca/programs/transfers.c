// Reads, writes and moves in files of many kinds, and prints every result: inside of a con-shim it has to be what it is
// outside, whoever makes the calls there. Works in a directory of its own.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char large[1 << 20];

static long result(const char *what, long value) {
  if (value < 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: %ld\n", what, value);
  return value;
}

static void contents(const char *path) {
  char text[256] = {0};
  int fd = open(path, O_RDONLY);
  long size = read(fd, text, sizeof text - 1);
  close(fd);
  printf("%s: %ld bytes: %s\n", path, size, text);
}

static int opened(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd < 0) printf("open %s: %s\n", path, strerrorname_np(errno));
  return fd;
}

static void positions(void) {
  int fd = opened("positions", O_RDWR | O_CREAT | O_TRUNC);
  char text[16] = {0};
  result("write", write(fd, "0123456789", 10));
  result("where", lseek(fd, 0, SEEK_CUR));
  result("read at the end", read(fd, text, 4));
  result("back", lseek(fd, -4, SEEK_CUR));
  result("read 8 of 4", read(fd, text, 8));
  printf("text %s\n", text);
  result("pread", pread(fd, text, 3, 1));
  printf("text %s\n", text);
  result("pwrite", pwrite(fd, "xyz", 3, 20));
  result("where", lseek(fd, 0, SEEK_CUR));
  result("end", lseek(fd, 0, SEEK_END));
  result("data", lseek(fd, 0, SEEK_DATA));
  result("hole", lseek(fd, 0, SEEK_HOLE));
  result("before the start", lseek(fd, -1, SEEK_SET));
  result("no origin", syscall(SYS_lseek, fd, 0, 77));
  result("no origin", syscall(SYS_lseek, fd, 0, -1));
  result("far", lseek(fd, INT64_MAX, SEEK_SET));
  result("too far", lseek(fd, 1, SEEK_CUR));
  result("read there", read(fd, text, 1));
  result("write there", write(fd, text, 1));
  result("pread before the start", pread(fd, text, 1, -1));
  result("pwrite before the start", pwrite(fd, text, 1, INT64_MIN));
  result("pread of nothing", pread(fd, text, 0, 0));
  result("write of nothing", write(fd, text, 0));
  result("read of nothing", read(fd, text, 0));
  lseek(fd, 0, SEEK_SET);
  result("read without an end", syscall(SYS_read, fd, large, SIZE_MAX >> 1));
  result("write without an end", syscall(SYS_write, fd, large, SIZE_MAX));
  memset(large, 'l', sizeof large);
  result("large write", pwrite(fd, large, sizeof large, 3));
  result("large read", pread(fd, large, sizeof large, 1));
  printf("%d %d\n", large[0], large[sizeof large - 1]);
  close(fd);
}

static void directions(void) {
  char text[4] = {0};
  int in = opened("positions", O_RDONLY), out = opened("positions", O_WRONLY), path = opened("positions", O_PATH);
  result("write to what is read", write(in, "x", 1));
  result("pwrite to what is read", pwrite(in, "x", 1, 0));
  result("read of what is written", read(out, text, 1));
  result("pread of what is written", pread(out, text, 1, 0));
  result("read of nothing of what is written", read(out, text, 0));
  result("read of a path", read(path, text, 1));
  result("seek of a path", lseek(path, 0, SEEK_SET));
  close(in), close(out), close(path);
  result("read of what is closed", read(in, text, 1));
  result("write to what is closed", write(in, text, 1));
  result("seek of what is closed", lseek(in, 0, SEEK_SET));
  result("pread of what is closed", pread(in, text, 1, 0));
  int numbers[] = {-1, 99999, INT32_MIN, INT32_MAX};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) result("read of a number", read(numbers[i], text, 1));
  // Only the lower half of the register is the descriptor.
  int zero = opened("/dev/zero", O_RDONLY);
  result("read with more bits", syscall(SYS_read, zero | 1ul << 40, text, 4));
  close(zero);
}

static void appended(void) {
  int fd = opened("appended", O_RDWR | O_CREAT | O_TRUNC | O_APPEND), other = opened("appended", O_WRONLY | O_APPEND);
  write(fd, "a", 1), write(other, "b", 1), write(fd, "c", 1);
  result("where", lseek(fd, 0, SEEK_CUR));
  lseek(fd, 0, SEEK_SET);
  write(fd, "d", 1);
  result("pwrite appends", pwrite(fd, "e", 1, 0));
  fcntl(other, F_SETFL, 0);
  write(other, "B", 1);
  contents("appended");
  close(fd), close(other);
}

static void shared(void) {
  int fd = opened("shared", O_RDWR | O_CREAT | O_TRUNC), copy = dup(fd), again = opened("shared", O_RDWR);
  write(fd, "one ", 4);
  write(copy, "two ", 4);
  write(again, "O", 1);
  result("where", lseek(fd, 0, SEEK_CUR));
  fflush(stdout);
  pid_t children[4];
  for (int k = 0; k < 4; k++) {
    children[k] = fork();
    if (children[k]) continue;
    // Records of one position: none is lost, and none is torn.
    char record[8];
    memset(record, 'A' + k, sizeof record);
    for (int i = 0; i < 200; i++)
      if (write(fd, record, sizeof record) != sizeof record) _exit(1);
    _exit(0);
  }
  for (int k = 0; k < 4; k++) {
    int status;
    waitpid(children[k], &status, 0);
    result("status", status);
  }
  result("where", lseek(copy, 0, SEEK_CUR));
  int counts[4] = {0}, torn = 0;
  char record[8];
  lseek(fd, 8, SEEK_SET);
  while (read(fd, record, sizeof record) == sizeof record) {
    for (int i = 1; i < 8; i++) torn += record[i] != record[0];
    if (record[0] >= 'A' && record[0] < 'E') counts[record[0] - 'A']++;
  }
  printf("%d %d %d %d, torn %d\n", counts[0], counts[1], counts[2], counts[3], torn);
  close(fd), close(copy), close(again);
}

static volatile sig_atomic_t caught;
static void catch(int number) { caught = number; }

static void limited(void) {
  struct rlimit limit = {10, RLIM_INFINITY};
  int fd = opened("limited", O_RDWR | O_CREAT | O_TRUNC);
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, catch);
  result("up to the limit", write(fd, "0123456789abcdef", 16));
  result("caught", caught);
  result("at the limit", write(fd, "x", 1));
  result("caught", caught), caught = 0;
  result("beyond it", pwrite(fd, "x", 1, 100));
  result("caught", caught), caught = 0;
  signal(SIGXFSZ, SIG_IGN);
  result("ignored", write(fd, "x", 1));
  fflush(stdout);
  pid_t child = fork();
  if (!child) {
    signal(SIGXFSZ, SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    write(fd, "x", 1);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  result("ended by", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  contents("limited");
  close(fd);
}

static void devices(void) {
  const char *paths[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/proc/self/comm", "/proc/version",
                         "/proc/sys/kernel/ostype", "/proc/filesystems", "/sys/kernel/fscaps", "/proc", "/tmp", "/"};
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
    for (int flags = O_RDONLY; flags <= O_RDWR; flags++) {
      char text[64];
      int fd = open(paths[i], flags);
      if (fd < 0) {
        printf("%s %d: %s\n", paths[i], flags, strerrorname_np(errno));
        continue;
      }
      printf("%s %d\n", paths[i], flags);
      memset(text, 7, sizeof text);
      if (result("read", read(fd, text, 60)) > 0 && i != 3) fwrite(text, 1, 60, stdout), puts("");
      result("where", lseek(fd, 0, SEEK_CUR));
      result("seek", lseek(fd, 5, SEEK_SET));
      result("read", read(fd, text, 60));
      result("read", read(fd, text, 0));
      result("pread", pread(fd, text, 60, 1));
      result("end", lseek(fd, 0, SEEK_END));
      if (i < 4) {
        result("write", write(fd, text, 60));
        result("write", write(fd, text, 0));
        result("pwrite", pwrite(fd, text, 60, 1));
        result("where", lseek(fd, 0, SEEK_CUR));
      }
      close(fd);
    }
  }
}

static void ends(const char *name, int in, int out, int shut) {
  char text[16] = {0};
  printf("%s\n", name);
  result("empty", read(out, text, 4));
  result("write", write(in, "abcdef", 6));
  result("read", read(out, text, 4));
  printf("text %s\n", text);
  result("read", read(out, text, 16));
  result("read", read(out, text, 16));
  result("seek", lseek(out, 0, SEEK_CUR));
  result("pread", pread(out, text, 1, 0));
  result("pwrite", pwrite(in, text, 1, 0));
  long total = 0, part;
  while ((part = write(in, large, 4096)) > 0) total += part;
  result("full", part);
  for (long done = 0; done < total; done += part)
    if ((part = read(out, large, 100000)) <= 0) break;
  result("drained", part > 0);
  shut ? shutdown(out, SHUT_RDWR) : close(out);
  signal(SIGPIPE, catch), caught = 0;
  result("nobody reads", write(in, "x", 1));
  result("caught", caught);
  signal(SIGPIPE, SIG_IGN), caught = 0;
  result("nobody reads", write(in, "x", 1));
  result("caught", caught);
  fflush(stdout);
  pid_t child = fork();
  if (!child) {
    signal(SIGPIPE, SIG_DFL);
    write(in, "x", 1);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  result("ended by", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  signal(SIGPIPE, SIG_DFL);
  close(in);
  if (shut) close(out);
}

static void tick(int number) { caught += number == SIGALRM; }

// A read that waits is interrupted by a signal, or goes on after it.
static void interrupted(void) {
  int fds[2];
  char text[4];
  pipe(fds);
  struct itimerval soon = {{0, 0}, {0, 50000}};
  struct sigaction action = {.sa_handler = tick};
  caught = 0;
  sigaction(SIGALRM, &action, 0);
  setitimer(ITIMER_REAL, &soon, 0);
  result("interrupted", read(fds[0], text, 4));
  result("caught", caught);
  // Signals while calls are made that do not wait: each is handled, and no call sees it.
  int zero = opened("/dev/zero", O_RDONLY);
  struct itimerval often = {{0, 1000}, {0, 1000}};
  caught = 0;
  setitimer(ITIMER_REAL, &often, 0);
  long wrong = 0;
  while (caught < 50) wrong += read(zero, text, 4) != 4;
  setitimer(ITIMER_REAL, &(struct itimerval){0}, 0);
  result("wrong", wrong);
  close(zero), close(fds[0]), close(fds[1]);
}

static void memory_files(void) {
  char text[8] = {0};
  int fd = memfd_create("m", MFD_ALLOW_SEALING);
  result("write", write(fd, "sealed", 6));
  fcntl(fd, F_ADD_SEALS, F_SEAL_GROW);
  result("grow", write(fd, "x", 1));
  fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
  result("write", pwrite(fd, "x", 1, 0));
  result("read", pread(fd, text, 6, 0));
  printf("text %s\n", text);
  close(fd);
}

int main(void) {
  setvbuf(stdout, 0, _IOFBF, 1 << 16);
  positions();
  directions();
  appended();
  shared();
  limited();
  devices();
  int fds[2];
  if (pipe2(fds, O_NONBLOCK) == 0) ends("pipe", fds[1], fds[0], 0);
  if (mkfifo("fifo", 0600) == 0) {
    int out = open("fifo", O_RDONLY | O_NONBLOCK), in = open("fifo", O_WRONLY | O_NONBLOCK);
    ends("fifo", in, out, 0);
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0) ends("stream", fds[0], fds[1], 1);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0) ends("packets", fds[0], fds[1], 1);
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) == 0) ends("datagrams", fds[0], fds[1], 1);
  interrupted();
  memory_files();
  return 0;
}
