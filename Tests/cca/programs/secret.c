// Holds a secret that the host must not find, and says where it is, until it is told to end.
//   secret [TEXT]      the secret is TEXT with each letter one less, so that it is in no file and no argument
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

int main(int argc, char **argv) {
  const char *hidden = argc > 1 ? argv[1] : "SDPOTIJN.TFDSFU.MFUUFST";
  size_t length = strlen(hidden);
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
