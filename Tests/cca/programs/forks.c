// Many processes, one after the other, at once and in depth; memory is copied on write and stays apart.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int depth(int left) {
  if (left == 0) return 0;
  pid_t child = fork();
  if (child < 0) return 100;
  if (child == 0) _exit(depth(left - 1) + 1);
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 100, width = argc > 2 ? atoi(argv[2]) : 16;
  int failures = 0;
  size_t size = 1 << 18;
  unsigned char *memory = malloc(size);
  if (!memory) return 1;
  memset(memory, 1, size);
  for (int i = 0; i < rounds; i++) {
    pid_t child = fork();
    if (child < 0) {
      perror("fork");
      return 1;
    }
    if (child == 0) {
      memset(memory, i, size / 2);
      _exit(memory[0] == (unsigned char)i && memory[size - 1] == 1 ? 42 : 1);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 42) failures++;
    if (memory[0] != 1) failures++;
  }
  printf("forks: %d one after the other, %d failures\n", rounds, failures);
  pid_t *children = calloc((size_t)width, sizeof *children);
  int pipes[2];
  if (!children || pipe(pipes) != 0) return 1;
  for (int i = 0; i < width; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      char byte;
      close(pipes[1]);
      memset(memory, i, size);
      long got = read(pipes[0], &byte, 1); // until all are there
      for (size_t k = 0; k < size; k++)
        if (memory[k] != (unsigned char)i) _exit(1);
      _exit(got == 0 ? 0 : 2);
    }
    if (children[i] < 0) failures++;
  }
  close(pipes[1]);
  for (int i = 0; i < width; i++) {
    int status;
    if (children[i] > 0 && (waitpid(children[i], &status, 0) != children[i] || status != 0)) failures++;
  }
  printf("forks: %d at once, %d failures\n", width, failures);
  int reached = depth(12);
  if (reached != 12) failures++;
  printf("forks: depth %d, %d failures\n", reached, failures);
  return failures != 0;
}
