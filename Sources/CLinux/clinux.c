#include "CLinux.h"

#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

long rc_clone3(uint64_t flags, int exit_signal, int cgroup, int *pidfd) {
  struct rc_clone_args args;
  memset(&args, 0, sizeof args);
  args.flags = flags;
  args.exit_signal = (uint64_t)exit_signal;
  if (flags & RC_CLONE_INTO_CGROUP) args.cgroup = (uint64_t)cgroup;
  if (pidfd) {
    args.flags |= CLONE_PIDFD;
    args.pidfd = (uint64_t)(uintptr_t)pidfd;
  }
  return RC_RESULT(syscall(SYS_clone3, &args, sizeof args));
}

static long rc_bpf(int command, union bpf_attr *attr) {
  return RC_RESULT(syscall(SYS_bpf, command, attr, sizeof *attr));
}

long rc_bpf_load(unsigned type, unsigned attach_type, const void *instructions, unsigned count) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.prog_type = type;
  attr.expected_attach_type = attach_type;
  attr.insns = (uint64_t)(uintptr_t)instructions;
  attr.insn_cnt = count;
  attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
  return rc_bpf(BPF_PROG_LOAD, &attr);
}

long rc_bpf_attach(int cgroup, int program, unsigned attach_type) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.target_fd = (uint32_t)cgroup;
  attr.attach_bpf_fd = (uint32_t)program;
  attr.attach_type = attach_type;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  return rc_bpf(BPF_PROG_ATTACH, &attr);
}

long rc_bpf_make_map(unsigned key_size, unsigned value_size, unsigned limit) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_type = BPF_MAP_TYPE_HASH;
  attr.key_size = key_size;
  attr.value_size = value_size;
  attr.max_entries = limit;
  attr.map_flags = BPF_F_NO_PREALLOC;
  return rc_bpf(BPF_MAP_CREATE, &attr);
}

long rc_bpf_map_set(int map, const void *key, const uint64_t *value) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_fd = (uint32_t)map;
  attr.key = (uint64_t)(uintptr_t)key;
  attr.value = (uint64_t)(uintptr_t)value;
  return rc_bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

long rc_bpf_map_remove(int map, const void *key) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_fd = (uint32_t)map;
  attr.key = (uint64_t)(uintptr_t)key;
  return rc_bpf(BPF_MAP_DELETE_ELEM, &attr);
}

static long unix_address(const char *path, size_t length, struct sockaddr_un *out, socklen_t *size) {
  if (length >= sizeof out->sun_path) return -ENAMETOOLONG;
  memset(out, 0, sizeof *out);
  out->sun_family = AF_UNIX;
  memcpy(out->sun_path, path, length);
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  return 0;
}

long rc_bind_unix(int fd, const char *path, size_t length) {
  struct sockaddr_un address;
  socklen_t size;
  long r = unix_address(path, length, &address, &size);
  return r < 0 ? r : RC_RESULT(bind(fd, (struct sockaddr *)&address, size));
}

long rc_connect_unix(int fd, const char *path, size_t length) {
  struct sockaddr_un address;
  socklen_t size;
  long r = unix_address(path, length, &address, &size);
  return r < 0 ? r : RC_RESULT(connect(fd, (struct sockaddr *)&address, size));
}

enum { RC_MAXIMUM_DESCRIPTORS = 8 };

long rc_send(int fd, const void *data, size_t size, const int *descriptors, int count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * RC_MAXIMUM_DESCRIPTORS)];
  } control;
  if (count < 0 || count > RC_MAXIMUM_DESCRIPTORS) return -EINVAL;
  struct iovec vector = {(void *)(uintptr_t)data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(c), descriptors, sizeof(int) * (size_t)count);
  }
  return RC_RESULT(sendmsg(fd, &message, MSG_NOSIGNAL));
}

/* Takes at most `capacity` descriptors: the kernel closes those that there is no room for. */
static long receive(int fd, void *data, size_t size, int *descriptors, int capacity, int *count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * RC_MAXIMUM_DESCRIPTORS)];
  } control;
  struct iovec vector = {data, size};
  /* Not CMSG_SPACE, whose padding has room for one more. */
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_LEN(sizeof(int) * (size_t)capacity)};
  *count = 0;
  long r = RC_RESULT(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
  if (r < 0) return r;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    *count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(c), sizeof(int) * (size_t)*count);
  }
  return r;
}

long rc_receive(int fd, void *data, size_t size, int *descriptor) {
  int count;
  *descriptor = -1;
  return receive(fd, data, size, descriptor, 1, &count);
}

