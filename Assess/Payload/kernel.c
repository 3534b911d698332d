/* Interfaces of the kernel that escapes were made of. What is opened is closed again with the process. */
#include "payload.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#if defined __x86_64__
#include <asm/ldt.h>
#endif

#define PROBE(name) static int name(int count __attribute__((unused)), char **words __attribute__((unused)))

PROBE(io_uring) {
  struct io_uring_params params = {0};
  return by_result(syscall(SYS_io_uring_setup, 4, &params), "io_uring_setup");
}

/* socket FAMILY TYPE PROTOCOL */
PROBE(any_socket) {
  if (count < 4) return inconclusive("socket needs three numbers");
  int result = socket(atoi(words[1]), atoi(words[2]), atoi(words[3]));
  char what[64];
  snprintf(what, sizeof what, "socket(%s, %s, %s)", words[1], words[2], words[3]);
  if (result < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)) {
    return blocked("%s: %s", what, strerrorname_np(errno));
  }
  return by_result(result, what);
}

PROBE(bpf) {
  union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};
  return by_result(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes), "bpf");
}

PROBE(perf_event) {
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
  return by_result(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), "perf_event_open");
}

PROBE(userfaultfd) { return by_result(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd"); }

PROBE(keyring) {
  /* KEY_SPEC_PROCESS_KEYRING: ends with the process. */
  return by_result(syscall(SYS_add_key, "user", "rcontainer-assess", "x", 1, -2), "add_key");
}

PROBE(keyctl) { return by_result(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -2, 1), "keyctl"); }

/* A child that waits, to be looked into; 0 in the child never. */
static pid_t victim(void) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return child;
}

static int after(pid_t child, long result, const char *what) {
  int error = errno;
  kill(child, SIGKILL);
  errno = error;
  return by_result(result, what);
}

PROBE(trace) {
  pid_t child = victim();
  return after(child, ptrace(PTRACE_SEIZE, child, 0, 0), "ptrace");
}

static char looked_at[8] = "looked";
PROBE(vm_read) {
  pid_t child = victim();
  char to[8];
  struct iovec here = {to, sizeof to}, there = {looked_at, sizeof looked_at};
  return after(child, process_vm_readv(child, &here, 1, &there, 1, 0), "process_vm_readv");
}

PROBE(kcmp) {
  pid_t child = victim();
  return after(child, syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0), "kcmp");
}

PROBE(pidfd_getfd) {
  pid_t child = victim();
  int process = (int)syscall(SYS_pidfd_open, child, 0);
  if (process < 0) return after(child, -1, "pidfd_open");
  return after(child, syscall(SYS_pidfd_getfd, process, 1, 0), "pidfd_getfd");
}

/* In a child, since it can't be undone. */
PROBE(unshare_user) { return by_result(unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)"); }

PROBE(clone_user) {
  long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return by_result(child, "clone(CLONE_NEWUSER)");
}

PROBE(unshare_mount) { return by_result(unshare(CLONE_NEWNS), "unshare(CLONE_NEWNS)"); }

PROBE(nf_tables) {
  unshare(CLONE_NEWUSER | CLONE_NEWNET);
  unshare(CLONE_NEWNET);
  int one = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (one < 0) return blocked("a socket of NETLINK_NETFILTER: %s", strerrorname_np(errno));
  /* NFT_MSG_GETGEN, which needs CAP_NET_ADMIN in the network's user namespace. */
  struct {
    struct nlmsghdr header;
    struct { uint8_t family, version; uint16_t resource; } generic;
  } request = {.header = {sizeof request, 10 << 8 | 16, NLM_F_REQUEST | NLM_F_ACK, 1, 0}};
  struct { struct nlmsghdr header; int error; char rest[512]; } answer;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct timeval limit = {1, 0};
  setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (sendto(one, &request, sizeof request, 0, (void *)&kernel, sizeof kernel) < 0) return by_result(-1, "nf_tables");
  ssize_t size = recv(one, &answer, sizeof answer, 0);
  if (size < (ssize_t)sizeof answer.header) return by_result(-1, "nf_tables");
  if (answer.header.nlmsg_type == NLMSG_ERROR && answer.error < 0) {
    errno = -answer.error;
    return by_result(-1, "nf_tables");
  }
  return worked("nf_tables answers");
}

PROBE(open_system) { return by_result(syscall(SYS_fsopen, "tmpfs", 0), "fsopen"); }
PROBE(clone_tree) { return by_result(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */), "open_tree"); }

PROBE(tiocsti) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0;
  char path[32];
  unsigned number;
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
    return inconclusive("no terminal: %s", strerrorname_np(errno));
  snprintf(path, sizeof path, "/dev/pts/%u", number);
  setsid();
  int slave = open(path, O_RDWR | O_CLOEXEC);
  if (slave < 0) return inconclusive("%s: %s", path, strerrorname_np(errno));
  ioctl(slave, TIOCSCTTY, 0);
  return by_result(ioctl(slave, TIOCSTI, "x"), "TIOCSTI");
}

PROBE(personality_flags) { return by_result(personality(READ_IMPLIES_EXEC), "personality(READ_IMPLIES_EXEC)"); }

PROBE(ldt) {
#if defined __x86_64__
  struct user_desc entry = {.entry_number = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1};
  return by_result(syscall(SYS_modify_ldt, 1, &entry, sizeof entry), "modify_ldt");
#else
  return absent("it is of x86-64");
#endif
}

