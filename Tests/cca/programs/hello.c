// Prints what it was started with, and checks that memory and files are there.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  printf("hello from %s, process %d of %d\n", argv[0], getpid(), getppid());
  for (int i = 1; i < argc; i++) printf("argument %d: %s\n", i, argv[i]);
  const char *path = getenv("PATH");
  printf("PATH=%s\n", path ? path : "(none)");
  char *block = malloc(1 << 20);
  if (!block) return 1;
  memset(block, 0x5a, 1 << 20);
  for (int i = 0; i < 1 << 20; i++)
    if (block[i] != 0x5a) return 2;
  free(block);
  int file = open("/proc/self/status", O_RDONLY);
  if (file >= 0) {
    char line[64] = "";
    long size = read(file, line, sizeof line - 1);
    printf("read %ld bytes of /proc/self/status\n", size);
    close(file);
  }
  puts("hello: done");
  return 7;
}
