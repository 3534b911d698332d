/* Ways out by the network of the assessment: `world` answers there, and nobody else. */
#include "payload.h"

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ANSWER "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Code\": \"Success\", \"AccessKeyId\": \"EXAMPLE\"}\n"

static int bound(int family, int type, uint16_t port) {
  int one = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
  setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (family == AF_INET6) setsockopt(one, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  int result = family == AF_INET ? bind(one, (void *)&four, sizeof four) : bind(one, (void *)&six, sizeof six);
  if (result || (type == SOCK_STREAM && listen(one, 16))) {
    close(one);
    return -1;
  }
  return one;
}

/* world: TCP on 80 and 443, UDP on 53 and 9999, by IPv4 and IPv6. */
static int world(int count, char **words) {
  (void)count, (void)words;
  struct pollfd all[] = {{bound(AF_INET, SOCK_STREAM, 80), POLLIN, 0},  {bound(AF_INET, SOCK_STREAM, 443), POLLIN, 0},
                         {bound(AF_INET, SOCK_DGRAM, 53), POLLIN, 0},   {bound(AF_INET, SOCK_DGRAM, 9999), POLLIN, 0},
                         {bound(AF_INET6, SOCK_STREAM, 80), POLLIN, 0}, {bound(AF_INET6, SOCK_DGRAM, 53), POLLIN, 0}};
  for (int index = 0; index < 6; index++)
    if (all[index].fd < 0) return inconclusive("the world can't listen");
  printf("READY %d\n", (int)getpid());
  double next = 0;
  for (long beats = 0;; poll(all, 6, 100)) {
    for (int index = 0; index < 6; index++) {
      if (!(all[index].revents & POLLIN)) continue;
      if (index < 2 || index == 4) {
        int one = accept4(all[index].fd, NULL, NULL, SOCK_CLOEXEC);
        if (one >= 0 && write(one, ANSWER, sizeof ANSWER - 1) > 0) shutdown(one, SHUT_WR);
        close(one);
        continue;
      }
      struct sockaddr_storage from;
      socklen_t size = sizeof from;
      char text[512];
      ssize_t got = recvfrom(all[index].fd, text, sizeof text, 0, (void *)&from, &size);
      if (got >= 0) sendto(all[index].fd, text, (size_t)got, MSG_NOSIGNAL, (void *)&from, size);
    }
    if (now() < next) continue;
    next = now() + 0.1;
    printf("BEAT %ld\n", beats++);
    fflush(stdout);
  }
}

static struct sockaddr_storage address_of(const char *text, int port, socklen_t *size) {
  struct sockaddr_storage result = {0};
  struct sockaddr_in *four = (void *)&result;
  struct sockaddr_in6 *six = (void *)&result;
  if (strchr(text, ':')) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    inet_pton(AF_INET6, text, &six->sin6_addr);
    *size = sizeof *six;
  } else {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, text, &four->sin_addr);
    *size = sizeof *four;
  }
  return result;
}

/* Waits for what comes back, half a second. */
static int answered(int one, const char *what) {
  struct pollfd wait = {one, POLLIN, 0};
  char text[512];
  if (poll(&wait, 1, 500) != 1) return blocked("%s: no answer", what);
  ssize_t got = recv(one, text, sizeof text - 1, 0);
  return got > 0 ? worked("%s: %zd bytes came back", what, got) : by_result(-1, what);
}

/* tcp ADDRESS PORT [silent] */
static int tcp(int count, char **words) {
  if (count < 3) return inconclusive("tcp needs an address and a port");
  socklen_t size;
  struct sockaddr_storage to = address_of(words[1], atoi(words[2]), &size);
  int one = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_usec = 500000};
  setsockopt(one, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (one < 0 || connect(one, (void *)&to, size)) return by_result(-1, "connect");
  if (count > 3) return worked("a connection to %s", words[1]);
  if (write(one, "GET / HTTP/1.0\r\n\r\n", 18) < 0) return by_result(-1, "write");
  return answered(one, "TCP");
}

/* udp ADDRESS PORT */
static int udp(int count, char **words) {
  if (count < 3) return inconclusive("udp needs an address and a port");
  socklen_t size;
  struct sockaddr_storage to = address_of(words[1], atoi(words[2]), &size);
  int one = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (one < 0 || sendto(one, "data that leaves", 16, 0, (void *)&to, size) < 0) return by_result(-1, "sendto");
  return answered(one, "UDP");
}

