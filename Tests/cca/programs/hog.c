// Uses as much memory as it is told to (MiB), page by page; then gives it back, as often as it is told to.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
  size_t size = (size_t)(argc > 1 ? atol(argv[1]) : 64) << 20;
  int rounds = argc > 2 ? atoi(argv[2]) : 1;
  for (int round = 0; round < rounds; round++) {
    volatile char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      perror("hog: mmap");
      return 1;
    }
    for (size_t at = 0; at < size; at += 4096) memory[at] = (char)(at >> 12);
    for (size_t at = 0; at < size; at += 4096)
      if (memory[at] != (char)(at >> 12)) {
        printf("hog: wrong at %zu\n", at);
        return 1;
      }
    munmap((void *)memory, size);
  }
  printf("hog: %d times %zu MiB\n", rounds, size >> 20);
  return 0;
}
