/* One container against another. The neighbour says HURT when it notices, or falls silent. */
#include "payload.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <mqueue.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* The neighbour's process, by the word that only it was started with. */
#define FIND(word)                                                     \
  pid_t other = find_process("guarded", word);                         \
  if (!other) return blocked("no process of the neighbour is seen")

static uint64_t guarded_word = 0x6772647764726467;

static const char *guard(void) { return guarded_word == 0x6772647764726467 ? NULL : "its memory was changed"; }

/* guarded WORD: lives, and looks after its memory. The payload is the same program, so its address is known. */
static int guarded(int count, char **words) {
  (void)count, (void)words;
  return beat(guard);
}

static int kill_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  return by_result(kill(other, SIGSTOP), "kill");
}

static int write_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  uint64_t zero = 0;
  struct iovec here = {&zero, 8}, there = {&guarded_word, 8};
  if (process_vm_writev(other, &here, 1, &there, 1, 0) == 8) return worked("process_vm_writev");
  int error = errno;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", (int)other);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file >= 0 && pwrite(file, &zero, 8, (off_t)(uintptr_t)&guarded_word) == 8) return worked("/proc/PID/mem");
  return blocked("process_vm_writev: %s, /proc/PID/mem: %s", strerrorname_np(error), strerrorname_np(errno));
}

static int trace_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  if (ptrace(PTRACE_ATTACH, other, 0, 0)) return by_result(-1, "ptrace");
  waitpid(other, NULL, __WALL);
  ptrace(PTRACE_POKEDATA, other, &guarded_word, 0);
  ptrace(PTRACE_DETACH, other, 0, 0);
  return worked("ptrace");
}

static int limit_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  struct rlimit old;
  if (prlimit(other, RLIMIT_NOFILE, NULL, &old)) return by_result(-1, "prlimit");
  return by_result(prlimit(other, RLIMIT_NOFILE, &old, NULL), "prlimit");
}

static int slow_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  return by_result(setpriority(PRIO_PROCESS, (id_t)other, 19), "setpriority");
}

static int root_of_other(int count, char **words) {
  (void)count;
  FIND(words[1]);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/root/probe", (int)other);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  return by_result(file, "/proc/PID/root");
}

/* System V shared memory and message queues, by the same key. */
static key_t key_of(const char *word) {
  key_t key = 5381;
  for (; *word; word++) key = key * 33 + *word;
  return key & 0x7fffffff;
}

static char *shared;
static const char *look_at_shared(void) { return shared[0] == 's' ? NULL : "its shared memory was changed"; }

static int shm_owner(int count, char **words) {
  (void)count;
  int segment = shmget(key_of(words[1]), 4096, IPC_CREAT | 0666);
  shared = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
  if (shared == (void *)-1) return blocked("shmget: %s", strerrorname_np(errno));
  strcpy(shared, "shared");
  return beat(look_at_shared);
}

static int shm_attack(int count, char **words) {
  (void)count;
  int segment = shmget(key_of(words[1]), 0, 0);
  if (segment < 0) return by_result(-1, "shmget");
  char *there = shmat(segment, NULL, 0);
  if (there == (void *)-1) return by_result(-1, "shmat");
  strcpy(there, "broken");
  usleep(150000);
  shmctl(segment, IPC_RMID, NULL);
  return worked("the segment of a neighbour was written");
}

/* A file in /dev/shm, which shm_open(3) uses. */
static int posix_owner(int count, char **words) {
  char path[256];
  snprintf(path, sizeof path, "/dev/shm/%s", words[count - 1]);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0 || ftruncate(file, 4096)) return inconclusive("%s: %s", path, strerrorname_np(errno));
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared == MAP_FAILED) return inconclusive("mmap: %s", strerrorname_np(errno));
  strcpy(shared, "shared");
  return beat(look_at_shared);
}

static int posix_attack(int count, char **words) {
  char path[256];
  snprintf(path, sizeof path, "/dev/shm/%s", words[count - 1]);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return by_result(-1, path);
  int wrote = (int)pwrite(file, "broken", 6, 0);
  unlink(path);
  usleep(150000);
  return by_result(wrote, path);
}

static mqd_t queue = -1;
static const char *look_at_queue(void) {
  struct mq_attr attributes;
  if (mq_getattr(queue, &attributes) || attributes.mq_curmsgs) return "a message was put into its queue";
  return NULL;
}

static int queue_owner(int count, char **words) {
  (void)count;
  char name[64];
  snprintf(name, sizeof name, "/%s", words[1]);
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  queue = mq_open(name, O_RDWR | O_CREAT, 0666, &attributes);
  if (queue < 0) return blocked("mq_open: %s", strerrorname_np(errno));
  if (mq_getattr(queue, &attributes)) return blocked("mq_getattr: %s", strerrorname_np(errno));
  return beat(look_at_queue);
}

static int queue_attack(int count, char **words) {
  (void)count;
  char name[64];
  snprintf(name, sizeof name, "/%s", words[1]);
  mqd_t there = mq_open(name, O_WRONLY | O_NONBLOCK);
  if (there < 0) return by_result(-1, "mq_open");
  int sent = mq_send(there, "x", 1, 0);
  mq_unlink(name);
  usleep(150000);
  return by_result(sent, "mq_send");
}

