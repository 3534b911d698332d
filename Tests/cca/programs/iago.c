// Makes calls whose results a hostile host (hostile.c) answers, and looks whether they keep what a kernel
// promises: no more than was asked for, nothing beyond a buffer, no error that is none. Checkoway and Shacham,
// "Iago attacks", ASPLOS 2013.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { size = 64, guard = 4096 };
static struct {
  unsigned char before[guard], buffer[size], after[guard];
} area;
static int violations;

static long raw(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

static void violated(const char *what, long result) {
  violations++;
  printf("iago: violated: %s gave %ld\n", what, result);
}

static void kept(const char *what, long result, long most) {
  if (result > most || result < -4095) violated(what, result);
  for (int i = 0; i < guard; i++)
    if (area.before[i] != 0xa5 || area.after[i] != 0x5a) {
      violated(what, i);
      memset(area.before, 0xa5, guard);
      memset(area.after, 0x5a, guard);
    }
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? 200 : 20;
  (void)argv;
  memset(area.before, 0xa5, guard);
  memset(area.after, 0x5a, guard);
  unsigned char *secret = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(secret, 0x77, 1 << 16);
  // From here on the host lies.
  raw(SYS_write, 1, (long)"START\n", 6, 0);
  for (int i = 0; i < rounds; i++) {
    long buffer = (long)area.buffer;
    kept("read", raw(SYS_read, 0, buffer, size, 0), size);
    kept("pread64", raw(SYS_pread64, 0, buffer, size, 0), size);
    kept("write", raw(SYS_write, 2, buffer, 0, 0), 0);
    kept("getcwd", raw(SYS_getcwd, buffer, size, 0, 0), size);
    kept("readlinkat", raw(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", buffer, size), size);
    kept("getdents64", raw(SYS_getdents64, 0, buffer, size, 0), size);
    struct iovec vector[2] = {{area.buffer, size / 2}, {area.buffer + size / 2, size / 2}};
    kept("readv", raw(SYS_readv, 0, (long)vector, 2, 0), size);
    kept("recvfrom", raw(SYS_recvfrom, 0, buffer, size, 0), size);
    socklen_t length = size;
    kept("getsockname", raw(SYS_getsockname, 0, buffer, (long)&length, 0), 0);
    length = size;
    kept("getsockopt", raw(SYS_getsockopt, 0, SOL_SOCKET, SO_TYPE, buffer), 0);
    kept("fstat", raw(SYS_fstat, 0, (long)&(struct stat){0}, 0, 0), 0);
    kept("getrandom", raw(SYS_getrandom, buffer, size, 0, 0), size);
    kept("brk", raw(SYS_brk, 0, 0, 0, 0) != 0 ? 0 : 1, 0);
    // Memory that the program has is not given out again.
    unsigned char *fresh = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh != MAP_FAILED) {
      if (fresh < secret + (1 << 16) && secret < fresh + 8192) violated("mmap overlaps", (long)fresh);
      memset(fresh, 0, 8192);
      munmap(fresh, 8192);
    }
    for (int k = 0; k < 1 << 16; k += 97)
      if (secret[k] != 0x77) {
        violated("memory changed", k);
        break;
      }
  }
  return violations ? 1 : 0;
}
