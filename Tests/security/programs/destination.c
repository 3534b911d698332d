// A thread swaps the address of a destination while another uses it: destination KIND GOOD BAD PORT COUNT SECONDS.
// KIND: connect, sendto, sendmsg, sendmmsg (UDP; IPv6 if GOOD is), stream (TCP). Prints a line of JSON: how often an address was
// taken, and how often refused (EPERM). Where it went say those who look on.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} used, good, bad;
static volatile int stop;

static socklen_t parse(const char *text, in_port_t port, union address *into) {
  if (inet_pton(AF_INET, text, &into->v4.sin_addr) == 1) {
    into->v4.sin_family = AF_INET;
    into->v4.sin_port = port;
    return sizeof into->v4;
  }
  if (inet_pton(AF_INET6, text, &into->v6.sin6_addr) != 1) exit(2);
  into->v6.sin6_family = AF_INET6;
  into->v6.sin6_port = port;
  return sizeof into->v6;
}

// The two addresses differ in their last byte only, so that there is no third one between them.
static void *swap(void *unused) {
  int is6 = good.any.sa_family == AF_INET6;
  volatile unsigned char *byte = is6 ? &used.v6.sin6_addr.s6_addr[15] : (unsigned char *)&used.v4.sin_addr + 3;
  unsigned char one = is6 ? good.v6.sin6_addr.s6_addr[15] : ((unsigned char *)&good.v4.sin_addr)[3];
  unsigned char other = is6 ? bad.v6.sin6_addr.s6_addr[15] : ((unsigned char *)&bad.v4.sin_addr)[3];
  unsigned seed = 1;
  while (!stop) {
    // As long as a call takes, about, and never in step with it.
    for (int turn = 0; turn < 2; turn++) {
      *byte = turn ? other : one;
      seed = seed * 1103515245 + 12345;
      for (volatile unsigned i = 0; i < (seed >> 16) % 1024; i++);
    }
  }
  return unused;
}

int main(int count, char **words) {
  if (count != 7) return 2;
  const char *kind = words[1];
  in_port_t port = htons((in_port_t)atoi(words[4]));
  socklen_t size = parse(words[2], port, &good);
  if (parse(words[3], port, &bad) != size) return 2;
  used = good;
  long tries = 0, taken = 0, refused = 0, other = 0;
  time_t end = time(0) + atoi(words[6]);
  int stream = !strcmp(kind, "stream"), family = good.any.sa_family, s = -1;
  int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK;
  struct iovec data = {(char *)"x", 1};
  struct mmsghdr messages[2] = {{{&used, size, &data, 1, 0, 0, 0}, 0}, {{&used, size, &data, 1, 0, 0, 0}, 0}};
  pthread_t thread;
  pthread_create(&thread, 0, swap, 0);
  for (; tries < atol(words[5]) && (tries % 256 || time(0) < end); tries++) {
    if (s < 0 && (s = socket(family, type, 0)) < 0) return 1;
    long result;
    if (!strcmp(kind, "sendto")) result = sendto(s, "x", 1, 0, &used.any, size);
    else if (!strcmp(kind, "sendmsg")) result = sendmsg(s, &messages[0].msg_hdr, 0);
    else if (!strcmp(kind, "sendmmsg")) result = sendmmsg(s, messages, 2, 0);
    else if ((result = connect(s, &used.any, size)) == 0 && !stream) send(s, "x", 1, 0);
    if (result >= 0 || errno == EINPROGRESS || errno == EAGAIN || errno == ECONNREFUSED) taken++;
    else if (errno == EPERM) refused++;
    else other = errno;
    if (stream) {
      struct linger now = {1, 0};
      setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      close(s);
      s = -1;
    }
  }
  stop = 1;
  pthread_join(thread, 0);
  printf("{\"races\": %ld, \"taken\": %ld, \"refused\": %ld, \"other\": %ld}\n", tries, taken, refused, other);
}
