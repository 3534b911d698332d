// Looks for a text in the memory of another process, as root of the host can. The letters of the text come plus one.
//   peek mem|vm|ptrace PID TEXT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int pid, memory;
static unsigned char window[256 + 4096];
static const char *way;

static long fetch(uint64_t address, unsigned char *into, size_t size) {
  if (!strcmp(way, "mem")) return pread(memory, into, size, (off_t)address);
  if (!strcmp(way, "vm")) {
    struct iovec here = {into, size}, there = {(void *)address, size};
    return process_vm_readv(pid, &here, 1, &there, 1, 0);
  }
  for (size_t i = 0; i < size; i += 8) {
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, pid, (void *)(address + i), 0);
    if (errno) return i ? (long)i : -1;
    memcpy(into + i, &word, 8);
  }
  return (long)size;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  way = argv[1];
  pid = atoi(argv[2]);
  char *text = strdup(argv[3]), path[64];
  size_t length = strlen(text);
  for (size_t i = 0; i < length; i++) text[i]--;
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  memory = open(path, O_RDONLY);
  if (!strcmp(way, "ptrace") && (ptrace(PTRACE_ATTACH, pid, 0, 0) != 0 || waitpid(pid, 0, __WALL) != pid)) {
    perror("peek: ptrace");
    return 1;
  }
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "r");
  if (!maps) {
    perror("peek");
    return 1;
  }
  char line[512];
  unsigned long found = 0, bytes = 0;
  while (fgets(line, sizeof line, maps)) {
    uint64_t first, last;
    char rights[5];
    // Reserved addresses have no memory.
    if (sscanf(line, "%lx-%lx %4s", &first, &last, rights) != 3 || !strncmp(rights, "---", 3)) continue;
    // One page after the other, each with the end of the one before.
    memset(window, 0, sizeof window);
    for (uint64_t at = first; at < last; at += 4096) {
      long got = fetch(at, window + 256, 4096);
      if (got <= 0) {
        memset(window + 256, 0, 4096);
      } else {
        bytes += (unsigned long)got;
      }
      unsigned char *end = window + sizeof window;
      for (unsigned char *p = window + 257 - length; (p = memmem(p, (size_t)(end - p), text, length)); p++) found++;
      memcpy(window, window + 4096, 256);
    }
  }
  printf("peek: %lu bytes read, found %lu times\n", bytes, found);
  return 0;
}