static uint16_t sum(const void *data, size_t size) {
  const uint16_t *word = data;
  uint32_t total = 0;
  for (; size > 1; size -= 2) total += *word++;
  total = (total >> 16) + (total & 0xffff);
  return (uint16_t)~(total + (total >> 16));
}

/* ping ADDRESS: an echo with data of one's own. */
static int ping(int count, char **words) {
  if (count < 2) return inconclusive("ping needs an address");
  socklen_t size;
  struct sockaddr_storage to = address_of(words[1], 0, &size);
  int one = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (one < 0) one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (one < 0) return by_result(-1, "a socket for ICMP");
  struct { struct icmphdr head; char data[16]; } packet = {.head.type = ICMP_ECHO, .data = "data that leaves"};
  packet.head.checksum = sum(&packet, sizeof packet);
  if (sendto(one, &packet, sizeof packet, 0, (void *)&to, size) < 0) return by_result(-1, "ICMP");
  return answered(one, "ICMP");
}

/* forge ADDRESS: a UDP packet with somebody else's address as its sender. */
static int forge(int count, char **words) {
  if (count < 2) return inconclusive("forge needs an address");
  socklen_t size;
  struct sockaddr_storage to = address_of(words[1], 9999, &size);
  int one = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (one < 0) return by_result(-1, "a raw socket");
  struct {
    struct iphdr head;
    uint16_t from, to, size, check;
    char data[4];
  } packet = {.head = {.ihl = 5, .version = 4, .ttl = 64, .protocol = IPPROTO_UDP, .saddr = inet_addr("203.0.113.99"),
                       .daddr = inet_addr(words[1])},
              .from = htons(1), .to = htons(9999), .size = htons(12), .data = "data"};
  long sent = 0;
  for (int turn = 0; turn < 3 && sent >= 0; turn++) {
    sent = sendto(one, &packet, sizeof packet, 0, (void *)&to, size);
    usleep(100000);
  }
  return by_result(sent, "a packet with a forged sender");
}

/* A request of rtnetlink; 0 or the error. */
static int request(void *message, size_t size) {
  int one = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (one < 0) return errno;
  struct { struct nlmsghdr head; struct nlmsgerr error; char rest[512]; } answer;
  struct timeval limit = {1, 0};
  setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (send(one, message, size, 0) < 0 || recv(one, &answer, sizeof answer, 0) < 0) return errno;
  close(one);
  return -answer.error.error;
}

/* route: a way to somewhere else, by loopback. */
static int route(int count, char **words) {
  (void)count, (void)words;
  struct {
    struct nlmsghdr head;
    struct rtmsg route;
    struct rtattr to_head;
    uint32_t to;
    struct rtattr by_head;
    int by;
  } message = {.head = {sizeof message, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, 1, 0},
               .route = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST},
               .to_head = {8, RTA_DST}, .to = inet_addr("192.0.2.1"), .by_head = {8, RTA_OIF}, .by = 1};
  errno = request(&message, sizeof message);
  return by_result(errno ? -1 : 0, "a new route");
}

/* address: one more for an interface. */
static int own_address(int count, char **words) {
  (void)count, (void)words;
  struct {
    struct nlmsghdr head;
    struct ifaddrmsg address;
    struct rtattr local_head;
    uint32_t local;
  } message = {.head = {sizeof message, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, 1, 0},
               .address = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1},
               .local_head = {8, IFA_LOCAL}, .local = inet_addr("192.0.2.2")};
  errno = request(&message, sizeof message);
  return by_result(errno ? -1 : 0, "a new address");
}

static int tunnel(int count, char **words) {
  (void)count, (void)words;
  if (mknod("/tmp/tun", S_IFCHR | 0600, makedev(10, 200)) && errno != EEXIST) return by_result(-1, "mknod");
  int file = open("/tmp/tun", O_RDWR | O_CLOEXEC);
  unlink("/tmp/tun");
  if (file < 0) return by_result(-1, "/dev/net/tun");
  struct ifreq device = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  return by_result(ioctl(file, TUNSETIFF, &device), "a tunnel");
}

const struct probe egress_probes[] = {{"world", world}, {"tcp", tcp},   {"udp", udp},           {"ping", ping},
                                      {"forge", forge}, {"route", route}, {"address", own_address}, {"tunnel", tunnel}, {NULL, NULL}};
