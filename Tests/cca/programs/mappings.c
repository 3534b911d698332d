// The edges of mmap, mprotect, mremap, brk and of programs' own faults.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int failures;
static void check(int good, const char *what) {
  if (!good) failures++;
  printf("%s: %s\n", good ? "ok" : "FAILED", what);
}

static sigjmp_buf back;
static void jump(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static int faults(volatile char *address, int writes) {
  if (sigsetjmp(back, 1)) return 1;
  if (writes) *address = 1;
  else (void)*address;
  return 0;
}

int main(void) {
  signal(SIGSEGV, jump);
  signal(SIGBUS, jump);
  long page = sysconf(_SC_PAGESIZE);
  check(page == 4096, "pages have 4 KiB");
  int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  char *a = mmap(0, 16 * page, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  check(a != MAP_FAILED && a[0] == 0 && a[16 * page - 1] == 0, "new memory is zero");
  memset(a, 7, 16 * page);
  check(munmap(a + 4 * page, 4 * page) == 0 && faults(a + 4 * page, 0) && a[3 * page] == 7 && a[8 * page] == 7,
        "a hole in the middle");
  check(mprotect(a, page, PROT_READ) == 0 && faults(a, 1) && !faults(a, 0), "read-only memory");
  check(mprotect(a, page, PROT_NONE) == 0 && faults(a, 0), "memory without access");
  check(mprotect(a, page, PROT_READ | PROT_WRITE) == 0 && a[0] == 7, "its contents stay");
  check(mprotect(a + 3 * page, 2 * page, PROT_READ) < 0 && errno == ENOMEM, "mprotect finds the hole");
  check(mmap(0, 0, PROT_READ, anonymous, -1, 0) == MAP_FAILED && errno == EINVAL, "no length");
  check(mmap((void *)1, page, PROT_READ, anonymous | MAP_FIXED, -1, 0) == MAP_FAILED, "no aligned address");
  check(mmap((void *)(uintptr_t)-page, page, PROT_READ, anonymous | MAP_FIXED, -1, 0) == MAP_FAILED,
        "no address of the kernel");
  check(mmap(0, 1ul << 60, PROT_READ, anonymous, -1, 0) == MAP_FAILED, "not more than there are addresses");
  char *b = mmap(a + page, page, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED, -1, 0);
  check(b == a + page && b[0] == 0 && b[-1] == 7, "MAP_FIXED replaces");
  check(mmap(a + page, page, PROT_READ, anonymous | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED, "or does not");
  char *c = mmap(0, 2 * page, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  strcpy(c, "moved");
  char *d = mremap(c, 2 * page, 64 * page, MREMAP_MAYMOVE);
  check(d != MAP_FAILED && !strcmp(d, "moved") && d[63 * page] == 0, "mremap grows");
  d = mremap(d, 64 * page, page, 0);
  check(d != MAP_FAILED && !strcmp(d, "moved") && faults(d + page, 0), "mremap shrinks");
  check(munmap((void *)1, page) < 0 && errno == EINVAL, "munmap of no page");
  check(munmap(a, (size_t)-1) < 0, "munmap of everything");
  char *top = sbrk(0);
  check(sbrk(10 * page) == top && (top[0] = 1) && (top[10 * page - 1] = 1), "brk grows");
  check(sbrk(-10 * page) != (void *)-1 && sbrk(0) == top, "brk shrinks");
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (file < 0) file = open("/tests/mappings", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    char *mapped = mmap(0, 2 * page, PROT_READ, MAP_PRIVATE, file, 0);
    check(mapped != MAP_FAILED && !memcmp(mapped, "\177ELF", 4), "a file is mapped");
    char expected[16];
    check(pread(file, expected, 16, page + 32) == 16 && !memcmp(mapped + page + 32, expected, 16),
          "with what is in it");
    close(file);
    check(!memcmp(mapped, "\177ELF", 4), "and stays when it is closed");
  }
  // A page is big zeroes until written to: much address space, little memory.
  char *sparse = mmap(0, 1ul << 32, PROT_READ | PROT_WRITE, anonymous | MAP_NORESERVE, -1, 0);
  check(sparse != MAP_FAILED, "4 GiB of address space");
  if (sparse != MAP_FAILED) {
    for (uint64_t i = 0; i < 1ul << 32; i += 1ul << 26) sparse[i] = (char)(i >> 26);
    int good = 1;
    for (uint64_t i = 0; i < 1ul << 32; i += 1ul << 26) good &= sparse[i] == (char)(i >> 26);
    check(good, "of which 64 pages are used");
    check(munmap(sparse, 1ul << 32) == 0, "and all of it goes");
  }
  int good = 1;
  for (int i = 0; i < 200; i++) {
    char *p = mmap(0, 64 * page, PROT_READ | PROT_WRITE, anonymous, -1, 0);
    good &= p != MAP_FAILED;
    if (p == MAP_FAILED) break;
    memset(p, i, 64 * page);
    good &= munmap(p, 64 * page) == 0;
  }
  check(good, "200 times 256 KiB");
  printf("mappings: %d failures\n", failures);
  return failures != 0;
}