long rc_receive_all(int fd, void *data, size_t size, int descriptors[8], int *count) {
  return receive(fd, data, size, descriptors, RC_MAXIMUM_DESCRIPTORS, count);
}

long rc_copy_window_size(int from, int to) {
  struct winsize w;
  long r = RC_RESULT(ioctl(from, TIOCGWINSZ, &w));
  return r < 0 ? r : RC_RESULT(ioctl(to, TIOCSWINSZ, &w));
}

long rc_terminal_unlock(int master) {
  int off = 0;
  return RC_RESULT(ioctl(master, TIOCSPTLCK, &off));
}

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
long rc_terminal_peer(int master) {
  return RC_RESULT(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

long rc_terminal_no_onlcr(int fd) {
  struct termios t;
  if (tcgetattr(fd, &t) != 0) return -errno;
  t.c_oflag &= ~(tcflag_t)ONLCR;
  return RC_RESULT(tcsetattr(fd, TCSANOW, &t));
}

static struct termios saved_terminal;
static int terminal_is_saved;

long rc_terminal_raw(int fd) {
  struct termios t;
  if (tcgetattr(fd, &t) != 0) return -errno;
  saved_terminal = t;
  terminal_is_saved = 1;
  cfmakeraw(&t);
  return RC_RESULT(tcsetattr(fd, TCSANOW, &t));
}

void rc_terminal_restore(int fd) {
  if (terminal_is_saved) tcsetattr(fd, TCSANOW, &saved_terminal);
  terminal_is_saved = 0;
}

long rc_signal_descriptor(void) {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, 0) != 0) return -errno;
  return RC_RESULT(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
}

long rc_signal_read(int fd, int *sender) {
  struct signalfd_siginfo info;
  long r = RC_RESULT(read(fd, &info, sizeof info));
  if (r < 0) return r;
  if (r != (long)sizeof info) return -EIO;
  *sender = (int)info.ssi_pid;
  return (long)info.ssi_signo;
}

void rc_signals_unblock(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
}

void rc_signals_reset(void) {
  for (int s = 1; s < 65; s++) {
    struct sigaction old;
    if (sigaction(s, 0, &old) == 0 && old.sa_handler != SIG_DFL) signal(s, SIG_DFL);
  }
  rc_signals_unblock();
}

void rc_utc(int64_t seconds, int out[6]) {
  time_t t = (time_t)seconds;
  struct tm b;
  gmtime_r(&t, &b);
  out[0] = b.tm_year + 1900;
  out[1] = b.tm_mon + 1;
  out[2] = b.tm_mday;
  out[3] = b.tm_hour;
  out[4] = b.tm_min;
  out[5] = b.tm_sec;
}

long rc_loopback_up(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  long r = RC_RESULT(ioctl(fd, SIOCSIFFLAGS, &request));
  close(fd);
  return r;
}

long rc_page_size(void) { return sysconf(_SC_PAGESIZE); }
long rc_clock_ticks(void) { return sysconf(_SC_CLK_TCK); }
long rc_processor_count(void) { return sysconf(_SC_NPROCESSORS_ONLN); }

/* Between seccomp(2) and execve(2) the filtered process may not call the kernel: every call may be one that
 * waits for the agent, and the agent waits for the listener. So the two processes talk through a shared
 * page, and the filtered one spins. */
struct listener_exchange {
  volatile int stage; /* 0: not yet, 1: filter installed or failed, 2: sent or given up */
  volatile long result;
};

static void child_ended(int signal) { (void)signal; }

long rc_seccomp_with_listener(unsigned flags, const void *instructions, unsigned count, int socket,
                              const void *message, size_t size) {
  struct listener_exchange *exchange =
      mmap(0, sizeof *exchange, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (exchange == MAP_FAILED) return -errno;
  exchange->stage = 0;
  /* The helper leaves no zombie to the container; execve puts the disposition back. */
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = child_ended;
  /* Its end must not interrupt a call that the listener is about to answer. */
  action.sa_flags = SA_NOCLDWAIT | SA_RESTART;
  if (sigaction(SIGCHLD, &action, 0) != 0) return -errno;
  long helper = rc_clone3(CLONE_FILES, SIGCHLD, -1, 0);
  if (helper < 0) return helper;
  if (helper == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct timespec pause = {0, 50000};
    while (__atomic_load_n(&exchange->stage, __ATOMIC_ACQUIRE) == 0) nanosleep(&pause, 0);
    int listener = (int)exchange->result;
    if (listener >= 0) {
      long sent = rc_send(socket, message, size, &listener, 1);
      exchange->result = sent < 0 ? sent : 0;
    }
    __atomic_store_n(&exchange->stage, 2, __ATOMIC_RELEASE);
    _exit(0);
  }
  struct rc_filter_program program = {(unsigned short)count, instructions};
  /* SECCOMP_FILTER_FLAG_NEW_LISTENER; with TSYNC the kernel wants TSYNC_ESRCH beside it. */
  flags |= 8u | (flags & 1u ? 16u : 0u);
  exchange->result = RC_RESULT(syscall(SYS_seccomp, 1u, flags, &program));
  __atomic_store_n(&exchange->stage, 1, __ATOMIC_RELEASE);
  while (__atomic_load_n(&exchange->stage, __ATOMIC_ACQUIRE) != 2) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
  }
  return exchange->result;
}

/* --- notifications of a filter --- */
long rc_notification_receive(int listener, struct rc_notification *notification) {
  /* The kernel wants it to be zero. */
  struct seccomp_notif raw;
  memset(&raw, 0, sizeof raw);
  long result = RC_RESULT(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &raw));
  if (result < 0) return result;
  notification->id = raw.id;
  notification->pid = (int)raw.pid;
  notification->architecture = raw.data.arch;
  notification->number = raw.data.nr;
  for (int i = 0; i < 6; i++) notification->arguments[i] = raw.data.args[i];
  return 0;
}