PROBE(i386) {
#if defined __x86_64__
  long result = 20; /* getpid of i386 */
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  errno = result < 0 ? (int)-result : 0;
  return by_result(result > 0 ? 0 : -1, "a system call of i386");
#else
  return absent("it is of x86-64");
#endif
}

PROBE(aio) {
  unsigned long context = 0;
  return by_result(syscall(SYS_io_setup, 1, &context), "io_setup");
}

PROBE(fanotify) { return by_result(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY), "fanotify_init(FAN_CLASS_CONTENT)"); }

/* Calls whose right is asked for before their arguments are looked at: any other error than EPERM means that the kernel took it. */
static int reached(long result, const char *what) {
  if (result < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES)) return by_result(-1, what);
  return worked("%s: %s", what, result < 0 ? strerrorname_np(errno) : "done");
}

PROBE(quota) { return reached(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL), "quotactl"); }
PROBE(accounting) { return reached(acct("/nothing/here"), "acct"); }
PROBE(swap_on) { return reached(swapon("/nothing/here", 0), "swapon"); }
PROBE(reboot_call) { return reached(syscall(SYS_reboot, 0, 0, 0, 0), "reboot with a wrong magic number"); }

PROBE(clock) {
  struct timex now = {0};
  if (adjtimex(&now) < 0) return by_result(-1, "adjtimex");
  now.modes = ADJ_TICK; /* what it already is */
  return by_result(adjtimex(&now), "adjtimex");
}

PROBE(seccomp_listener) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &allow};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return by_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program), "seccomp with a listener");
}

PROBE(set_host_name) {
  char name[256];
  if (gethostname(name, sizeof name)) return inconclusive("gethostname: %s", strerrorname_np(errno));
  return by_result(sethostname(name, strlen(name)), "sethostname with the name it has");
}

/* handle PATH: opens the root of the file system that the container lies on by its number, and reads a file of the host. */
PROBE(handle) {
  if (count < 2) return inconclusive("handle needs a path");
  int place = open("/probe", O_RDONLY | O_CLOEXEC);
  struct { struct file_handle head; uint32_t inode, generation; } root = {.head = {8, 1 /* FILEID_INO32_GEN */}, .inode = 2};
  int folder = (int)syscall(SYS_open_by_handle_at, place, &root, O_RDONLY | O_CLOEXEC);
  if (folder < 0) return by_result(-1, "open_by_handle_at");
  int file = openat(folder, words[1] + (words[1][0] == '/'), O_RDONLY | O_CLOEXEC);
  char text[256];
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text);
  if (size > 0) printf("%.*s\n", (int)size, text);
  return worked("a directory outside was opened by its number");
}

PROBE(numa) {
  unsigned long nodes = 1;
  void *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return by_result(syscall(SYS_mbind, place, 4096, 2 /* MPOL_BIND */, &nodes, 8, 0), "mbind");
}

PROBE(madvise_other) {
  pid_t child = victim();
  int process = (int)syscall(SYS_pidfd_open, child, 0);
  struct iovec there = {(void *)((uintptr_t)looked_at & ~4095ul), 4096};
  return after(child, syscall(SYS_process_madvise, process, &there, 1, 20 /* MADV_COLD */, 0), "process_madvise");
}

PROBE(lookup_handle) {
  struct { struct file_handle head; char rest[128]; } place = {.head.handle_bytes = 128};
  int mount;
  return by_result(name_to_handle_at(AT_FDCWD, "/", &place.head, &mount, 0), "name_to_handle_at");
}

PROBE(hang_up) { /* of a session without a terminal: nobody loses one */
  setsid();
  return by_result(syscall(SYS_vhangup), "vhangup");
}

PROBE(give_pages) {
  int ends[2];
  struct iovec here = {looked_at, sizeof looked_at};
  if (pipe2(ends, O_CLOEXEC)) return inconclusive("pipe: %s", strerrorname_np(errno));
  return by_result(vmsplice(ends[1], &here, 1, 0), "vmsplice");
}

const struct probe kernel_probes[] = {
    {"io-uring", io_uring}, {"socket", any_socket}, {"bpf", bpf}, {"perf-event", perf_event}, {"userfaultfd", userfaultfd},
    {"keyring", keyring}, {"keyctl", keyctl}, {"trace", trace}, {"vm-read", vm_read}, {"kcmp", kcmp},
    {"pidfd-getfd", pidfd_getfd}, {"unshare-user", unshare_user}, {"clone-user", clone_user}, {"unshare-mount", unshare_mount},
    {"nf-tables", nf_tables}, {"fsopen", open_system}, {"open-tree", clone_tree}, {"tiocsti", tiocsti}, {"personality", personality_flags},
    {"ldt", ldt}, {"i386", i386}, {"aio", aio}, {"fanotify", fanotify}, {"quota", quota},
    {"accounting", accounting}, {"swap-on", swap_on}, {"reboot", reboot_call}, {"clock", clock}, 
    {"seccomp-listener", seccomp_listener}, {"set-host-name", set_host_name}, {"handle", handle}, {"numa", numa},
    {"madvise-other", madvise_other}, {"name-to-handle", lookup_handle}, {"hang-up", hang_up}, {"vmsplice", give_pages}, {NULL, NULL}};
