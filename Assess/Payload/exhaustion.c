/* Whether limits hold, and who can take what all share. Every one stops by itself well before a host would suffer. */
#include "payload.h"

#include <arpa/inet.h>
#include <linux/magic.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* forks N: so many processes at once. */
static int forks(int count, char **words) {
  int wanted = count > 1 ? atoi(words[1]) : 200, made = 0, error = 0;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int hold[2];
  if (pipe(hold)) return inconclusive("pipe: %s", strerrorname_np(errno));
  while (made < wanted) {
    pid_t child = fork();
    if (child == 0) {
      char byte;
      close(hold[1]);
      _exit((int)read(hold[0], &byte, 1)); /* ends when its parent does */
    }
    if (child < 0) {
      error = errno;
      break;
    }
    made++;
  }
  close(hold[1]);
  for (int index = 0; index < made; index++) wait(NULL);
  if (made == wanted) return worked("%d processes at once", made);
  return blocked("after %d processes: %s", made, strerrorname_np(error));
}

/* The process that the kernel ends first. */
static pid_t victim(void) {
  pid_t child = fork();
  if (child == 0) write_file("/proc/self/oom_score_adj", "1000", 0);
  return child;
}

/* memory MIB: touched page by page, in a child that the kernel may kill. */
static int memory(int count, char **words) {
  size_t wanted = (size_t)(count > 1 ? atoi(words[1]) : 128) << 20;
  pid_t child = victim();
  if (child == 0) {
    char *place = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) _exit(2);
    for (size_t index = 0; index < wanted; index += 4096) place[index] = 1;
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return blocked("signal %d ended who took the memory", WTERMSIG(status));
  return WEXITSTATUS(status) ? blocked("mmap was refused") : worked("%zu MiB were taken", wanted >> 20);
}

/* fill PATH MIB: a file on a file system in memory. */
static int fill(int count, char **words) {
  if (count < 3) return inconclusive("fill needs a path and a size");
  static char block[1 << 20];
  int file = open(words[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600), wanted = atoi(words[2]), wrote = 0;
  if (file < 0) return by_result(-1, words[1]);
  while (wrote < wanted && write(file, block, sizeof block) == (ssize_t)sizeof block) wrote++;
  int error = errno;
  unlink(words[1]);
  return wrote == wanted ? worked("%d MiB in %s", wrote, words[1]) : blocked("after %d MiB: %s", wrote, strerrorname_np(error));
}

/* processor: under a quota a busy process stands still for most of each period of a tenth of a second; beside others it only waits for
 * its turn, which is much shorter. */
static int processor(int count, char **words) {
  (void)count, (void)words;
  int stops = 0;
  double begin = now(), last = begin;
  while (last < begin + 0.8) {
    double time = now();
    if (time - last > 0.05) stops++;
    last = time;
  }
  return stops < 3 ? worked("it ran on without a stop") : blocked("it was stopped %d times", stops);
}

static int real_time(int count, char **words) {
  (void)count, (void)words;
  struct sched_param parameter = {.sched_priority = 1};
  return by_result(sched_setscheduler(0, SCHED_FIFO, &parameter), "SCHED_FIFO");
}

static int nice_below(int count, char **words) {
  (void)count, (void)words;
  return by_result(setpriority(PRIO_PROCESS, 0, -5), "a priority above others'");
}

static int disk_priority(int count, char **words) {
  (void)count, (void)words;
  return by_result(syscall(SYS_ioprio_set, 1, 0, 1 << 13 /* real time */), "real-time class of disk access");
}

/* lock MIB: memory that can't be swapped. */
static int lock_memory(int count, char **words) {
  size_t wanted = (size_t)(count > 1 ? atoi(words[1]) : 16) << 20;
  void *place = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return by_result(mlock(place, wanted), "mlock of more than the limit");
}

static int watches(int count, char **words) {
  int wanted = count > 1 ? atoi(words[1]) : 64, made = 0;
  while (made < wanted && inotify_init1(IN_CLOEXEC) >= 0) made++;
  return made == wanted ? worked("%d instances of inotify", made) : blocked("after %d: %s", made, strerrorname_np(errno));
}

/* pipes MIB: memory of the kernel that no limit of memory counts in some versions. */
static int pipes(int count, char **words) {
  static char block[1 << 20];
  int wanted = count > 1 ? atoi(words[1]) : 8, ends[2];
  pid_t child = victim();
  if (child == 0) {
    for (int index = 0; index < wanted; index++) {
      if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) || fcntl(ends[1], F_SETPIPE_SZ, sizeof block) < 0) _exit(2);
      if (write(ends[1], block, sizeof block) != sizeof block) _exit(2);
    }
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return blocked("signal %d ended who filled the pipes", WTERMSIG(status));
  return WEXITSTATUS(status) ? blocked("pipes of 1 MiB were refused") : worked("%d MiB in pipes", wanted);
}

