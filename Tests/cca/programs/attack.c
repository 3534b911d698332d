// The host against its con-shims, through /dev/conshim-hostile (Driver/hostile).
//   attack search TEXT [TEXT...]   looks for each text in all of RAM (each letter is given plus one); says how much of
//                                  it was out of reach
//   attack touch                   tries to read, write and map everything that is out of reach
//   attack calls [COUNT]           calls the Monitor with arguments of chance, and looks for what it gives away
//   attack info                    con-shims, threads and granules that the Monitor has in use
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../Driver/hostile/hostile_abi.h"

enum { page = 4096 };
static int device;

static int transfer(unsigned long request, uint64_t address, void *buffer, uint64_t size) {
  struct hostile_memory memory = {address, size, (uintptr_t)buffer};
  return ioctl(device, request, &memory) == 0 ? 0 : -errno;
}

// Calls `visit` for each page of RAM.
static void each_page(void (*visit)(uint64_t address)) {
  FILE *file = fopen("/proc/iomem", "r");
  char line[256];
  if (!file) exit(2);
  while (fgets(line, sizeof line, file)) {
    uint64_t first, last;
    if (line[0] == ' ' || !strstr(line, "System RAM")) continue;
    if (sscanf(line, "%lx-%lx", &first, &last) != 2) continue;
    for (uint64_t at = first; at + page - 1 <= last; at += page) visit(at);
  }
  fclose(file);
}

static char **texts; // each letter is one more than what is looked for, so that this process is not what is found
static int text_count;
static uint64_t pages, hidden, found, missing;
static unsigned char carried[page + 256];

static int matches(const unsigned char *at, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (at[i] + 1 != (unsigned char)text[i]) return 0;
  return 1;
}

static void search(uint64_t address) {
  int result = transfer(HOSTILE_READ, address, carried + 256, page);
  if (result == -ENXIO) {
    missing++;
    return;
  }
  pages++;
  if (result != 0) {
    hidden++;
    memset(carried, 0, 256);
    return;
  }
  for (int i = 0; i < text_count; i++) {
    size_t length = strlen(texts[i]);
    // From where it begins in the page before and ends in this one.
    unsigned char *at = carried + 257 - length, *end = carried + sizeof carried - length + 1;
    while ((at = memchr(at, texts[i][0] - 1, (size_t)(end - at)))) {
      if (matches(at, texts[i], length)) {
        found++;
        if (found <= 10) printf("attack: found at %#lx\n", address + (uint64_t)(at - carried) - 256);
      }
      if (++at >= end) break;
    }
  }
  memcpy(carried, carried + page, 256);
}

static sigjmp_buf back;
static void jump(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static uint64_t reached;
static void touch(uint64_t address) {
  unsigned char byte;
  pages++;
  if (transfer(HOSTILE_READ, address, &byte, 1) != -EFAULT) return;
  hidden++;
  byte = 0x5a;
  if (transfer(HOSTILE_WRITE, address + 8, &byte, 1) == 0) reached++;
  volatile unsigned char *mapped = mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)address);
  if (mapped == MAP_FAILED) return;
  if (sigsetjmp(back, 1) == 0) {
    byte = mapped[16];
    reached++;
  }
  if (sigsetjmp(back, 1) == 0) {
    mapped[16] = 1;
    reached++;
  }
  // The kernel on behalf of a program.
  int zero = open("/dev/zero", O_RDONLY);
  if (read(zero, (void *)(uintptr_t)mapped, 1) == 1) reached++;
  close(zero);
  munmap((void *)(uintptr_t)mapped, page);
}

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t chance(void) {
  static const uint64_t edges[] = {0, 1, 2, 23, 24, 32, 511, 512, 513, 4095, 4096, 0x0e000000, 0x3ffff000, 0x40000000,
                                   0x40200000, 0xbffff000, 0xc0000000, 0xffffffff, 1ull << 63, ~0ull, ~0ull - 4095};
  switch (next() % 4) {
  case 0: return next();
  case 1: return edges[next() % (sizeof edges / sizeof *edges)];
  case 2: return 0x40000000 + (next() % (2ull << 30)) / page * page;
  default: return next() % 1024;
  }
}

static void calls(long count) {
  // Not those that take memory of this kernel away: it would be its own that is hit. The Monitor's tests do that.
  static const uint64_t numbers[] = {0xc3000000, 0xc3000001, 0xc3000003, 0xc3000005, 0xc3000007, 0xc3000008, 0xc3000009,
                                     0xc300000a, 0xc300000b, 0xc3000100, 0xc3000101, 0xc3000102, 0xc3000103,
                                     0xc3000104, 0xc3000105, 0xc30000ff, 0x43000002, 0x83000004};
  uint64_t good = 0;
  for (long i = 0; i < count; i++) {
    struct hostile_call call = {{numbers[next() % (sizeof numbers / sizeof *numbers)], chance(), chance(), chance(),
                                 chance(), chance(), chance()}};
    // Handles have a generation: only those that the test does not mean are tried.
    if (call.x[0] >= 0xc3000003 && call.x[0] <= 0xc300000a) call.x[1] |= 1ull << 40;
    uint64_t number = call.x[0];
    if (ioctl(device, HOSTILE_CALL, &call) != 0) exit(2);
    if (call.x[0] == 0 && number != 0xc3000000 && number != 0xc3000001) good++;
  }
  printf("attack: %ld calls, %lu did something\n", count, good);
  if (good) exit(1);
}

int main(int argc, char **argv) {
  device = open("/dev/conshim-hostile", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    perror("attack: /dev/conshim-hostile");
    return 2;
  }
  signal(SIGBUS, jump);
  signal(SIGSEGV, jump);
  if (argc >= 3 && !strcmp(argv[1], "search")) {
    texts = argv + 2;
    text_count = argc - 2;
    for (int i = 0; i < text_count; i++)
      if (strlen(texts[i]) == 0 || strlen(texts[i]) > 256) return 2;
    each_page(search);
    printf("attack: %lu pages, %lu out of reach, %lu found\n", pages, hidden, found);
    return 0;
  }
  if (argc == 2 && !strcmp(argv[1], "touch")) {
    each_page(touch);
    printf("attack: %lu pages, %lu out of reach, %lu reached all the same\n", pages, hidden, reached);
    return reached != 0;
  }
  if (argc >= 2 && !strcmp(argv[1], "calls")) {
    calls(argc > 2 ? atol(argv[2]) : 10000);
    return 0;
  }
  if (argc == 2 && !strcmp(argv[1], "info")) {
    struct hostile_call call = {{0xc3000001}};
    if (ioctl(device, HOSTILE_CALL, &call) != 0 || call.x[0] != 0) return 1;
    printf("%llu %llu %llu\n", (unsigned long long)call.x[1], (unsigned long long)call.x[2], (unsigned long long)call.x[3]);
    return 0;
  }
  fputs("usage: attack search TEXT... | touch | calls [COUNT] | info\n", stderr);
  return 2;
}