/* An abstract name is the network namespace's. */
static int listener = -1;
static const char *look_at_listener(void) {
  int one = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (one < 0) return NULL;
  close(one);
  return "somebody connected to its socket";
}

static int abstract_owner(int count, char **words) {
  (void)count;
  listener = abstract_socket(words[1], true);
  if (listener < 0) return blocked("an abstract socket: %s", strerrorname_np(errno));
  fcntl(listener, F_SETFL, O_NONBLOCK);
  return beat(look_at_listener);
}

static int abstract_attack(int count, char **words) {
  (void)count;
  int one = abstract_socket(words[1], false);
  if (one >= 0) usleep(150000);
  return by_result(one, "a connection to an abstract socket");
}

/* arp-victim GATEWAY HARDWARE: talks to the gateway, and minds when that has another hardware address than it should. */
static const char *hardware;
static bool answered;
static struct sockaddr_in gateway = {.sin_family = AF_INET};

static const char *look_at_gateway(void) {
  int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (one < 0) return NULL;
  gateway.sin_port = htons(9);
  sendto(one, "x", 1, 0, (void *)&gateway, sizeof gateway);
  close(one);
  char *text = read_file("/proc/net/arp"), address[INET_ADDRSTRLEN + 1], found[32];
  inet_ntop(AF_INET, &gateway.sin_addr, address, sizeof address);
  strcat(address, " ");
  char *line = text ? strstr(text, address) : NULL;
  if (!line || sscanf(line, "%*s %*s %*s %31s", found) != 1 || !strcmp(found, "00:00:00:00:00:00")) return NULL;
  answered = true;
  return strcmp(hardware, found) ? "the gateway has another hardware address now" : NULL;
}

static int arp_victim(int count, char **words) {
  if (count < 3) return inconclusive("arp-victim needs two addresses");
  hardware = words[2];
  inet_pton(AF_INET, words[1], &gateway.sin_addr);
  int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (one < 0) return by_result(-1, "a socket");
  close(one);
  for (int try = 0; try < 50 && !answered; try++) {
    look_at_gateway();
    usleep(10000);
  }
  if (!answered) return inconclusive("the gateway does not answer");
  return beat(look_at_gateway);
}

/* arp-attack GATEWAY VICTIM: says that the gateway is here. */
static int arp_attack(int count, char **words) {
  (void)count;
  int one = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
  if (one < 0) return by_result(-1, "a socket of AF_PACKET");
  struct ifreq device = {.ifr_name = "eth0"};
  if (ioctl(one, SIOCGIFHWADDR, &device)) return inconclusive("eth0: %s", strerrorname_np(errno));
  struct __attribute__((packed)) {
    struct arphdr head;
    uint8_t from[6], from_ip[4], to[6], to_ip[4];
  } packet = {.head = {htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(ARPOP_REPLY)}};
  memcpy(packet.from, device.ifr_hwaddr.sa_data, 6);
  inet_pton(AF_INET, words[1], packet.from_ip);
  inet_pton(AF_INET, words[2], packet.to_ip);
  memset(packet.to, 0xff, 6);
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = (int)if_nametoindex("eth0"), .sll_halen = 6};
  memset(to.sll_addr, 0xff, 6);
  /* An address that was just learned is kept for a second (arp(7), locktime). */
  usleep(1200000);
  long sent = 0;
  for (int turn = 0; turn < 8 && sent >= 0; turn++) {
    sent = sendto(one, &packet, sizeof packet, 0, (void *)&to, sizeof to);
    usleep(50000);
  }
  return by_result(sent, "a forged ARP reply");
}

/* freeze NAME: writes to the cgroup of a neighbour. */
static int freeze(int count, char **words) {
  (void)count;
  const char *files[] = {"/sys/fs/cgroup/freezer/%s/freezer.state", "/sys/fs/cgroup/%s/cgroup.freeze", "/sys/fs/cgroup/unified/%s/cgroup.freeze"};
  int error = ENOENT;
  for (int index = 0; index < 3; index++) {
    char path[512];
    snprintf(path, sizeof path, files[index], words[1]);
    if (write_file(path, index ? "1" : "FROZEN", 0) == 0) {
      sleep(1);
      return worked("%s was written", path);
    }
    if (errno != ENOENT) error = errno;
  }
  return blocked("the cgroup of the neighbour: %s", strerrorname_np(error));
}

const struct probe neighbours_probes[] = {
    {"guarded", guarded}, {"kill-other", kill_other}, {"write-other", write_other}, {"trace-other", trace_other},
    {"limit-other", limit_other}, {"slow-other", slow_other}, {"root-of-other", root_of_other}, {"shm-owner", shm_owner},
    {"shm-attack", shm_attack}, {"posix-owner", posix_owner}, {"posix-attack", posix_attack}, {"queue-owner", queue_owner},
    {"queue-attack", queue_attack}, {"abstract-owner", abstract_owner}, {"abstract-attack", abstract_attack},
    {"arp-victim", arp_victim}, {"arp-attack", arp_attack}, {"freeze", freeze}, {NULL, NULL}};