/* inodes PATH N: so many empty files with long names in a directory of their own, by a child that the kernel may kill. */
static int inodes(int count, char **words) {
  if (count < 3) return inconclusive("inodes needs a path and a number");
  int wanted = atoi(words[2]);
  struct statfs system;
  if (statfs(words[1], &system)) return by_result(-1, words[1]);
  /* A file system in memory has inodes of its own; one on a disk is everybody's, who shall not miss them meanwhile. */
  if (system.f_type != TMPFS_MAGIC && system.f_files > 0 && system.f_ffree < 10 * (uint64_t)wanted)
    return inconclusive("%s has only %lu inodes left", words[1], (unsigned long)system.f_ffree);
  static struct { int made, error; } *told;
  told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char folder[256], name[256];
  snprintf(folder, sizeof folder, "%s/inodes", words[1]);
  int place = mkdir(folder, 0700) ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) return by_result(-1, folder);
  pid_t child = victim();
  if (child == 0) {
    for (; told->made < wanted; told->made++) {
      snprintf(name, sizeof name, "%0240d", told->made);
      int file = openat(place, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (file < 0) break;
      close(file);
    }
    told->error = errno;
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  for (int index = 0; index <= told->made; index++) {
    snprintf(name, sizeof name, "%0240d", index);
    unlinkat(place, name, 0);
  }
  rmdir(folder);
  if (WIFSIGNALED(status)) return blocked("signal %d ended who made files, after %d", WTERMSIG(status), told->made);
  if (told->made < wanted) return blocked("after %d files: %s", told->made, strerrorname_np(told->error));
  return worked("%d files in %s, which has %lu inodes", wanted, words[1], (unsigned long)system.f_files);
}

/* Netlink attributes, netlink(7). */
static struct nlattr *attribute(struct nlmsghdr *message, int type, const void *value, size_t size) {
  struct nlattr *one = (void *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  *one = (struct nlattr){(uint16_t)(NLA_HDRLEN + size), (uint16_t)type};
  if (size) memcpy((char *)one + NLA_HDRLEN, value, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + (uint32_t)NLA_ALIGN(one->nla_len);
  return one;
}
static void close_nest(struct nlmsghdr *message, struct nlattr *nest) {
  nest->nla_len = (uint16_t)((char *)message + message->nlmsg_len - (char *)nest);
}

/* Addresses and ports of one direction. */
static void tuple(struct nlmsghdr *message, int type, uint32_t from, uint32_t to, uint16_t from_port, uint16_t to_port) {
  uint8_t protocol = IPPROTO_UDP;
  struct nlattr *whole = attribute(message, type | NLA_F_NESTED, NULL, 0);
  struct nlattr *part = attribute(message, CTA_TUPLE_IP | NLA_F_NESTED, NULL, 0);
  attribute(message, CTA_IP_V4_SRC, &from, sizeof from);
  attribute(message, CTA_IP_V4_DST, &to, sizeof to);
  close_nest(message, part);
  part = attribute(message, CTA_TUPLE_PROTO | NLA_F_NESTED, NULL, 0);
  attribute(message, CTA_PROTO_NUM, &protocol, sizeof protocol);
  attribute(message, CTA_PROTO_SRC_PORT, &from_port, sizeof from_port);
  attribute(message, CTA_PROTO_DST_PORT, &to_port, sizeof to_port);
  close_nest(message, part);
  close_nest(message, whole);
}

/* connections N: so many entries of the table of connections, for two seconds, in a network namespace of one's own if one can be had. */
static int connections(int count, char **words) {
  int wanted = count > 1 ? atoi(words[1]) : 4096;
  unshare(CLONE_NEWUSER | CLONE_NEWNET);
  unshare(CLONE_NEWNET);
  int one = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (one < 0) return by_result(-1, "a socket of NETLINK_NETFILTER");
  struct timeval limit = {1, 0};
  setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const uint32_t from = htonl(0xc6336401), to = htonl(0xc6336402), seconds = htonl(2); /* TEST-NET-2, RFC 5737 */
  for (int made = 0; made < wanted; made++) {
    union { struct nlmsghdr header; char space[512]; } request = {.header = {
        NLMSG_LENGTH(sizeof(struct nfgenmsg)), NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
        NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, (uint32_t)made + 1, 0}};
    *(struct nfgenmsg *)NLMSG_DATA(&request.header) = (struct nfgenmsg){.nfgen_family = AF_INET};
    uint16_t port = htons((uint16_t)(1024 + made % 60000)), other = htons((uint16_t)(1 + made / 60000));
    tuple(&request.header, CTA_TUPLE_ORIG, from, to, port, other);
    tuple(&request.header, CTA_TUPLE_REPLY, to, from, other, port);
    attribute(&request.header, CTA_TIMEOUT, &seconds, sizeof seconds);
    struct { struct nlmsghdr header; int error; char rest[1024]; } answer;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(one, &request, request.header.nlmsg_len, 0, (void *)&kernel, sizeof kernel) < 0 ||
        recv(one, &answer, sizeof answer, 0) < (ssize_t)offsetof(typeof(answer), rest) || answer.header.nlmsg_type != NLMSG_ERROR)
      return blocked("no answer after %d entries: %s", made, strerrorname_np(errno));
    if (answer.error) return blocked("after %d entries: %s", made, strerrorname_np(-answer.error));
  }
  return worked("%d entries in the table of connections", wanted);
}

const struct probe exhaustion_probes[] = {
    {"forks", forks}, {"memory", memory}, {"fill", fill}, {"processor", processor},
    {"real-time", real_time}, {"nice", nice_below}, {"disk-priority", disk_priority}, {"lock", lock_memory},
    {"watches", watches}, {"pipes", pipes}, {"inodes", inodes}, {"connections", connections}, {NULL, NULL}};
