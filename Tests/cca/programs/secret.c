// Holds a secret that the host must not find, and says where it is, until it is told to end.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static void end(int signal) {
  (void)signal;
  asked = 1;
}

int main(void) {
  // Made at run time, so that it is in no file: the words of a search string, each letter plus one.
  static const char hidden[] = "SDPOTIJN.TFDSFU.MFUUFST";
  size_t length = sizeof hidden - 1;
  char *secret = malloc(1 << 16);
  if (!secret) return 1;
  for (size_t at = 0; at + length < 1 << 16; at += length)
    for (size_t i = 0; i < length; i++) secret[at + i] = (char)(hidden[i] - 1);
  signal(SIGTERM, end);
  signal(SIGALRM, end);
  printf("secret: held at %p by process %d\n", (void *)secret, getpid());
  fflush(stdout);
  alarm(600);
  while (!asked) pause();
  unsigned sum = 0;
  for (size_t i = 0; i < 1 << 16; i++) sum += (unsigned char)secret[i];
  printf("secret: unchanged sum %u\n", sum);
  return 0;
}
