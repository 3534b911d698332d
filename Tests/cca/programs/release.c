// Touches 64 MB and gives them back. At each point it makes a file in /tmp and waits for another.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void reached(const char *here, const char *next) {
  close(open(here, O_CREAT | O_WRONLY, 0600));
  while (access(next, F_OK) != 0) usleep(10000);
}

int main(void) {
  const size_t size = 64 << 20;
  for (int round = 0; round < 2; round++) {
    volatile char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 1;
    for (size_t at = 0; at < size; at += 4096) memory[at] = (char)(at >> 12);
    if (round == 0) reached("/tmp/touched", "/tmp/free");
    for (size_t at = 0; at < size; at += 4096)
      if (memory[at] != (char)(at >> 12)) return 1;
    munmap((void *)(unsigned long)memory, size);
    if (round == 0) reached("/tmp/freed", "/tmp/again");
  }
  puts("release: done");
  return 0;
}
