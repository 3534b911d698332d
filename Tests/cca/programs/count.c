// How often a file has a text, whose letters come plus one.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int file = open(argv[1], O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    perror("count");
    return 1;
  }
  size_t size = (size_t)status.st_size, length = strlen(argv[2]), found = 0;
  char *text = argv[2], *bytes = mmap(0, size, PROT_READ, MAP_PRIVATE, file, 0);
  for (size_t i = 0; i < length; i++) text[i]--;
  for (char *at = bytes; (at = memmem(at, (size_t)(bytes + size - at), text, length)); at++) found++;
  printf("count: %zu bytes, found %zu times\n", size, found);
  return 0;
}