long rc_notification_is_valid(int listener, uint64_t id) {
  return RC_RESULT(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
}

static long respond(int listener, uint64_t id, int64_t value, int error, unsigned flags) {
  struct seccomp_notif_resp response;
  memset(&response, 0, sizeof response);
  response.id = id;
  response.val = value;
  response.error = -error;
  response.flags = flags;
  return RC_RESULT(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response));
}

long rc_notification_continue(int listener, uint64_t id) {
  return respond(listener, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

long rc_notification_refuse(int listener, uint64_t id, int error) { return respond(listener, id, 0, error, 0); }

long rc_notification_answer(int listener, uint64_t id, int64_t value) { return respond(listener, id, value, 0, 0); }

long rc_notification_wake_here(int listener) {
  /* SECCOMP_IOCTL_NOTIF_SET_FLAGS with SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP; newer than the headers of Debian 12. */
  return RC_RESULT(ioctl(listener, _IOW('!', 4, uint64_t), 1ul));
}

long rc_process_read(int pid, uint64_t address, void *buffer, size_t size) {
  struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
  return RC_RESULT(process_vm_readv(pid, &here, 1, &there, 1, 0));
}

long rc_process_write(int pid, uint64_t address, const void *buffer, size_t size) {
  struct iovec here = {(void *)(uintptr_t)buffer, size}, there = {(void *)(uintptr_t)address, size};
  return RC_RESULT(process_vm_writev(pid, &here, 1, &there, 1, 0));
}

long rc_processors(int thread, void *mask, size_t size) {
  return RC_RESULT(syscall(SYS_sched_getaffinity, thread, size, mask));
}

long rc_landlock_nothing(void) {
  /* landlock_create_ruleset is 444 and landlock_restrict_self 446 on all architectures. */
  long version = RC_RESULT(syscall(444, 0, 0, 1u /* LANDLOCK_CREATE_RULESET_VERSION */));
  if (version < 0) return version;
  static const uint16_t files[] = {0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
  struct { uint64_t files, network; } handled = {files[version < 5 ? version - 1 : 4], version < 4 ? 0 : 3};
  long rules = RC_RESULT(syscall(444, &handled, version < 4 ? 8 : 16, 0u));
  if (rules < 0) return rules;
  long result = RC_RESULT(syscall(446, rules, 0u));
  close((int)rules);
  return result;
}

/* As in linux/ptrace.h, which does not go together with sys/ptrace.h everywhere. */
struct trace_call {
  uint8_t op, pad[3];
  uint32_t arch;
  uint64_t instruction_pointer, stack_pointer;
  union {
    struct { uint64_t number, arguments[6]; } entry;
    uint64_t rest[8];
  } of;
};

long rc_trace_call(int thread, struct rc_notification *call) {
  struct trace_call info;
  memset(&info, 0, sizeof info);
  long size = RC_RESULT(syscall(SYS_ptrace, 0x420e /* PTRACE_GET_SYSCALL_INFO */, thread, sizeof info, &info));
  if (size < 0) return size;
  if (info.op == 1) {
    call->id = 0;
    call->pid = thread;
    call->architecture = info.arch;
    call->number = (int)info.of.entry.number;
    for (int i = 0; i < 6; i++) call->arguments[i] = info.of.entry.arguments[i];
  }
  return info.op <= 2 ? info.op : 0;
}

/* --- connections --- */
static const int yes = 1, no = 0;

static struct sockaddr_in6 everywhere(uint16_t port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  return address;
}

static long bound_to(int type, const struct in6_addr *own, uint16_t port) {
  int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  struct sockaddr_in6 address = everywhere(port);
  address.sin6_addr = *own;
  if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0 &&
      bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  long error = -errno;
  close(fd);
  return error;
}

static long bound(int type, uint16_t port) { return bound_to(type, &in6addr_any, port); }

long rc_listen_everywhere(uint16_t port) {
  long fd = bound(SOCK_STREAM, port);
  if (fd >= 0 && listen((int)fd, 128) != 0) {
    long error = -errno;
    close((int)fd);
    return error;
  }
  return fd;
}

long rc_accept_connection(int fd, uint8_t *address) {
  int accepted = accept4(fd, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted < 0) return -errno;
  struct sockaddr_in6 own;
  socklen_t size = sizeof own;
  if (getsockname(accepted, (struct sockaddr *)&own, &size) != 0 || own.sin6_family != AF_INET6) {
    close(accepted);
    return -EPROTO;
  }
  memcpy(address, &own.sin6_addr, 16);
  setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return accepted;
}

static long connected(int type, const uint8_t *address, uint16_t port) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  int is_v4 = memcmp(address, mapped, sizeof mapped) == 0;
  struct sockaddr_in6 v6 = everywhere(port);
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  memcpy(&v6.sin6_addr, address, 16);
  memcpy(&v4.sin_addr, address + 12, 4);
  int fd = socket(is_v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  int result = is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof v4) : connect(fd, (struct sockaddr *)&v6, sizeof v6);
  if (result == 0 || errno == EINPROGRESS) return fd;
  long error = -errno;
  close(fd);
  return error;
}

long rc_connect_start(const uint8_t *address, uint16_t port) { return connected(SOCK_STREAM, address, port); }
long rc_datagrams_to(const uint8_t *address, uint16_t port) { return connected(SOCK_DGRAM, address, port); }

long rc_connect_result(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

long rc_refuse_connection(int fd) {
  struct linger now = {1, 0};
  return RC_RESULT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

static long with_packet_information(long fd) {
  /* Answers come from addresses that no device here has: IPV6_FREEBIND, since Linux 4.15. */
  if (fd >= 0 && (setsockopt((int)fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes) != 0 ||
                  setsockopt((int)fd, IPPROTO_IPV6, 78, &yes, sizeof yes) != 0)) {
    long error = -errno;
    close((int)fd);
    return error;
  }
  return fd;
}

long rc_datagrams_everywhere(uint16_t port) { return with_packet_information(bound(SOCK_DGRAM, port)); }

long rc_datagrams_at(const uint8_t *address, uint16_t port) {
  struct in6_addr own;
  memcpy(&own, address, sizeof own);
  return with_packet_information(bound_to(SOCK_DGRAM, &own, port));
}

union packet_information {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

long rc_datagram_receive(int fd, void *buffer, size_t size, struct rc_datagram_peer *peer) {
  union packet_information control;
  struct iovec vector = {buffer, size};
  struct msghdr message = {.msg_name = &peer->sender, .msg_namelen = sizeof peer->sender, .msg_iov = &vector,
                           .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  memset(peer, 0, sizeof *peer);
  long r = RC_RESULT(recvmsg(fd, &message, MSG_DONTWAIT));
  if (r < 0) return r;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) memcpy(&peer->own, CMSG_DATA(c), sizeof peer->own);
  return r;
}

/* From the address that was asked: who asked waits for that one. */
long rc_datagram_answer(int fd, const void *data, size_t size, const struct rc_datagram_peer *peer) {
  union packet_information control;
  struct sockaddr_in6 to = peer->sender;
  struct iovec vector = {(void *)(uintptr_t)data, size};
  struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &vector, .msg_iovlen = 1,
                           .msg_control = &control, .msg_controllen = sizeof control};
  memset(&control, 0, sizeof control);
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof peer->own);
  memcpy(CMSG_DATA(c), &peer->own, sizeof peer->own);
  return RC_RESULT(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}
